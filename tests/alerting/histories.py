"""Histories of one series, and what the rules' semantics make of them when the whole history is read each time.

Written from the semantics alone and without the table: no timers are carried along, every question ("how long has it
been bad?") is answered by looking back over what happened. Slow, and meant to be obviously right.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from alerting.alert import Level
from alerting.rules.policy import Missing, Policy

ZERO = datetime(2026, 1, 1, tzinfo=UTC)
EVERY = timedelta(seconds=10)


@dataclass(frozen=True)
class Seen:
    """What one evaluation saw: a value or a gap; `behind`: the collector was; `failed`: the query did."""

    value: float | None
    behind: bool = False
    failed: bool = False


@dataclass(frozen=True)
class Stand:
    """How the alert stands after an evaluation; None where there is no series."""

    state: str
    level: Level


@dataclass(frozen=True)
class _Mark:
    """A conclusion of one evaluation: B bad, W between, G good, L lost. Where nothing is concluded there is none."""

    at: int
    sign: str
    level: Level = Level.OK
    behind: bool = False
    frozen: bool = False


def reread(policy: Policy, history: list[Seen]) -> list[Stand | None]:
    """How the alert stands after each evaluation of the history."""
    stands: list[Stand | None] = []
    life: list[tuple[int, Seen]] = []
    for number, seen in enumerate(history):
        if not (seen.failed or (not life and seen.value is None)):
            life.append((number, seen))
        if _silence(life) * EVERY >= policy.forget:
            life = []
        stands.append(_stand(policy, life) if life else None)
    return stands


def _silence(life: list[tuple[int, Seen]]) -> int:
    """Gaps since the last real value; those seen while behind count for nothing."""
    count = 0
    for _, seen in reversed(life):
        if seen.value is not None:
            break
        count += not seen.behind
    return count


def _stand(policy: Policy, life: list[tuple[int, Seen]]) -> Stand:
    marks: list[_Mark] = []
    points: list[float | None] = []
    fired: int | None = None  # index into marks of the mark that made it fire
    over = 0  # marks before this one belong to episodes that have ended
    fires: list[int] = []  # evaluations at which it fired
    for number, seen in life:
        mark = _mark(policy, points, number, seen, is_open=fired is not None)
        if mark is None:
            continue
        marks.append(mark)
        if fired is None:
            if mark.sign == "B" and _lasted(marks, over, mark, policy.hold):
                fired = len(marks) - 1
                fires.append(mark.at)
        elif mark.sign == "G" and _lasted(marks, fired + 1, mark, _calm(policy, fires)):
            fired, over = None, len(marks)
    if fired is not None:
        return Stand("no-data" if marks[-1].sign == "L" else "firing", _level(policy, marks[fired:]))
    if marks[over:] and marks[-1].sign == "B":
        return Stand("pending", marks[-1].level)
    return Stand("inactive", Level.OK)


def _calm(policy: Policy, fires: list[int]) -> timedelta:
    """How long it has to be good: for longer where the last time that it fired was one of too many."""
    guard = policy.flapping
    if guard is None or sum((fires[-1] - at) * EVERY < guard.within for at in fires) < guard.times:
        return policy.keep_firing_for
    return max(policy.keep_firing_for, guard.within)


def _lasted(marks: list[_Mark], start: int, last: _Mark, length: timedelta) -> bool:
    """Whether the unbroken run of equal signs that ends with `last` is at least this long."""
    if not length:
        return True
    first = last
    for mark in reversed(marks[start:]):
        if mark.sign != last.sign:
            break
        first = mark
    return not last.frozen and (last.at - first.at) * EVERY >= length


def _level(policy: Policy, marks: list[_Mark]) -> Level:
    """The level since it fired: that of the last bad mark; while behind it only rises."""
    lowest = Level.WARNING if policy.warn else Level.CRITICAL
    level = marks[0].level
    for mark in marks[1:]:
        if mark.sign in "BW":
            new = mark.level if mark.sign == "B" else lowest
            level = max(level, new) if mark.behind else new
    return level


def _grade(policy: Policy, value: float) -> Level:
    if policy.critical and value > policy.critical.bound:
        return Level.CRITICAL
    return Level.WARNING if policy.warn and value > policy.warn.bound else Level.OK


def _recovered(policy: Policy, value: float) -> bool:
    return _grade(policy, value) is Level.OK and (policy.resolve is None or value < policy.resolve.bound)


def _mark(policy: Policy, points: list[float | None], number: int, seen: Seen, *, is_open: bool) -> _Mark | None:
    if seen.behind and seen.value is None:
        return None
    if seen.behind and seen.value is not None:
        calm = _recovered(policy, seen.value) if is_open else _grade(policy, seen.value) is Level.OK
        if calm:
            return None
    points.append(seen.value)
    if policy.datapoints is not None:
        mark = _mark_range(policy, points, number, seen, is_open=is_open)
    elif seen.value is None:
        mark = _mark_gap(policy, number)
    elif _grade(policy, seen.value) is not Level.OK:
        mark = _Mark(number, "B", _grade(policy, seen.value), seen.behind)
    else:
        mark = _Mark(number, "G" if _recovered(policy, seen.value) else "W", behind=seen.behind)
    return None if mark is not None and mark.behind and mark.sign in "GL" else mark


def _mark_gap(policy: Policy, number: int) -> _Mark | None:
    worst = Level.CRITICAL if policy.critical else Level.WARNING
    return {
        Missing.KEEP: None,
        Missing.OK: _Mark(number, "G"),
        Missing.ALERT: _Mark(number, "B", worst),
        Missing.MISSING: _Mark(number, "L"),
    }[policy.missing]


def _mark_range(policy: Policy, points: list[float | None], number: int, seen: Seen, *, is_open: bool) -> _Mark | None:
    assert policy.datapoints is not None
    frozen = seen.value is None and policy.missing is Missing.KEEP
    reach = points[-(policy.datapoints.window + 2) :]
    levels = [level for level in (Level.CRITICAL, Level.WARNING) if (policy.critical, policy.warn)[2 - level]]
    for level in levels:
        last = is_open and level is levels[-1]
        text = "".join(
            "-" if value is None else "0X"[_grade(policy, value) >= level or (last and not _recovered(policy, value))]
            for value in reach
        )
        outcome = cloudwatch(text, policy.datapoints.needed, policy.datapoints.window, policy.missing)
        if outcome == "A":
            return _Mark(number, "B", level, seen.behind, frozen)
        if outcome == "R":
            return None
        if outcome == "I":
            return _Mark(number, "L", behind=seen.behind)
    return _Mark(number, "G", behind=seen.behind, frozen=frozen)


def cloudwatch(points: str, needed: int, window: int, missing: Missing) -> str:
    """CloudWatch's verdict: A alarm, 0 ok, R retain, I insufficient. `points`, oldest first: X bad, 0 good, - none."""
    newest_first = points[::-1]
    real = newest_first.replace("-", "")
    if len(real) >= window:
        return "A" if real[:window].count("X") >= needed else "0"
    if missing in (Missing.ALERT, Missing.OK):
        blanks = min(newest_first.count("-"), window - len(real))
        filled = real + {Missing.ALERT: "X", Missing.OK: "0"}[missing] * blanks
        return "A" if filled.count("X") >= needed else "0"
    if real.count("X") >= needed:
        return "A"
    if "0" in real:
        return "0"
    if missing is Missing.KEEP:
        return "R"
    return "A" if "X" in newest_first[needed - 1 :] else "I"
