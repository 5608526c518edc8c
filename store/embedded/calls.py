"""Rows of a SELECT with calls: (time, one value for each call, one for each column that a selector carries along)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from influxql.ast import Call, Fill, FillKind, VarRef
from influxql.conditions import TimeRange
from influxql.functions import AGGREGATES, NUMERIC, OWN_TIMES, TRANSFORMATIONS
from influxql.plan import Plan
from influxql.typing import type_of
from store.embedded.choice import Group
from store.embedded.fill import fill_value, fill_windows
from store.embedded.integral import integrate
from store.embedded.points import read_calls, read_selector
from store.embedded.raw import read_field
from store.embedded.recent.grid import Grid, answer_windows
from store.embedded.recent.question import Question, pane_of, read_windows
from store.embedded.recent.settled import Form, Settled
from store.embedded.schema import Table
from store.embedded.session import Session, guard_rows
from store.embedded.source import Points, Source
from store.embedded.transform import transform, windows_before


def call_rows(session: Session, plan: Plan, source: Source, *, from_memory: bool = True) -> Points:
    """Rows by group, in the order of the answer. `from_memory`: whether that is asked for windows of time."""
    if is_lone_selector(plan):
        call = plan.calls[0]
        return _filled(call, _turned(read_selector(session, plan, source, call), plan), plan)
    streams = _streams(session, plan, source, from_memory=from_memory)
    if len(plan.calls) == 1:
        return streams[plan.calls[0]]
    return _merge(streams, plan)


def is_lone_selector(plan: Plan) -> bool:
    """Whether the rows are points of their own time that a selector picks, not rows of what calls come to."""
    if len(plan.calls) != 1:
        return False
    function = AGGREGATES.get(plan.calls[0].name)
    return (
        function is not None and function.selector and (plan.window is None or bool(plan.references) or _ranked(plan))
    )


def _ranked(plan: Plan) -> bool:
    return plan.calls[0].name in ("top", "bottom", "sample")


def _streams(session: Session, plan: Plan, source: Source, *, from_memory: bool) -> dict[Call, Points]:
    """The points of each call. Calls that read from the same moment on are read together."""
    together: dict[int, list[Call]] = defaultdict(list)
    streams: dict[Call, Points] = {}
    for call in plan.calls:
        together[_reach(call)].append(_read(call))
    read: dict[tuple[int, Call], Points] = {}
    for reach, calls in together.items():
        wider = _widened(plan, reach)
        aggregates = [call for call in dict.fromkeys(calls) if call.name in AGGREGATES and call.name != "integral"]
        found: dict[Call, Points] = {}
        if aggregates:
            grid = recall_windows(session, wider, source, aggregates) if from_memory else None
            found = read_calls(session, wider, source, aggregates) if grid is None else grid.by_call(aggregates)
        for call, points in found.items():
            read[reach, call] = _filled(call, _turned(points, plan), wider)
        for call in dict.fromkeys(calls):
            if call.name == "integral":
                read[reach, call] = _integral(session, wider, source, call)
    for call in plan.calls:
        streams[call] = _stream(session, plan, source, call, read)
    return streams


def recall_windows(session: Session, plan: Plan, source: Source, calls: Sequence[Call]) -> Grid | None:
    """What memory tells of calls by windows of time; None where the file has to be asked."""
    return _recall_windows(session, plan, source, calls, read_windows(plan, source, calls))


def _recall_windows(
    session: Session, plan: Plan, source: Source, calls: Sequence[Call], question: Question | None
) -> Grid | None:
    if session.recent is None or plan.window is None:
        return None
    return session.recent.recall(
        session,
        question,
        partial(answer_windows, session),
        partial(recall_settled, session, session.recent.settled, plan, source, calls),
    )


@dataclass(frozen=True, slots=True)
class Reading:
    """What `recall_plan` asks of memory, whatever the bounds: these aggregates, of `reach` windows more.

    `question` has the bounds that the plan had; None where memory cannot tell.
    """

    reach: int
    calls: Sequence[Call]
    question: Question | None


def read_plan(plan: Plan, source: Source) -> Reading:
    """What is asked for this plan."""
    reach, calls = max(map(_reach, plan.calls)), [_read(call) for call in plan.calls]
    return Reading(reach, calls, read_windows(_widened(plan, reach), source, calls))


def recall_plan(session: Session, plan: Plan, source: Source, reading: Reading) -> Grid | None:
    """The same of all aggregates of a plan, of which at most one is transformed: then of some more windows."""
    wider = _widened(plan, reading.reach) if reading.reach else plan
    question = None if reading.question is None else reading.question.again(wider)
    return _recall_windows(session, wider, source, reading.calls, question)


def recall_settled(
    session: Session, settled: Settled, plan: Plan, source: Source, calls: Sequence[Call]
) -> Grid | None:
    """What is left of earlier answers about a table that memory has not, with what came since."""
    pane, (lower, upper), table = pane_of(plan), (plan.bounds.lower, plan.bounds.upper), source.relation
    if pane is None or lower is None or upper is None or not (source.bounded and isinstance(table, Table)):
        return None
    if any(call.name in ("distinct", "sample") or type_of(call) not in NUMERIC for call in calls) or plan.references:
        return None
    form = Form(table.relation, len(table.columns), tuple(calls), plan.dimensions, plan.condition, pane)
    return settled.recall(
        session,
        form,
        lower,
        upper,
        lambda bounds, known: read_calls(session, plan.between(bounds), replace(source, known=known), calls),
    )


def _stream(session: Session, plan: Plan, source: Source, call: Call, read: dict[tuple[int, Call], Points]) -> Points:
    if call.name not in TRANSFORMATIONS:
        return read[_reach(call), call]
    target = call.args[0]
    if isinstance(target, VarRef):
        points = read_field(session, plan, source, target)
    elif isinstance(target, Call):
        points = (
            _stream(session, plan, source, target, read)
            if target.name in TRANSFORMATIONS
            else read[_reach(call), target]
        )
    else:
        points = {}
    kind = type_of(call)
    made = {group: transform(call, listed, plan, kind) for group, listed in points.items()}
    return {group: listed for group, listed in made.items() if listed}


def _integral(session: Session, plan: Plan, source: Source, call: Call) -> Points:
    target = call.args[0]
    if not isinstance(target, VarRef):
        return {}
    points = read_field(session, plan, source, target)
    made = {group: integrate(call, listed, plan) for group, listed in points.items()}
    return {group: listed for group, listed in made.items() if listed}


def _read(call: Call) -> Call:
    """The call that is read from the table: the aggregate within a transformation."""
    target = call.args[0] if call.args else None
    return _read(target) if call.name in TRANSFORMATIONS and isinstance(target, Call) else call


def _reach(call: Call) -> int:
    """How many windows before the range must be read for a call."""
    if call.name not in TRANSFORMATIONS:
        return 0
    inner = call.args[0]
    return windows_before(call) + (_reach(inner) if isinstance(inner, Call) else 0)


def _widened(plan: Plan, reach: int) -> Plan:
    """The plan with `reach` more windows before its range: behind it, when the answer runs backwards."""
    lower, upper, window = plan.bounds.lower, plan.bounds.upper, plan.window
    if not reach or window is None:
        return plan
    if plan.descending:
        return plan.between(TimeRange(lower, None if upper is None else upper + reach * window.interval))
    return plan.between(TimeRange(None if lower is None else lower - reach * window.interval, upper))


def _turned(points: Points, plan: Plan) -> Points:
    if plan.descending:
        for listed in points.values():
            listed.reverse()
    return points


def _filled(call: Call, points: Points, plan: Plan) -> Points:
    if plan.window is None or call.name in OWN_TIMES or call.name == "distinct":
        return points
    fill, kind = plan.fill, type_of(call)
    if call.name == "count" and fill.kind is FillKind.NULL:
        fill = Fill(FillKind.NUMBER, 0)
    most = _most(call, plan)
    filled: Points = {}
    total = 0
    for group, listed in points.items():
        filled[group] = fill_windows(listed, plan, fill, kind, most=most)
        total += len(filled[group])
        guard_rows(total)
    return filled


def _most(call: Call, plan: Plan) -> int | None:
    """How many windows of a call LIMIT leaves; None where all are needed."""
    if not plan.paging.limit or call not in plan.calls or plan.fill.kind is FillKind.LINEAR:
        return None
    return plan.paging.limit + plan.paging.offset


def _merge(streams: dict[Call, Points], plan: Plan) -> Points:
    """One row for each moment that any call has a point at; the others are null, or what fill(number) says."""
    blank = [0, *(_default(plan, call) for call in plan.calls)]
    rows: dict[Group, dict[int, list[Any]]] = defaultdict(dict)
    for slot, call in enumerate(plan.calls, start=1):
        for group, listed in streams[call].items():
            by_time = rows[group]
            for point in listed:
                row = by_time.get(point[0])
                if row is None:
                    row = by_time[point[0]] = blank.copy()
                    row[0] = point[0]
                row[slot] = point[1]
    return {
        group: [tuple(by_time[time]) for time in sorted(by_time, reverse=plan.descending)]
        for group, by_time in rows.items()
    }


def _default(plan: Plan, call: Call) -> Any:
    """What stands for a call that has no point at all in a group: fill(number), of the call's type if that is one."""
    if plan.window is None or plan.fill.kind is not FillKind.NUMBER:
        return None
    kind = type_of(call)
    return fill_value(plan.fill, kind) if kind in NUMERIC else plan.fill.value
