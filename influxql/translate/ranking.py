"""top(), bottom() and distinct(): calls that answer several points for a group, each by a SELECT of its own."""

from __future__ import annotations

from collections.abc import Sequence

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
    order = f"{argument} {'DESC' if top else 'ASC'}, time"
    columns = [*(f"{sql} AS g{i}" for i, sql in enumerate(groups)), "time", f"{argument} AS v"]
    columns += [f"{sql} AS c{i}" for i, sql in enumerate(carried)]
    present = f"{scan} AND {argument} IS NOT NULL"
    if apart:
        best = select_sql(["*"], present, f"QUALIFY {partition_sql([*groups, *apart], order)} = 1")
        present = f"({best})"
    return select_sql(columns, present, f"QUALIFY {partition_sql(groups, order)} <= {limit}", "ORDER BY time, v")


def distinct_sql(scan: str, argument: str, groups: Sequence[str]) -> str:
    """The different values of each group in order of their first appearance: groups, value."""
    columns = [*(f"{sql} AS g{i}" for i, sql in enumerate(groups)), f"{argument} AS v"]
    positions = ", ".join(str(i + 1) for i in range(len(columns)))
    return select_sql(columns, f"{scan} AND {argument} IS NOT NULL", f"GROUP BY {positions}", "ORDER BY min(time), v")
