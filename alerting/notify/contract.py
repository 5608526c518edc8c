"""The seam between a decision and a service that reaches people.

A notifier sends one message and returns, or raises an error that says whether to try again. It keeps no queue, retries
nothing and logs no secret: ordering, retries and persistence are the dispatcher's and the outbox's.

Concurrency: `send` may be called by several tasks at once for different incidents, never for the same one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from alerting.acknowledgement import Acknowledgement
from foundation.errors import Permanent, Transient


class Refusal(Permanent):
    """The service refused this message for good (a 4xx, a wrong key, an unknown channel)."""


class PartlyRefused(Refusal):
    """The service refused the message for some of its people, the others have it: it has to be called off later."""


class Unreachable(Transient):
    """Time-out, connection error, 429 or 5xx; `retry_after_s` is what the service asked for, if it did."""


class Unanswered(Unreachable):
    """The message went out and no answer came: the service may have it, so its incident has to be called off later."""


class Status(StrEnum):
    """Whether an incident is open."""

    FIRING = "firing"
    RESOLVED = "resolved"


@dataclass(frozen=True, slots=True)
class AlertView:
    """One alert as a receiver sees it. `labels` carry alertname and severity; `value` is the last one seen."""

    labels: Mapping[str, str]
    status: Status
    value: float | None
    since: datetime
    summary: str
    description: str = ""
    runbook_url: str = ""
    ended: datetime | None = None
    reason: str = ""
    acknowledged: Acknowledgement | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """What is to be said about one incident (a group at a receiver) at one moment.

    `incident` is the dedup key, stable from the first trigger to the resolve. `alerts` are firing first, worst first.
    `decided_at` is when the flush decided to say it; a message sent much later says how late it is. `why` is what made
    it speak (`first`, `repeat`, ...). `untold` counts, by status, the alerts that are left out. `muted` says of alerts
    that the receiver is not told of why, one line each reason. `note` says for whom it was meant, if for somebody else.
    `is_acknowledged`: somebody has all in hand that is open, those of `untold` too. `receipt` is what this notifier
    returned for the incident's last message; the sender fills it in.
    """

    incident: str
    receiver: str
    status: Status
    severity: str
    group_labels: Mapping[str, str]
    alerts: tuple[AlertView, ...]
    decided_at: datetime
    url: str = ""
    why: str = ""
    untold: Mapping[str, int] = field(default_factory=dict)
    muted: tuple[str, ...] = ()
    note: str = ""
    is_acknowledged: bool = False
    receipt: str = ""

    def count(self, status: Status) -> int:
        """How many alerts of the incident are firing, or have ended: those that are told and those left out."""
        return [view.status for view in self.alerts].count(status) + self.untold.get(status.value, 0)


class Notifier(Protocol):
    """Sends messages to one address of one service."""

    async def send(self, message: Message, *, now: datetime) -> str | None:
        """Deliver `message`. Raises Unreachable (try again) or Refusal (never); returns when the service has it.

        What it returns is kept with the message and handed back as `receipt` with the next one of the incident: text
        that is opaque to everybody else, such as where the message stands that is to be edited. A crash can lose it.
        """

    async def close(self) -> None:
        """Release connections."""
