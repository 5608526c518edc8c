"""Where telemetry goes and as whom: what the code says, then TOCSIN_* of the environment, then defaults.

`telemetry` asks for it once. The invariant: what comes out can be used; what cannot is a ValueError that says how to
mend it, which `Telemetry` logs and then stays silent, because a wrong variable must not stop an app.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

_OFF = "off"
_SERVICE, _URL, _BUCKET = "app", "http://127.0.0.1:8186", "telemetry"


@dataclass(frozen=True)
class Settings:
    """What to push to; `url` is the collector's address, empty for nowhere. `release` is the app's version.

    At most `most_lines` (about 200 bytes each) and `most_bytes` of them wait in memory, those under way included; they
    are sent every `every_s` seconds, and one POST may take `timeout_s`.
    """

    service: str = _SERVICE
    release: str = ""
    url: str = _URL
    token: str = field(default="", repr=False)
    bucket: str = _BUCKET
    every_s: float = 1.0
    timeout_s: float = 5.0
    most_lines: int = 10_000
    most_bytes: int = 8 << 20

    def __post_init__(self) -> None:
        """Raises ValueError where the address or token cannot be one, or a number is out of its range."""
        if self.url and not _is_address(self.url):
            raise ValueError("TOCSIN_URL: expected http://host:port, https://host:port or off")
        if not self.token.isascii() or (self.token and not self.token.isprintable()):
            raise ValueError("TOCSIN_TOKEN: holds what no header can; expected what `tocsin token create` printed")
        if min(self.every_s, self.timeout_s, self.most_lines, self.most_bytes) <= 0:
            raise ValueError("every_s, timeout_s, most_lines and most_bytes must be above 0")

    @classmethod
    def from_environment(cls, service: str = "", environment: Mapping[str, str] = os.environ) -> Settings:
        """Settings of TOCSIN_SERVICE, TOCSIN_RELEASE, TOCSIN_URL, TOCSIN_TOKEN and TOCSIN_BUCKET.

        What the code says of `service` comes first. Raises ValueError.
        """
        url = environment.get("TOCSIN_URL", _URL)
        return cls(
            service=service or environment.get("TOCSIN_SERVICE", _SERVICE),
            release=environment.get("TOCSIN_RELEASE", ""),
            url="" if url == _OFF else url,
            token=environment.get("TOCSIN_TOKEN", "").strip(),
            bucket=environment.get("TOCSIN_BUCKET", _BUCKET),
        )


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port out of its range, half of an IPv6 address
        return False
