"""What the demo's past holds besides an ordinary hour, so that its boards have something to tell: an incident. Pure.

`traffic` asks while it fills the history; a week before (WEEK_NS) it lets another shop live, of which the orders count.

The incident is told as alerting would have told it, under the name and team of a rule that ships (a test holds that).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from demo.faults import Faults, Kind
from foundation.line_protocol.encode import encode

_S = 1_000_000_000
WEEK_NS = 7 * 86_400 * _S
RULE = "FeatureSlow"
_BEFORE_NOW_NS = 38 * 60 * _S
_LENGTH_NS = 6 * 60 * _S
_PENDING_NS = 10 * _S
_ENDPOINTS = (("/checkout", 1_310.0), ("/payment", 1_745.0))


@dataclass(frozen=True, slots=True)
class Incident:
    """A slow checkout, from `began_ns` on for `length_ns`."""

    began_ns: int
    length_ns: int = _LENGTH_NS

    def faults(self, since_ns: int, until_ns: int) -> Faults:
        """What was broken in a stretch of time: the shop by its middle, so a stretch is broken or it is not."""
        middle_ns = (since_ns + until_ns) // 2
        if not self.began_ns <= middle_ns < self.began_ns + self.length_ns:
            return Faults()
        return Faults({Kind.LATENCY: datetime.fromtimestamp(until_ns / _S, UTC) + timedelta(seconds=1)})

    def events(self) -> list[bytes]:
        """Its changes as lines of `alert_event`."""
        fired_ns, ended_ns = self.began_ns + _PENDING_NS, self.began_ns + self.length_ns + _PENDING_NS
        changes = (
            _Change(self.began_ns, "pending", "pending"),
            _Change(fired_ns, "firing", "fired", opened=1),
            _Change(ended_ns, "inactive", "resolved", opened=-1, lasted_s=(ended_ns - fired_ns) / _S),
        )
        told = enumerate(_ENDPOINTS)
        return [_event(change, number, *words) for number, words in told for change in changes]


@dataclass(frozen=True, slots=True)
class _Change:
    at_ns: int
    state: str
    change: str
    opened: int = 0
    lasted_s: float | None = None


def incident(began_ns: int) -> Incident:
    """The one before a demo that began at `began_ns`."""
    return Incident(began_ns - _BEFORE_NOW_NS)


def _event(change: _Change, number: int, endpoint: str, value: float) -> bytes:
    tags = {"alertname": RULE, "severity": "critical", "state": change.state, "service": "payments"}
    fields: dict[str, str | int | float] = {
        "value": value,
        "opened": change.opened,
        "change": change.change,
        "summary": f"checkout is slow: p95 of {endpoint} is {value / 1_000:.2f} s",
        "incident": "",
    }
    if change.lasted_s is not None:
        fields["lasted_s"] = change.lasted_s
    return encode("alert_event", tags, fields, change.at_ns + number)
