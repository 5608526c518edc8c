"""Points read from one measurement: raw rows, and the points of each call, group by group, in order of time.

SQL scans, filters and aggregates; what comes back is one row for each group and window.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any

from foundation.batch import FieldType
from influxql.ast import Call, IntegerLiteral, VarRef
from influxql.names import named_in
from influxql.plan import Plan
from influxql.translate.aggregate import ABSENT, Aggregate, aggregate_sql, percentile_sql, read_one, selector_sql
from influxql.translate.parameters import Parameters
from influxql.translate.predicate import TagValues, condition_sql, unknown_values
from influxql.translate.ranking import counted_sql, distinct_sql, pick_mode, ranked_sql, sampled_sql
from influxql.translate.relation import Relation
from influxql.translate.scalar import field_sql, is_field
from influxql.translate.statement import grouped_sql, select_sql
from influxql.translate.timegroup import window_sql
from influxql.typing import type_of
from influxql.window import clamp
from store.embedded.edge import edges
from store.embedded.latest import Latest, narrow_to_latest
from store.embedded.percentiles import percent_of, pick_points, plan_percentiles, take_percentiles
from store.embedded.schema import Table
from store.embedded.session import Row, Session

_TAG = re.compile(r'"t\d+"')
"""A tag's column, as it stands in SQL."""

Group = tuple[str, ...]
"""The values of the tags grouped by; '' for a tag that is not there."""

Points = dict[Group, list[tuple[Any, ...]]]
"""Group -> (time, value, carried columns ...), in order of time."""


@dataclass(frozen=True, slots=True)
class Source:
    """A measurement to read. `bounded`: whether the plan's time range cuts its rows (an inner answer's it does not)."""

    relation: Relation
    bounded: bool = True


@dataclass(frozen=True, slots=True)
class Scan:
    """One pass over a source: FROM and WHERE, with what they bind, and the expressions to group by."""

    sql: str
    parameters: Parameters
    dimensions: tuple[str, ...]
    window: str | None


def read_rows(session: Session, plan: Plan, source: Source) -> Points:
    """Raw rows: (time, one value for each of the plan's references). At least one field of a row is not null."""
    references = plan.references
    relation = source.relation
    columns = [field_sql(ref, relation) for ref in references]
    fields = [sql for ref, sql in zip(references, columns, strict=True) if sql and is_field(ref, relation)]
    if not fields:
        return {}
    return session.steady(relation.relation, lambda: _read_first_rows(session, plan, source, columns, fields))


def _read_first_rows(
    session: Session, plan: Plan, source: Source, columns: Sequence[str | None], fields: Sequence[str]
) -> Points:
    limit = _limit(plan)
    for near in edges(session, plan, source.relation, limit) if source.bounded else ():
        found = _read_rows(session, near, source, columns, fields)
        if len(found.get((), ())) == limit:
            return found
    return _read_rows(session, plan, source, columns, fields)


def _read_rows(
    session: Session, plan: Plan, source: Source, columns: Sequence[str | None], fields: Sequence[str]
) -> Points:
    relation = source.relation
    order = "DESC NULLS FIRST" if plan.descending else "ASC NULLS LAST"
    tags = [f'"{tag.physical}" {order}' for _, tag in sorted(relation.tags.items())]
    scan = open_scan(session, plan, source, [*columns, *tags])
    present = " OR ".join(f"{sql} IS NOT NULL" for sql in fields)
    sql = select_sql(
        [*scan.dimensions, "time", *(column or "NULL" for column in columns)],
        f"{scan.sql} AND ({present})",
        f"ORDER BY {', '.join([f'time {order}', *tags])}",
        f"LIMIT {_limit(plan)}" * bool(_limit(plan)),
    )
    return _grouped(session.fetch(sql, scan.parameters), len(plan.dimensions))


def read_calls(session: Session, plan: Plan, source: Source, calls: Sequence[Call]) -> dict[Call, Points]:
    """Points of aggregates by group: one for each window, or one at the lower bound (0 without one)."""
    return session.steady(source.relation.relation, lambda: _read_latest_calls(session, plan, source, calls))


def _read_latest_calls(session: Session, plan: Plan, source: Source, calls: Sequence[Call]) -> dict[Call, Points]:
    latest = _latest(session, plan, source, calls)
    if latest is not None:
        found = _read_calls(session, latest.plan, source, calls)
        if all(len(points) == latest.groups for points in found.values()):
            moment = plan.bounds.lower or 0
            return {
                call: {group: [(moment, listed[0][1])] for group, listed in points.items()}
                for call, points in found.items()
            }
    return _read_calls(session, plan, source, calls)


def _latest(session: Session, plan: Plan, source: Source, calls: Sequence[Call]) -> Latest | None:
    if not source.bounded or not isinstance(source.relation, Table):
        return None
    return narrow_to_latest(session, plan, source.relation, [call.name for call in calls])


def _read_calls(session: Session, plan: Plan, source: Source, calls: Sequence[Call]) -> dict[Call, Points]:
    arguments = [argument[0] for call in calls if (argument := _argument(call, source.relation))]
    scan = open_scan(session, plan, source, arguments)
    found: dict[Call, Points] = {call: {} for call in calls}
    single: list[tuple[Call, Aggregate]] = []
    ranked: list[tuple[Call, tuple[str, FieldType]]] = []
    moment, one_series = plan.bounds.lower or 0, _is_one_series(plan, source)
    for call in calls:
        argument = _argument(call, source.relation)
        if argument is None:
            continue
        if call.name == "sample":
            found[call] = _read_sampled(session, open_scan(session, plan, source, arguments), call, argument[0], [])
        elif call.name == "distinct":
            found[call] = _read_distinct(session, scan, argument[0], moment, descending=plan.descending)
        elif call.name == "mode":
            found[call] = _read_mode(session, scan, argument[0], moment)
        elif call.name == "percentile":
            ranked.append((call, argument))
        else:
            name = Call("count distinct", call.args) if _counts_distinct(call) else call
            single.append((call, aggregate_sql(name, *argument, one_series=one_series)))
    with session.snapshot() if ranked else nullcontext():
        single += _percentiles(session, scan, ranked, found, moment)
        if single:
            _read_single(session, scan, single, found, moment)
    return found


def read_selector(session: Session, plan: Plan, source: Source, call: Call) -> Points:
    """Points of the one selector of a query with the columns that it carries along."""
    relation = source.relation
    argument = _argument(call, relation)
    if argument is None:
        return {}
    return session.steady(relation.relation, lambda: _read_latest_selector(session, plan, source, call, argument))


def _read_latest_selector(
    session: Session, plan: Plan, source: Source, call: Call, argument: tuple[str, FieldType]
) -> Points:
    latest = _latest(session, plan, source, [call])
    if latest is not None:
        points = _read_selector(session, latest.plan, source, call, argument)
        if len(points) == latest.groups:
            return points
    return _read_selector(session, plan, source, call, argument)


def _read_selector(session: Session, plan: Plan, source: Source, call: Call, argument: tuple[str, FieldType]) -> Points:
    relation = source.relation
    carried = [field_sql(ref, relation) or "NULL" for ref in plan.references]
    apart = [field_sql(ref, relation) for ref in named_in(call)]
    scan = open_scan(session, plan, source, [argument[0], *carried, *apart])
    if call.name in ("top", "bottom"):
        return _read_ranked(session, scan, call, relation, carried)
    if call.name == "sample":
        return _read_sampled(session, scan, call, argument[0], carried)
    groups = _groups(scan)
    if call.name == "percentile":
        typed = [(sql, sql is scan.window) for sql in groups]
        with session.snapshot():
            rows = pick_points(session, scan.sql, typed, scan.parameters, call, argument, carried)
    else:
        picked = selector_sql(call, argument[0], carried, one_series=_is_one_series(plan, source))
        rows = session.fetch(grouped_sql([*groups, picked], len(groups), scan.sql), scan.parameters)
    points: Points = defaultdict(list)
    width = len(scan.dimensions)
    for row in rows:
        point = row[-1]
        if point is not None and point["v"] is not None:
            time = point["t"] if scan.window is None else row[0]
            rest = (point[f"c{index}"] for index in range(len(carried)))
            points[_group(row[len(groups) - width : len(groups)])].append((time, point["v"], *rest))
    return _sorted(points)


def open_scan(session: Session, plan: Plan, source: Source, columns: Iterable[str | None] = ()) -> Scan:
    """FROM and WHERE over the source; `columns` are what else is read. Where that is no tag, neither are the series."""
    parameters = Parameters()
    relation = source.relation
    lower, upper = plan.bounds.lower, plan.bounds.upper
    wishes = ["TRUE"]
    if source.bounded and lower is not None:
        wishes.append(f"time >= {parameters.bind(lower)}")
    if source.bounded and upper is not None:
        wishes.append(f"time <= {parameters.bind(upper)}")
    if plan.condition is not None:
        values = _values_of(session, source)
        wishes.append(condition_sql(plan.condition, relation, parameters, values, stored=source.bounded))
    dimensions = tuple(
        f'"{relation.tags[key].physical}"' if key in relation.tags else "NULL" for key in plan.dimensions
    )
    window = None
    if plan.window is not None:
        first, last = (lower, upper) if source.bounded else (None, None)
        if plan.window.zone_steps(0, 0)[0][1] or first is None or last is None:
            first, last = _span(session, relation, first, last)
        window = window_sql(plan.window, *clamp(first, last))
    place = relation.relation
    if isinstance(relation, Table) and not any(_TAG.search(sql or "") for sql in (*wishes, *dimensions, *columns)):
        place = relation.points
    return Scan(f"{place} WHERE {' AND '.join(wishes)}", parameters, dimensions, window)


def _values_of(session: Session, source: Source) -> TagValues:
    """Tags' values are known of tables of the file."""
    if source.bounded and isinstance(source.relation, Table):
        return session.tag_values(source.relation)
    return unknown_values


def _span(session: Session, relation: Relation, lower: int | None, upper: int | None) -> tuple[int | None, int | None]:
    """Bounds narrowed to what the table really holds, so that few changes of a zone's offset matter."""
    place = relation.points if isinstance(relation, Table) else relation.relation
    first, last = session.fetch(select_sql(["min(time)", "max(time)"], place), Parameters())[0]
    lowers = [bound for bound in (lower, first) if bound is not None]
    uppers = [bound for bound in (upper, last) if bound is not None]
    return max(lowers, default=0), min(uppers, default=0)


def _is_one_series(plan: Plan, source: Source) -> bool:
    """Whether each group is one series, whose points all have different times. Inner answers may repeat a time."""
    return source.bounded and source.relation.tags.keys() <= set(plan.dimensions)


def _limit(plan: Plan) -> int:
    """How many rows are enough, 0 for all."""
    return 0 if not plan.paging.limit or plan.dimensions else plan.paging.limit + plan.paging.offset


def _counts_distinct(call: Call) -> bool:
    return call.name == "count" and isinstance(call.args[0], Call)


def _argument(call: Call, relation: Relation) -> tuple[str, FieldType] | None:
    """The field that a call reads, as SQL, and its type; None where `relation` has no such field."""
    target = call.args[0]
    if isinstance(target, Call):
        target = target.args[0]
    if not isinstance(target, VarRef) or not is_field(target, relation):
        return None
    sql, kind = field_sql(target, relation), type_of(target)
    return None if sql is None or kind is None else (sql, kind)


def _groups(scan: Scan) -> list[str]:
    return [*([scan.window] if scan.window else []), *scan.dimensions]


def _percentiles(
    session: Session,
    scan: Scan,
    calls: list[tuple[Call, tuple[str, FieldType]]],
    found: dict[Call, Points],
    moment: int,
) -> list[tuple[Call, Aggregate]]:
    """All percentiles of one argument are taken from one list of its values; of very many they are `found` at once."""
    members: dict[tuple[str, FieldType], list[Call]] = defaultdict(list)
    for call, argument in calls:
        members[argument].append(call)
    wishes = {sql: [percent_of(call) for call in listed] for (sql, _), listed in members.items()}
    planned = plan_percentiles(session, scan.sql, _groups(scan), scan.parameters, wishes)
    single: list[tuple[Call, Aggregate]] = []
    for argument, listed in members.items():
        sql, among = argument[0], planned[argument[0]]
        typed = [(group, group is scan.window) for group in _groups(scan)]
        rows = take_percentiles(session, scan.sql, typed, scan.parameters, argument, among, wishes[sql])
        if rows is None:
            fractions = scan.parameters.bind(among.fractions)
            single += [(call, percentile_sql(sql, percent_of(call), among, fractions)) for call in listed]
            continue
        _keep_single(scan, rows, [(call, Aggregate((sql,), read_one)) for call in listed], found, moment)
    return single


def _read_single(
    session: Session, scan: Scan, calls: list[tuple[Call, Aggregate]], found: dict[Call, Points], moment: int
) -> None:
    groups = _groups(scan)
    columns = [sql for _, aggregate in calls for sql in aggregate.columns]
    rows = session.fetch(grouped_sql([*groups, *columns], len(groups), scan.sql), scan.parameters)
    _keep_single(scan, rows, calls, found, moment)


def _keep_single(
    scan: Scan, rows: list[Row], calls: list[tuple[Call, Aggregate]], found: dict[Call, Points], moment: int
) -> None:
    """What the rows, which begin with their groups, mean for each call."""
    at = len(_groups(scan))
    members = _members(rows, slice(1 if scan.window else 0, at), in_time=scan.window is not None)
    for call, aggregate in calls:
        end = at + len(aggregate.columns)
        points: Points = {}
        for group, listed in members.items():
            if aggregate.read is read_one:
                kept = [(row[0], row[at]) for row in listed if row[at] is not None]
            else:
                values = [(row[0], aggregate.read(row[at:end])) for row in listed]
                kept = [point for point in values if point[1] is not ABSENT]
            if kept:
                points[group] = kept if scan.window else [(moment, point[1]) for point in kept]
        found[call] = points
        at = end


def _members(rows: list[Row], tags: slice, *, in_time: bool) -> dict[Group, list[Row]]:
    """The rows of each group, in order of their first column where that is the time."""
    if in_time:
        rows.sort(key=itemgetter(0))
    alike: defaultdict[tuple[str | None, ...], list[Row]] = defaultdict(list)
    for row in rows:
        alike[row[tags]].append(row)
    members: defaultdict[Group, list[Row]] = defaultdict(list)
    for key, listed in alike.items():
        members[_group(key)] += listed
    if in_time and len(members) < len(alike):
        for listed in members.values():
            listed.sort(key=itemgetter(0))
    return members


def _read_distinct(session: Session, scan: Scan, argument: str, moment: int, *, descending: bool) -> Points:
    groups = _groups(scan)
    rows = session.fetch(distinct_sql(scan.sql, argument, groups, descending=descending), scan.parameters)
    points: Points = defaultdict(list)
    for row in rows:
        points[_group(row[1 if scan.window else 0 : -1])].append((row[0] if scan.window else moment, row[-1]))
    return _sorted(points)


def _read_mode(session: Session, scan: Scan, argument: str, moment: int) -> Points:
    groups = _groups(scan)
    rows = session.fetch(counted_sql(scan.sql, argument, groups), scan.parameters)
    width = len(groups)
    points: Points = defaultdict(list)
    for key, members in groupby(rows, key=lambda row: row[:width]):
        value = pick_mode([(row[width], *row[width + 1 :]) for row in members])
        points[_group(key[1 if scan.window else 0 :])].append((key[0] if scan.window else moment, value))
    return _sorted(points)


def _read_ranked(session: Session, scan: Scan, call: Call, relation: Relation, carried: list[str]) -> Points:
    argument = _argument(call, relation)
    if argument is None:
        return {}
    apart = [field_sql(arg, relation) or "NULL" for arg in call.args[1:-1] if isinstance(arg, VarRef)]
    limit = call.args[-1]
    sql = ranked_sql(
        scan.sql,
        argument[0],
        _groups(scan),
        apart,
        carried,
        top=call.name == "top",
        limit=scan.parameters.bind(limit.value if isinstance(limit, IntegerLiteral) else 1),
    )
    rows = session.fetch(sql, scan.parameters)
    first = 1 if scan.window else 0
    return _grouped((row[first:] for row in rows), len(scan.dimensions))


def _read_sampled(session: Session, scan: Scan, call: Call, argument: str, carried: list[str]) -> Points:
    size = call.args[1]
    limit = scan.parameters.bind(size.value if isinstance(size, IntegerLiteral) else 1)
    sql = sampled_sql(scan.sql, argument, _groups(scan), carried, limit=limit)
    rows = session.fetch(sql, scan.parameters)
    return _grouped((row[1 if scan.window else 0 :] for row in rows), len(scan.dimensions))


def _grouped(rows: Iterable[tuple[Any, ...]], width: int) -> Points:
    """Rows that start with `width` tag values, by those."""
    if not width:
        listed = list(rows)
        return {(): listed} if listed else {}
    points: Points = defaultdict(list)
    for row in rows:
        points[_group(row[:width])].append(row[width:])
    return points


def _group(values: Sequence[str | None]) -> Group:
    return tuple(value or "" for value in values)


def _sorted(points: Points) -> Points:
    for listed in points.values():
        if len(listed) > 1:
            listed.sort(key=itemgetter(0))
    return points
