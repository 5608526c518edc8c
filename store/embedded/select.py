"""A SELECT answered: points of each source, filled, transformed, merged by time, calculated, cut to its limits.

A subquery is answered first; its rows then stand as a table that the query around it reads like a measurement.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

from influxql.ast import Select, SubQuery
from influxql.plan import Frame, Outer, Plan, frame_select
from store.contract import OneRowSeries, Series, Value
from store.embedded.calls import call_rows, recall_plan
from store.embedded.choice import Group
from store.embedded.columns import column_series, column_totals
from store.embedded.inner import (
    empty_source,
    read_source,
    series_sources,
    shown_to_sql,
    tell_windows,
    told_source,
)
from store.embedded.newest import read_newest
from store.embedded.points import read_rows
from store.embedded.ready import Ready, make_ready, slotted
from store.embedded.recent.answer import Recalled, answer
from store.embedded.recent.grid import Grid
from store.embedded.recent.raw import answer_rows
from store.embedded.series import keep_groups
from store.embedded.session import Session
from store.embedded.source import Points, Source
from store.embedded.sources import find_tables
from store.embedded.told import Told, ToldRows, is_distinct
from store.embedded.totals import recall_totals

_NAMELESS: Final = ""
"""What has no rows is shown under no name."""


@dataclass(frozen=True, slots=True)
class Answer:
    """Series of one SELECT in the order of the answer, and the plan that made them."""

    plan: Plan
    series: Sequence[Series]


def answer_select(session: Session, select: Select, outer: Outer | None = None) -> Answer:
    """Answer `select`. Raises QueryError for what InfluxDB refuses too."""
    plan, sources = _prepare(session, select, outer)
    parts = [answer_source(session, plan, source, make_ready(plan, source)) for source in sources]
    return Answer(plan, parts[0] if len(parts) == 1 else tuple(chain.from_iterable(parts)))


def answer_source(session: Session, plan: Plan, source: Source, ready: Ready) -> Sequence[Series]:
    """The series of one measurement. Raises QueryError."""
    return _series(session, plan, source, ready, _recall(session, plan, source, ready))


def _prepare(session: Session, select: Select, outer: Outer | None) -> tuple[Plan, list[Source]]:
    """The plan, and what it reads in the order of the answer."""
    frame = frame_select(select, session.now_ns, outer)
    sources = _sources(session, frame)
    plan = session.plans.plan(frame, tuple(source.relation for source in sources))
    return plan, sorted(sources, key=lambda source: source.relation.measurement, reverse=plan.descending)


def _sources(session: Session, frame: Frame) -> list[Source]:
    found: dict[str, Source] = {}
    inner: list[Select] = []
    for source in frame.select.sources:
        if isinstance(source, SubQuery):
            inner.append(source.select)
        else:
            found |= {table.relation: Source(table) for table in find_tables(session, source)}
    if len(inner) == 1 and not found:
        return _only_source(session, inner[0], frame.outer())
    answers = [answer_select(session, select, frame.outer()) for select in inner]
    return [
        *found.values(),
        *series_sources(session, [(one, answer.plan) for answer in answers for one in answer.series]),
        *(empty_source(session, answer.plan, _NAMELESS) for answer in answers if not answer.series),
    ]


def _only_source(session: Session, select: Select, outer: Outer) -> list[Source]:
    """What a subquery answers beside which there is no other source: columns, where it has one source itself."""
    plan, sources = _prepare(session, select, outer)
    if len(sources) == 1:
        return _answered(session, plan, sources[0])
    members = (
        (one, plan) for source in sources for one in answer_source(session, plan, source, make_ready(plan, source))
    )
    return _tables(session, plan, members)


def _answered(session: Session, plan: Plan, source: Source) -> list[Source]:
    ready = make_ready(plan, source)
    recalled = _recall(session, plan, source, ready)
    is_plain = ready.is_whole and is_distinct(plan)
    told = _tell(session, plan, source, ready, recalled) if is_plain else None
    if told is not None:
        return [told_source(plan, source.relation.measurement, told)]
    if recalled is None:
        source = shown_to_sql(session, source)
        found = read_source(session, plan, source, slotted(plan))
        if found is not None:
            return found
    return _tables(session, plan, ((one, plan) for one in _series(session, plan, source, ready, recalled)))


def _tables(session: Session, plan: Plan, members: Iterable[tuple[Series, Plan]]) -> list[Source]:
    return list(series_sources(session, members)) or [empty_source(session, plan, _NAMELESS)]


def tell_source(session: Session, plan: Plan, source: Source, ready: Ready) -> Told | None:
    """What a subquery answers over one source, where that is at hand as columns. Raises QueryError.

    Its columns are distinct, and it cuts nothing off.
    """
    return _tell(session, plan, source, ready, _recall(session, plan, source, ready))


def _tell(session: Session, plan: Plan, source: Source, ready: Ready, recalled: Recalled | None) -> Told | None:
    if recalled is not None:
        return ToldRows(recalled.groups, _columns(plan, ready, recalled))
    grid = _recall_grid(session, plan, source, ready)
    return None if grid is None or ready.windows is None else tell_windows(plan, ready.windows, grid)


def _series(session: Session, plan: Plan, source: Source, ready: Ready, recalled: Recalled | None) -> Sequence[Series]:
    """As columns where they are recalled and many."""
    if recalled is None:
        windows, grid = ready.windows, _recall_grid(session, plan, source, ready)
        if windows is not None and grid is not None:
            series = column_series(plan, windows, source, grid, keep_groups(session, plan, source))
            if series is not None:
                return series
        source = shown_to_sql(session, source)
        again = windows is None or grid is not None
        rows = (
            call_rows(session, plan, source, from_memory=again)
            if plan.calls
            else _raw_rows(session, plan, source, ready)
        )
        return tuple(_shown(session, plan, source, rows, ready))
    if ready.is_whole:
        columns = _columns(plan, ready, recalled)
        return OneRowSeries(source.relation.measurement, plan.columns, plan.dimensions, recalled.groups, columns)
    return tuple(_shown(session, plan, source, recalled.rows(), ready))


def _columns(plan: Plan, ready: Ready, recalled: Recalled) -> Sequence[Sequence[Value]]:
    """The columns of the answer, calculated where they are not as they were recalled: of few rows one by one."""
    if ready.is_straight:
        return recalled.columns
    found = column_totals(ready.totals, recalled.columns)
    if found is not None:
        return found
    rows = list(zip(*recalled.columns, strict=True))
    return [recalled.columns[0], *([value(row) for row in rows] for value in ready.columns(plan))]


def _raw_rows(session: Session, plan: Plan, source: Source, ready: Ready) -> Points:
    """Those of memory, if that is asked for a few again and again."""
    if session.recent is None or ready.question is None:
        return read_rows(session, plan, source)
    most = plan.paging.limit + plan.paging.offset
    found = session.recent.recall(
        session,
        ready.question.again(plan),
        lambda asked, tail: answer_rows(session, asked, tail, most=most, descending=plan.descending),
    )
    if found is None:
        return read_rows(session, plan, source)
    return {(): found} if found else {}


def _recall(session: Session, plan: Plan, source: Source, ready: Ready) -> Recalled | None:
    """The answer from memory or from the newest rows alone, where either knows it."""
    if source.told is not None:
        return ready.around.recall(plan, source.told) if ready.around is not None and plan.window is None else None
    if session.recent is not None and plan.calls and plan.window is None:
        recalled = session.recent.recall(
            session,
            None if ready.question is None else ready.question.again(plan),
            lambda question, tail: answer(session, question, tail, lone=ready.is_lone, descending=plan.descending),
            lambda: recall_totals(session, plan, source),
        )
        if recalled is not None:
            return recalled
    return read_newest(session, plan, source)


def _recall_grid(session: Session, plan: Plan, source: Source, ready: Ready) -> Grid | None:
    """The same by windows of time, from memory or from what is settled."""
    if ready.windows is None or ready.reading is None:
        return None
    if source.told is not None:
        return None if ready.around is None else ready.around.recall_windows(plan, source.told)
    return recall_plan(session, plan, source, ready.reading)


def _shown(session: Session, plan: Plan, source: Source, rows: Points, ready: Ready) -> Iterator[Series]:
    """The groups in order, their rows calculated and cut to LIMIT and OFFSET."""
    straight = ready.is_straight
    evaluate = [] if straight else ready.columns(plan)
    first = plan.paging.offset
    # OFFSET without LIMIT leaves one row of raw points, as InfluxDB has it.
    limit = plan.paging.limit or (1 if first and not plan.calls else 0)
    last = first + limit if limit else None
    kept = keep_groups(session, plan, source)
    for group in sorted(rows if kept is None else rows.keys() & kept, reverse=plan.descending):
        cut = rows[group][first:last]
        values = list(map(list, cut)) if straight else [[row[0], *(value(row) for value in evaluate)] for row in cut]
        if values:
            yield Series(source.relation.measurement, plan.columns, values, _tags(plan, group))


def _tags(plan: Plan, group: Group) -> dict[str, str]:
    return dict(zip(plan.dimensions, group, strict=True))
