"""The seam between deciding and remembering.

One `commit` is one transaction: what it holds is stored whole or not at all, and when it returns it survives a crash.
That is what makes the promises: no transition without the fact that a notification is due, nothing sent that was not
stored, nothing stored that is not sent or named as suppressed.

Concurrency: every method may be called by any number of tasks at once; commits take effect in the order of the calls.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from alerting.acknowledgement import Acknowledgement
from alerting.alert import Alert, Labels
from alerting.muting.silence import Silence
from alerting.notify.contract import Message
from alerting.routing.book import GroupChange
from alerting.routing.group import Group
from foundation.errors import Transient


class MemoryFailed(Transient):
    """The file could not be written or read (disk full, I/O error); nothing of the call was stored."""


class Outcome(StrEnum):
    """Where a notification stands."""

    PENDING = "pending"
    SENT = "sent"
    FAILED = "failed"
    SUPPRESSED = "suppressed"


class Suppression(StrEnum):
    """Why a notification is held back for good."""

    NEVER_ANNOUNCED = "never-announced"
    RESOLVED_BEFORE_SENT = "resolved-before-sent"
    SUPERSEDED = "superseded"
    RECEIVER_REMOVED = "receiver-removed"
    SILENCED = "silenced"
    INHIBITED = "inhibited"
    CALENDAR = "calendar"
    ABOUT_ITSELF = "about-itself"
    ACKNOWLEDGED = "acknowledged"


@dataclass(frozen=True, slots=True, kw_only=True)
class Words:
    """What was said with the last transition of an alert."""

    annotations: Mapping[str, str] = field(default_factory=dict)
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptAlert:
    """An alert and its last words."""

    alert: Alert
    words: Words = Words()


@dataclass(frozen=True, slots=True)
class Recollection:
    """All alerts by their ids, without their words, and all open groups. Labels that are equal are one object: those of
    a hundred thousand alerts have much in common, and stand in the alert and in each group that holds it.
    """

    alerts: Mapping[str, Alert] = field(default_factory=dict)
    groups: Sequence[Group] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEntry:
    """One transition, for people. `lasted_s`: of one that ends an alert, for how long people had to know of it."""

    at: datetime
    alert_id: str
    rule: str
    labels: Labels
    severity: str
    before: str
    state: str
    change: str
    value: float | None
    reason: str
    summary: str
    incident: str
    lasted_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A message on its way into the outbox, for one notifier (`pagerduty[0]`) of the message's receiver.

    With `suppression` it is kept as what people would have heard, and not sent. An `echo` is kept only where the
    notifier was told of the incident, or is about to be.
    """

    notifier: str
    why: str
    message: Message
    suppression: Suppression | None = None
    echo: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """A row of the outbox.

    `doubtful`: an attempt ended without an answer, the service may have the message. `not_before` is what the service
    asked for; it holds over restarts, while `next_attempt_at` is our own plan, for people.
    """

    id: int
    notifier: str
    why: str
    message: Message
    state: Outcome = Outcome.PENDING
    reason: str = ""
    attempts: int = 0
    last_error: str = ""
    doubtful: bool = False
    next_attempt_at: datetime | None = None
    not_before: datetime | None = None
    done_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What one transaction stores.

    Storing a message for an incident withdraws older ones of the same incident and notifier that still wait: a resolve
    those that fire (resolved-before-sent), a firing one older firing ones (superseded). A resolve is itself suppressed
    (never-announced) where the notifier cannot have heard of the incident. `in_flight` are rows being sent right now:
    they are not withdrawn, and count as possibly heard. `silences` are new or changed, `unsilenced` the ids of those to
    forget; `acknowledged` and `released` (ids of alerts) are the same for acknowledgements.
    """

    alerts: tuple[Alert, ...] = ()
    words: Mapping[str, Words] = field(default_factory=dict)
    forgotten: tuple[str, ...] = ()
    history: tuple[HistoryEntry, ...] = ()
    groups: tuple[GroupChange, ...] = ()
    drafts: tuple[Draft, ...] = ()
    in_flight: frozenset[int] = frozenset()
    silences: tuple[Silence, ...] = ()
    unsilenced: tuple[str, ...] = ()
    acknowledged: tuple[Acknowledgement, ...] = ()
    released: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Committed:
    """What a decision did to the outbox: rows that now wait, rows stored as suppressed, rows withdrawn by it."""

    pending: tuple[Notification, ...] = ()
    suppressed: tuple[Notification, ...] = ()
    withdrawn: tuple[tuple[int, Suppression], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What became of one attempt to send, or of giving one up."""

    id: int
    outcome: Outcome
    at: datetime
    error: str = ""
    reason: str = ""
    doubtful: bool = False
    next_attempt_at: datetime | None = None
    not_before: datetime | None = None
    receipt: str | None = None


class Memory(Protocol):
    """Keeps what alerting must not forget."""

    async def open(self) -> None:
        """Make ready. Raises ConfigError: the file is newer than this program, not ours, damaged or in use."""

    async def close(self, *, clean: bool = True) -> None:
        """Finish what was asked for and release the file. Not `clean`: messages may have been on their way."""

    async def commit(self, decision: Decision, *, now: datetime) -> Committed:
        """Store one decision. Raises MemoryFailed, then nothing of it was stored."""

    async def mark(self, attempt: Attempt) -> None:
        """Note what became of an attempt. A row marked sent stays sent, a withdrawn one does not wait again."""

    async def announced(self, incident: str, receiver: str, notifier: str) -> bool:
        """Whether the notifier has, or may have, heard of the incident."""

    async def receipt(self, incident: str, receiver: str, notifier: str) -> str | None:
        """The newest receipt that the notifier gave for the incident."""

    async def recall(self) -> Recollection:
        """What a start goes on with."""

    async def alerts(self, only: Collection[str] | None = None) -> Sequence[KeptAlert]:
        """All alerts; or those with these ids, as far as there are such."""

    async def ids(self, beginning: str) -> Sequence[str]:
        """The ids of alerts that begin so, two at most: enough to know whether one is meant."""

    async def words(self, ids: Collection[str]) -> Mapping[str, Words]:
        """The last words of these alerts, by their ids."""

    async def silences(self) -> Sequence[Silence]:
        """All silences that were not forgotten."""

    async def acknowledgements(self) -> Sequence[Acknowledgement]:
        """All acknowledgements in force."""

    async def notifications(self, outcome: Outcome, limit: int | None = None) -> Sequence[Notification]:
        """Rows of the outbox: pending ones oldest first, others newest first."""

    async def messages(self, incident: str) -> Sequence[Notification]:
        """Rows of the outbox about one incident, oldest first."""

    async def count(self, outcome: Outcome, *, since: datetime | None = None) -> int:
        """How many rows of the outbox there are, or how many came to their end since then."""

    async def history(
        self, limit: int, *, alert_id: str | None = None, rule: str | None = None
    ) -> Sequence[HistoryEntry]:
        """Transitions, newest first."""
