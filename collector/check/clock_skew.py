"""How far a sender's clock may be off: a device that boots in 1970 must not write where nobody looks."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from fnmatch import fnmatchcase
from typing import Literal

from collector.check.memoryless import Memoryless
from collector.check.run import Run
from collector.verdict import Cause, Objection, Origin, Ruling
from foundation.line_protocol.line import Line

_NS = 1_000_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SkewRule:
    """For sources (a pattern over `token:NAME` and `host:ADDRESS`) whose timestamps are further from now than allowed.

    `then`: `accept` as it is, `clamp` to the nearer bound, `stamp` with the time of receipt, or `reject`.
    """

    source: str = "*"
    max_future: timedelta | None = None
    max_past: timedelta | None = None
    then: Literal["accept", "clamp", "stamp", "reject"] = "reject"

    def __post_init__(self) -> None:
        """Refuse a rule that asks for nothing."""
        if self.then != "accept" and self.max_future is None and self.max_past is None:
            raise ValueError("give `max_future`, `max_past` or both")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockSkewConfig:
    """The first rule whose source fits counts; a source without a rule may write any time."""

    rules: tuple[SkewRule, ...] = ()


class ClockSkew(Memoryless):
    """Knows rules alone."""

    name = "clock_skew"
    surveys = True

    def __init__(self, config: ClockSkewConfig) -> None:
        self._rules = config.rules

    def begin(self, origin: Origin) -> ClockSkewOfBody:
        """Look at one body."""
        rule = next((one for one in self._rules if fnmatchcase(origin.source, one.source)), SkewRule(then="accept"))
        return ClockSkewOfBody(rule, origin.now_ns)


class ClockSkewOfBody:
    """The rule for one body's source, and the bounds that it sets now."""

    def __init__(self, rule: SkewRule, now_ns: int) -> None:
        self._rule = rule
        self._now_ns = now_ns
        self._last_ns = None if rule.max_future is None else now_ns + _ns(rule.max_future)
        self._first_ns = None if rule.max_past is None else now_ns - _ns(rule.max_past)
        self.surveys = rule.then != "accept"

    def judge(self, line: Line) -> Ruling:
        """Refuse the line or mend its timestamp."""
        time_ns = line.time_ns
        if time_ns is None or self._rule.then == "accept" or self._inside(time_ns, time_ns):
            return None
        if self._rule.then == "stamp":
            return replace(line, time_ns=self._now_ns)
        early = self._first_ns is not None and time_ns < self._first_ns
        if self._rule.then == "clamp":
            return replace(line, time_ns=self._first_ns if early else self._last_ns)
        off_s = abs(time_ns - self._now_ns) / _NS
        side, most = ("past", self._rule.max_past) if early else ("future", self._rule.max_future)
        reason = f"timestamp is {off_s:.0f} s in the {side}; this source may be off by {most}"
        return Objection(Cause.CLOCK_SKEW, reason)

    def settles(self, line: Line) -> bool:  # noqa: ARG002 - holds for every line
        """What a shape does not tell, a survey does."""
        return True

    def survey(self, run: Run) -> bool:
        """Whether all timestamps of the run are within the bounds."""
        return run.times_ns is None or self._inside(*run.times_ns)

    def commit(self) -> None:
        """Nothing was learnt."""

    def _inside(self, first_ns: int, last_ns: int) -> bool:
        late = self._last_ns is not None and last_ns > self._last_ns
        return not late and (self._first_ns is None or first_ns >= self._first_ns)


def _ns(span: timedelta) -> int:
    return round(span.total_seconds() * _NS)
