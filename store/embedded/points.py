"""Points read from one measurement: raw rows, and the points of each call, group by group, in order of time.

SQL scans, filters and aggregates; what comes back is one row for each group and window.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import nullcontext
from itertools import groupby
from operator import itemgetter
from typing import Any

from foundation.batch import FieldType
from influxql.ast import Call, IntegerLiteral, VarRef
from influxql.names import named_in
from influxql.plan import Plan
from influxql.translate.aggregate import (
    ABSENT,
    Aggregate,
    aggregate_sql,
    company_sql,
    holds_values,
    percentile_sql,
    read_one,
    selector_sql,
)
from influxql.translate.ranking import counted_sql, distinct_sql, pick_mode, ranked_sql, sampled_sql
from influxql.translate.relation import Relation
from influxql.translate.scalar import field_sql, is_field
from influxql.translate.statement import grouped_sql, select_sql
from influxql.typing import type_of
from store.embedded.choice import Group
from store.embedded.edge import edges
from store.embedded.latest import Latest, narrow_to_latest
from store.embedded.percentiles import percent_of, pick_points, plan_percentiles, take_percentiles
from store.embedded.scan import Scan, open_scan
from store.embedded.schema import Table
from store.embedded.session import Row, Session
from store.embedded.source import Points, Source


def read_rows(session: Session, plan: Plan, source: Source) -> Points:
    """Raw rows: (time, one value for each of the plan's references). At least one field of a row is not null.

    Of a measurement tags alone are no rows; of a subquery, whose rows stand already, they are.
    """
    references = plan.references
    relation = source.relation
    columns = [field_sql(ref, relation) for ref in references]
    fields = [sql for ref, sql in zip(references, columns, strict=True) if sql and is_field(ref, relation)]
    if not fields and not source.bounded and any(columns):
        fields = ["time"]
    if not fields:
        return {}
    return session.steady(relation.relation, lambda: _read_first_rows(session, plan, source, columns, fields))


def _read_first_rows(
    session: Session, plan: Plan, source: Source, columns: Sequence[str | None], fields: Sequence[str]
) -> Points:
    limit = _limit(plan)
    choice = open_scan(session, plan, source, fields, numbered=True).choice
    if choice is not None and choice.numbers == ():
        return {}
    apart = 1 if choice is None else choice.apart
    for near in edges(session, plan, source.relation, limit, apart) if limit and source.bounded else ():
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
    scan = open_scan(session, plan, source, fields, numbered=True)
    if scan.choice is None or scan.choice.only is None:
        scan = open_scan(session, plan, source, [*columns, *tags])
    else:
        known = zip(relation.tags.values(), scan.choice.only, strict=True)
        bound = {f'"{tag.physical}"': "NULL" if value is None else scan.parameters.bind(value) for tag, value in known}
        columns, tags = [bound.get(column or "", column) for column in columns], []
    present = " OR ".join(f"{sql} IS NOT NULL" for sql in fields)
    sql = select_sql(
        [*scan.dimensions, "time", *(column or "NULL" for column in columns)],
        f"{scan.sql} AND ({present})",
        f"ORDER BY {', '.join([f'time {order}', *tags])}",
        f"LIMIT {_limit(plan)}" * bool(_limit(plan)),
    )
    return _grouped(scan, session.fetch(sql, scan.parameters))


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
    arguments = [argument[0] for call in calls if (argument := find_argument(call, source.relation))]
    scan = open_scan(session, plan, source, arguments, numbered=True)
    found: dict[Call, Points] = {call: {} for call in calls}
    single: list[tuple[Call, Aggregate]] = []
    ranked: list[tuple[Call, tuple[str, FieldType]]] = []
    moment, one_series = plan.bounds.lower or 0, is_one_series(plan, source, scan)
    for call in calls:
        argument = find_argument(call, source.relation)
        if argument is None:
            continue
        if call.name == "sample":
            found[call] = _read_sampled(session, scan, call, argument[0], [])
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
    argument = find_argument(call, relation)
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
    scan = open_scan(session, plan, source, [argument[0], *carried, *apart], numbered=True)
    if call.name in ("top", "bottom"):
        return _read_ranked(session, scan, call, source, carried)
    if call.name == "sample":
        return _read_sampled(session, scan, call, argument[0], carried)
    groups = scan.groups
    if call.name == "percentile":
        with session.snapshot():
            rows = pick_points(session, scan.sql, scan.typed_groups, scan.parameters, call, argument, carried)
    else:
        picked = selector_sql(call, argument[0], carried, one_series=is_one_series(plan, source, scan))
        rows = session.fetch(grouped_sql([*groups, picked], len(groups), scan.sql), scan.parameters)
    points: Points = defaultdict(list)
    width = len(scan.dimensions)
    for row in rows:
        point = row[-1]
        if point is not None and point["v"] is not None:
            time = point["t"] if scan.window is None else row[0]
            rest = (point[f"c{index}"] for index in range(len(carried)))
            if (group := scan.group(row[len(groups) - width : len(groups)])) is not None:
                points[group].append((time, point["v"], *rest))
    return _sorted(points)


def is_one_series(plan: Plan, source: Source, scan: Scan) -> bool:
    """Whether each group is one series, whose points all have different times. Inner answers may repeat a time."""
    if scan.choice is not None and scan.choice.has_one_series_each:
        return True
    return source.bounded and source.relation.tags.keys() <= set(plan.dimensions)


def _limit(plan: Plan) -> int:
    """How many rows are enough, 0 for all."""
    return 0 if not plan.paging.limit or plan.dimensions else plan.paging.limit + plan.paging.offset


def _counts_distinct(call: Call) -> bool:
    return call.name == "count" and isinstance(call.args[0], Call)


def find_argument(call: Call, relation: Relation) -> tuple[str, FieldType] | None:
    """The field that a call reads, as SQL, and its type; None where `relation` has no such field."""
    target = call.args[0]
    if isinstance(target, Call):
        target = target.args[0]
    if not isinstance(target, VarRef) or not is_field(target, relation):
        return None
    sql, kind = field_sql(target, relation), type_of(target)
    return None if sql is None or kind is None else (sql, kind)


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
    planned = plan_percentiles(session, scan.sql, scan.groups, scan.parameters, wishes)
    single: list[tuple[Call, Aggregate]] = []
    for argument, listed in members.items():
        sql, among = argument[0], planned[argument[0]]
        rows = take_percentiles(session, scan.sql, scan.typed_groups, scan.parameters, argument, among, wishes[sql])
        if rows is None:
            fractions = scan.parameters.bind(among.fractions)
            single += [(call, percentile_sql(sql, percent_of(call), among, fractions)) for call in listed]
            continue
        _keep_single(scan, rows, [(call, Aggregate((sql,), read_one)) for call in listed], found, moment)
    return single


def _read_single(
    session: Session, scan: Scan, calls: list[tuple[Call, Aggregate]], found: dict[Call, Points], moment: int
) -> None:
    groups = scan.groups
    columns = [sql for _, aggregate in calls for sql in aggregate.columns]
    if scan.window is not None and len(groups) == len(columns) == 1 and not holds_values(calls[0][0]):
        columns.append(company_sql(*columns))
    rows = session.fetch(grouped_sql([*groups, *columns], len(groups), scan.sql), scan.parameters)
    _keep_single(scan, rows, calls, found, moment)


def _keep_single(
    scan: Scan, rows: list[Row], calls: list[tuple[Call, Aggregate]], found: dict[Call, Points], moment: int
) -> None:
    """What the rows, which begin with their groups, mean for each call."""
    at = len(scan.groups)
    members = _members(scan, rows, slice(1 if scan.window else 0, at))
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


def _members(scan: Scan, rows: list[Row], tags: slice) -> dict[Group, list[Row]]:
    """The rows of each group, in order of their first column where that is the time."""
    in_time = scan.window is not None
    if in_time:
        rows.sort(key=itemgetter(0))
    alike: defaultdict[tuple[str | None, ...], list[Row]] = defaultdict(list)
    for row in rows:
        alike[row[tags]].append(row)
    members: defaultdict[Group, list[Row]] = defaultdict(list)
    for key, listed in alike.items():
        if (group := scan.group(key)) is not None:
            members[group] += listed
    if in_time and len(members) < len(alike):
        for listed in members.values():
            listed.sort(key=itemgetter(0))
    return members


def _read_distinct(session: Session, scan: Scan, argument: str, moment: int, *, descending: bool) -> Points:
    groups = scan.groups
    rows = session.fetch(distinct_sql(scan.sql, argument, groups, descending=descending), scan.parameters)
    points: Points = defaultdict(list)
    for row in rows:
        if (group := scan.group(row[1 if scan.window else 0 : -1])) is not None:
            points[group].append((row[0] if scan.window else moment, row[-1]))
    return _sorted(points)


def _read_mode(session: Session, scan: Scan, argument: str, moment: int) -> Points:
    groups = scan.groups
    rows = session.fetch(counted_sql(scan.sql, argument, groups), scan.parameters)
    width = len(groups)
    points: Points = defaultdict(list)
    for key, members in groupby(rows, key=lambda row: row[:width]):
        value = pick_mode([(row[width], *row[width + 1 :]) for row in members])
        if (group := scan.group(key[1 if scan.window else 0 :])) is not None:
            points[group].append((key[0] if scan.window else moment, value))
    return _sorted(points)


def _read_ranked(session: Session, scan: Scan, call: Call, source: Source, carried: list[str]) -> Points:
    relation = source.relation
    argument = find_argument(call, relation)
    if argument is None:
        return {}
    # A measurement's field tells no points apart: to InfluxDB it is a tag that none of them has.
    fields = relation.fields if source.bounded else {}
    listed = [arg for arg in call.args[1:-1] if isinstance(arg, VarRef)]
    apart = ["NULL" if arg.name in fields else field_sql(arg, relation) or "NULL" for arg in listed]
    limit = call.args[-1]
    sql = ranked_sql(
        scan.sql,
        argument[0],
        scan.groups,
        apart,
        carried,
        top=call.name == "top",
        limit=scan.parameters.bind(limit.value if isinstance(limit, IntegerLiteral) else 1),
    )
    rows = session.fetch(sql, scan.parameters)
    first = 1 if scan.window else 0
    return _grouped(scan, (row[first:] for row in rows))


def _read_sampled(session: Session, scan: Scan, call: Call, argument: str, carried: list[str]) -> Points:
    size = call.args[1]
    limit = scan.parameters.bind(size.value if isinstance(size, IntegerLiteral) else 1)
    sql = sampled_sql(scan.sql, argument, scan.groups, carried, limit=limit)
    rows = session.fetch(sql, scan.parameters)
    return _grouped(scan, (row[1 if scan.window else 0 :] for row in rows))


def _grouped(scan: Scan, rows: Iterable[tuple[Any, ...]]) -> Points:
    """Rows that start with the scan's dimensions, by their groups."""
    width = len(scan.dimensions)
    if not width:
        listed, only = list(rows), scan.group(())
        return {only: listed} if listed and only is not None else {}
    points: Points = defaultdict(list)
    for row in rows:
        if (group := scan.group(row[:width])) is not None:
            points[group].append(row[width:])
    return points


def _sorted(points: Points) -> Points:
    for listed in points.values():
        if len(listed) > 1:
            listed.sort(key=itemgetter(0))
    return points
