"""One POST of lines to the collector, over a connection that is kept.

`push` calls this from its thread. The invariant: after an error the next call begins with a new connection.
"""

from __future__ import annotations

import gzip
import http.client
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import quote, urlsplit

from tocsin_instrument.settings import Settings

_TOLD = 300
_MOST_READ = 4_096


@dataclass(frozen=True)
class Answer:
    """What the collector said; `retry_after_s` where it asked to wait, `told` the beginning of its words."""

    status: int
    retry_after_s: float | None = None
    told: str = ""


class Transport(Protocol):
    """Sends a body of lines. Called by one thread at a time."""

    def send(self, body: bytes) -> Answer:
        """Send; raises OSError or http.client.HTTPException when no answer came."""
        ...

    def close(self) -> None:
        """Let go of the connection."""
        ...


class HttpTransport:
    """The v2 write API: `POST /api/v2/write?bucket=...&precision=ns`, gzip, `Authorization: Token ...`."""

    def __init__(self, settings: Settings) -> None:
        address = urlsplit(settings.url)
        kind = http.client.HTTPSConnection if address.scheme == "https" else http.client.HTTPConnection
        self._connection = kind(address.hostname or "", address.port, timeout=settings.timeout_s)
        self._path = f"{address.path.rstrip('/')}/api/v2/write?bucket={quote(settings.bucket, safe='')}&precision=ns"
        self._headers = {"Content-Encoding": "gzip", "Content-Type": "text/plain; charset=utf-8"}
        if settings.token:
            self._headers["Authorization"] = f"Token {settings.token}"

    def send(self, body: bytes) -> Answer:
        """See Transport. A connection that was closed while it was idle is made anew, once and at once."""
        packed, was_open = gzip.compress(body, 1), self._connection.sock is not None
        try:
            response, told = self._asked(packed)
        except (ConnectionError, http.client.BadStatusLine):
            if not was_open:
                raise
            response, told = self._asked(packed)
        asked = response.headers.get("Retry-After", "")
        return Answer(
            response.status, float(asked) if asked.isdecimal() else None, told[:_TOLD].decode("utf-8", "replace")
        )

    def close(self) -> None:
        """See Transport."""
        self._connection.close()

    def _asked(self, packed: bytes) -> tuple[http.client.HTTPResponse, bytes]:
        try:
            self._connection.request("POST", self._path, packed, self._headers)
            response = self._connection.getresponse()
            told = response.read(_MOST_READ)
        except (OSError, http.client.HTTPException):
            self._connection.close()
            raise
        if not response.isclosed():  # more than anybody wants to hear
            self._connection.close()
        return response, told
