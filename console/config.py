"""Settings of the console."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Literal

from foundation.differences import FIXED
from foundation.secret import Secret
from foundation.web import Address

BOARDS = Path(__file__).resolve().parent.parent / "grafana" / "provisioning" / "dashboards" / "json"
"""The boards that ship."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsoleConfig:
    """`boards` is a folder of dashboard files in Grafana's classic JSON; they are asked from `bucket`.

    `token` may read from a collector that asks for one; `deadline` is how long an answer may take. `collector` and
    `alerting` are URLs of roles in other processes; empty where they run in this one or on the same state. `public_url`
    is where people reach the console, for the links in messages; empty: the address it listens on.

    `changes` says who may set and end silences through the pages: with `local` whoever reaches a console that listens
    on loopback, with `anyone` whoever reaches it, with `nobody` no one. `alerting_token` is alerting's `admin_token`,
    sent with each change; where alerting runs on the same configuration, its own is taken.
    """

    listen: str = field(default="127.0.0.1:8080", metadata=FIXED)
    collector: str = ""
    alerting: str = ""
    public_url: str = ""
    boards: Path = BOARDS
    bucket: str = "telemetry"
    token: Secret | None = None
    alerting_token: Secret | None = None
    changes: Literal["local", "anyone", "nobody"] = "local"
    deadline: timedelta = timedelta(seconds=30)

    def __post_init__(self) -> None:
        Address.parse(self.listen)
        for key in ("collector", "alerting", "public_url"):
            url = str(getattr(self, key))
            if url and not url.startswith(("http://", "https://")):
                raise ValueError(f"{key}: {url!r} is not a URL; write it as in http://127.0.0.1:8186")
        if self.deadline <= timedelta(0):
            raise ValueError("deadline must be longer than zero")
