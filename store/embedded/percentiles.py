"""percentile() in two looks: the first tells how many values the groups have, the second takes the values by selection.

Selecting is three times as fast as sorting. Whoever calls holds a snapshot: nothing may change between the
looks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from foundation.batch import FieldType
from influxql.ast import Call, IntegerLiteral, NumberLiteral
from influxql.translate.parameters import Parameters
from influxql.translate.percentile import Percentiles, rank
from influxql.translate.statement import grouped_sql, select_sql
from store.embedded.narrowing import MANY_VALUES, take_narrowed
from store.embedded.selection import select_point, select_values
from store.embedded.session import Row, Session

_ARROW = {
    FieldType.FLOAT: pa.float64(),
    FieldType.INTEGER: pa.int64(),
    FieldType.UNSIGNED: pa.uint64(),
}


def percent_of(call: Call) -> float:
    """The second argument of percentile(), whose form is checked."""
    wish = call.args[1]
    return float(wish.value) if isinstance(wish, IntegerLiteral | NumberLiteral) else 0.0


def plan_percentiles(
    session: Session, scan: str, groups: Sequence[str], parameters: Parameters, wishes: Mapping[str, Sequence[float]]
) -> dict[str, Percentiles]:
    """Argument -> the percentiles wished for it, planned by how many values of it the groups of the scan have."""
    if not wishes:
        return {}
    counts = [f"count({argument}) AS n{index}" for index, argument in enumerate(wishes)]
    extremes = [f"min(nullif(n{index}, 0)), max(n{index}), sum(n{index})" for index in range(len(counts))]
    inner = grouped_sql([*groups, *counts], len(groups), scan)
    row = session.fetch(select_sql(extremes, f"({inner})"), parameters)[0]
    return {
        argument: Percentiles(percents, *(value or 0 for value in row[3 * index : 3 * index + 3]))
        for index, (argument, percents) in enumerate(wishes.items())
    }


def take_percentiles(
    session: Session,
    scan: str,
    groups: Sequence[tuple[str, bool]],
    parameters: Parameters,
    argument: tuple[str, FieldType],
    among: Percentiles,
    percents: Sequence[float],
) -> list[Row] | None:
    """What SQL does not have to take by groups: values that nothing groups, and too many to be taken all at once.

    For each group its columns, the value at each percent (or None), the count of values. None for all others.
    """
    value, kind = argument
    if _can_be_held(among, groups):
        return None if groups else select_values(session, scan, parameters, value, among.values, percents)
    return take_narrowed(session, scan, groups, parameters, (value, _ARROW[kind]), percents)


def _can_be_held(among: Percentiles, groups: Sequence[tuple[str, bool]]) -> bool:
    """Whether all values may be taken at once; what nothing groups is held as one column."""
    return among.values <= (MANY_VALUES if groups else MANY_VALUES // 2)


def pick_points(
    session: Session,
    scan: str,
    groups: Sequence[tuple[str, bool]],
    parameters: Parameters,
    call: Call,
    argument: tuple[str, FieldType],
    carried: Sequence[str],
) -> list[Row]:
    """The point at a percentile of each group: the groups' columns, then a struct of v, t, c0, c1 ...

    `groups` are expressions, each with whether it is a time (or text). Of equal values the later point has the higher
    rank.
    """
    value, kind = argument
    columns = [sql for sql, _ in groups]
    percent = percent_of(call)
    among = plan_percentiles(session, scan, columns, parameters, {value: [percent]})[value]
    if not groups and not carried and _can_be_held(among, groups):
        return select_point(session, scan, parameters, value, among.values, percent)
    narrowed = take_percentiles(session, scan, groups, parameters, argument, among, [percent])
    if narrowed is None:
        taken = [f"quantile_disc({value}, {parameters.bind(among.fractions)})", f"count({value})"]
        rows = session.fetch(grouped_sql([*columns, *taken], len(columns), scan), parameters)
        narrowed = [(*row[:-2], among.pick(row[-2], row[-1], percent), row[-1]) for row in rows if row[-1]]
    picked = [(*row[:-1], rank(row[-1], percent)) for row in narrowed if row[-2] is not None]
    if not picked:
        return []
    wanted = session.register(_columns(picked, [is_time for _, is_time in groups], _ARROW[kind]))
    points = [*(f"{sql} AS g{index}" for index, sql in enumerate(columns)), f"{value} AS v", "time AS t"]
    points += [f"{sql} AS c{index}" for index, sql in enumerate(carried)]
    parts = ["v := p.v", "t := s.t", *(f"c{index} := s.c{index}" for index in range(len(carried)))]
    found = f"list_sort(list(struct_pack({', '.join(parts)})) FILTER (WHERE s.v = p.v))"
    same = " AND ".join(
        ["s.v <= p.v", *(f"s.g{index} IS NOT DISTINCT FROM p.g{index}" for index in range(len(columns)))]
    )
    own = [f"s.g{index}" for index in range(len(columns))]
    sql = grouped_sql(
        [*own, "p.k", f"{found}[p.k - count(*) FILTER (WHERE s.v < p.v)]"],
        len(columns) + 1,
        f"({select_sql(points, scan)}) AS s JOIN {wanted} AS p ON {same}",
    )
    return [(*row[: len(columns)], row[-1]) for row in session.fetch(sql, parameters)]


def _columns(rows: Sequence[Row], times: Sequence[bool], kind: Any) -> dict[str, Any]:
    made = {
        f"g{index}": pa.array([row[index] for row in rows], pa.int64() if is_time else pa.string())
        for index, is_time in enumerate(times)
    }
    made["v"] = pa.array([row[-2] for row in rows], kind)
    made["k"] = pa.array([row[-1] for row in rows], pa.int64())
    return made
