"""top(), bottom(), sample(), distinct() and mode(): calls that need a SELECT of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from influxql.translate.statement import partition_sql, select_sql


def ranked_sql(
    scan: str,
    argument: str,
    groups: Sequence[str],
    apart: Sequence[str],
    carried: Sequence[str],
    *,
    top: bool,
    limit: str,
) -> str:
    """The `limit` largest or smallest points of each group: groups, time, value, carried columns.

    `apart`: of all points that agree in these columns only the best counts.
    """
    direction = "DESC" if top else "ASC"
    order = f"{argument} {direction}, time"
    columns = [*(f"{sql} AS g{i}" for i, sql in enumerate(groups)), "time", f"{argument} AS v"]
    columns += [f"{sql} AS c{i}" for i, sql in enumerate(carried)]
    present = f"{scan} AND {argument} IS NOT NULL"
    if apart:
        best = select_sql(["*"], present, f"QUALIFY {partition_sql([*groups, *apart], order)} = 1")
        present = f"({best})"
    return select_sql(
        columns, present, f"QUALIFY {partition_sql(groups, order)} <= {limit}", f"ORDER BY time, v {direction}"
    )


def sampled_sql(scan: str, argument: str, groups: Sequence[str], carried: Sequence[str], *, limit: str) -> str:
    """`limit` points of each group by chance, all where there are no more: groups, time, value, carried columns."""
    columns = [*(f"{sql} AS g{i}" for i, sql in enumerate(groups)), "time", f"{argument} AS v"]
    columns += [f"{sql} AS c{i}" for i, sql in enumerate(carried)]
    drawn = select_sql([*columns, "random() AS lot"], f"{scan} AND {argument} IS NOT NULL")
    kept = [*(f"g{i}" for i in range(len(groups))), "time", "v", *(f"c{i}" for i in range(len(carried)))]
    chosen = f"QUALIFY {partition_sql(kept[: len(groups)], 'lot')} <= {limit}"
    return select_sql(kept, f"({drawn})", chosen, "ORDER BY time")


def distinct_sql(scan: str, argument: str, groups: Sequence[str], *, descending: bool) -> str:
    """The different values of each group in order of their first appearance: groups, value.

    `descending`: of their last appearance, which is the first one for who reads backwards.
    """
    order = "max(time), v" if descending else "min(time), v"
    columns = [*(f"{sql} AS g{i}" for i, sql in enumerate(groups)), f"{argument} AS v"]
    positions = ", ".join(str(i + 1) for i in range(len(columns)))
    return select_sql(columns, f"{scan} AND {argument} IS NOT NULL", f"GROUP BY {positions}", f"ORDER BY {order}")


def counted_sql(scan: str, argument: str, groups: Sequence[str]) -> str:
    """The different values of each group in ascending order: groups, value, how often, first and last time."""
    columns = [*groups, argument, "count(*)", "min(time)", "max(time)"]
    positions = ", ".join(str(i + 1) for i in range(len(groups) + 1))
    present = f"{scan} AND {argument} IS NOT NULL"
    return select_sql(columns, present, f"GROUP BY {positions}", f"ORDER BY {positions}")


def pick_mode(counted: Sequence[tuple[Any, int, int, int]]) -> Any:
    """The most frequent of (value, how often, first, last), which stand in ascending order.

    Among equals the one whose first time is not after the last of the best so far; of values that all come once, the
    smallest: so InfluxDB's one pass over the sorted values decides. Of booleans true wins.
    """
    if isinstance(counted[0][0], bool):
        return counted[-1][0] if counted[-1][1] >= counted[0][1] else counted[0][0]
    best, most, last_seen = counted[0][0], counted[0][1], counted[0][3]
    for value, count, first, last in counted[1:]:
        if count > 1 and (count > most or (count == most and first <= last_seen)):
            best, most, last_seen = value, count, last
    return best
