"""What tocsin.yml says under `demo:`."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from foundation.differences import FIXED
from foundation.secret import Secret
from foundation.web import Address


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoConfig:
    """`listen` is the pager's address; `requests_per_s` what the shop serves on average over a day.

    The same `seed` makes the same shop. `history` is how much is filled in at a start that finds the store without any.
    `collector` is the URL of a collector in another process; empty where it runs in this one or on the same state.
    `token` reads and writes there, if the collector wants one.
    """

    listen: str = field(default="127.0.0.1:8187", metadata=FIXED)
    collector: str = ""
    token: Secret | None = None
    seed: int = field(default=1, metadata=FIXED)
    requests_per_s: float = 50.0
    devices: int = field(default=300, metadata=FIXED)
    report_every: timedelta = field(default=timedelta(seconds=15), metadata=FIXED)
    history: timedelta = field(default=timedelta(hours=1), metadata=FIXED)

    def __post_init__(self) -> None:
        Address.parse(self.listen)
        if not 0 < self.requests_per_s <= 5_000:  # noqa: PLR2004 - what one process can simulate
            raise ValueError("requests_per_s must be above 0 and at most 5000")
        if not 0 <= self.devices <= 20_000:  # noqa: PLR2004 - as above
            raise ValueError("devices must be 0 to 20000")
        if self.report_every < timedelta(seconds=1):
            raise ValueError("report_every must be 1s or more")
        if not timedelta(0) <= self.history <= timedelta(days=1):
            raise ValueError("history must be 0s to 24h")
