"""An alert as a value: what the state table works on, what memory keeps, what routing reads.

Identity of an alert is the rule's name plus the labels of its series plus the rule's own labels; `severity` is not part
of it, so a rise from warning to critical updates the same incident.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum

RULE_BLIND = "TocsinRuleBlind"
"""Tocsin's own alert about rules that cannot be evaluated."""
NOTIFICATIONS_FAILING = "TocsinNotificationsFailing"
"""Tocsin's own alert about a notifier that takes no messages; its labels name `receiver` and `notifier`."""

Labels = tuple[tuple[str, str], ...]
"""Sorted (name, value) pairs, `alertname` among them, `severity` not."""


def labels_of(pairs: Mapping[str, str]) -> Labels:
    """A mapping as sorted pairs. Empty values are left out, as in Alertmanager: a missing label equals ''."""
    return tuple(sorted((name, value) for name, value in pairs.items() if value != ""))


def fingerprint(labels: Labels) -> str:
    """16 hex digits that name a label set, stable over restarts and versions."""
    text = "\xff".join(f"{name}\xfe{value}" for name, value in labels)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


class State(StrEnum):
    """Where an alert stands. `no-data` is an open incident whose series went silent under `missing: missing`."""

    INACTIVE = "inactive"
    PENDING = "pending"
    FIRING = "firing"
    NO_DATA = "no-data"

    @property
    def is_open(self) -> bool:
        """Whether people are to know of the alert."""
        return self is State.FIRING or self is State.NO_DATA


class Level(IntEnum):
    """How bad a datapoint is; ordered."""

    OK = 0
    WARNING = 1
    CRITICAL = 2

    @property
    def severity(self) -> str:
        """The value of the `severity` label."""
        return _SEVERITIES[self]


_SEVERITIES = ("ok", "warning", "critical")


def as_told(labels: Labels, level: Level) -> dict[str, str]:
    """The labels that people, routes and silences see: with `severity`, which is part of no identity."""
    told = dict(labels)
    told["severity"] = _SEVERITIES[level or Level.WARNING]
    return told


class Change(StrEnum):
    """What a transition means to the people who hear of it."""

    PENDING = "pending"
    CANCELLED = "cancelled"
    FIRED = "fired"
    RAISED = "raised"
    LOWERED = "lowered"
    DATA_LOST = "data-lost"
    DATA_BACK = "data-back"
    RESOLVED = "resolved"

    @property
    def audible(self) -> bool:
        """Whether receivers may hear of it; pending and cancelled are history only."""
        return self is not Change.PENDING and self is not Change.CANCELLED


@dataclass(frozen=True, slots=True)
class Datapoint:
    """One series at one evaluation: its value (None: no data) at time `at`."""

    at: datetime
    value: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One alert of one series, everything that must survive a restart.

    `value` is the last real one; a gap leaves it. `since` is when the running episode began (pending or firing),
    `fired_at` when it began to fire; an inactive alert keeps both, and `threshold`, of its last episode. `calm_since`
    is when a firing alert last turned good (the `keep_firing_for` countdown runs from there), `seen_at` the time of its
    last real datapoint, `quiet_s` for how many seconds of successful queries it has been missing, `recent` the newest
    datapoints, oldest first (as many as `datapoints` looks back on; without it, those of an active alert). Under a rule
    with `flapping`, `fires` are the times at which it fired lately, and `is_flapping` says that this episode is one of
    too many.
    """

    rule: str
    labels: Labels
    state: State = State.INACTIVE
    level: Level = Level.OK
    value: float | None = None
    threshold: float | None = None
    since: datetime | None = None
    fired_at: datetime | None = None
    calm_since: datetime | None = None
    seen_at: datetime | None = None
    quiet_s: float = 0.0
    recent: Sequence[Datapoint] = ()
    fires: tuple[datetime, ...] = ()
    is_flapping: bool = False
    _fingerprint: str = field(default="", init=False, repr=False, compare=False)

    @property
    def fingerprint(self) -> str:
        """Names the alert in APIs, files and logs."""
        if not self._fingerprint:  # asked for a dozen times on the way of one alert to its receiver
            object.__setattr__(self, "_fingerprint", fingerprint(self.labels))
        return self._fingerprint


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """A change of an alert, with the words for it: `alert` is the alert after the change (level OK when it ended)."""

    alert: Alert
    before: State
    change: Change
    at: datetime
    reason: str
    annotations: Mapping[str, str] = field(default_factory=dict)
    """summary, description, runbook_url, already rendered"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """All that one evaluation of one rule changed; recorded in one transaction.

    `saved` holds every alert whose persistent state differs from before (also inactive ones: a series that is known can
    go missing), `forgotten` the fingerprints of alerts that no longer exist, `transitions` the changes among them, in
    order. An alert that is forgotten while it is active has a last transition, resolved or cancelled.
    """

    rule: str
    at: datetime
    saved: tuple[Alert, ...] = ()
    forgotten: tuple[str, ...] = ()
    transitions: tuple[Transition, ...] = ()
