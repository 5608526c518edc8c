"""A SELECT put together. Whoever calls hands in physical names and placeholders only, never text of a query."""

from __future__ import annotations

from collections.abc import Sequence

from influxql.translate.timegroup import NumberedStart


def select_sql(columns: Sequence[str], source: str, *clauses: str) -> str:
    """`SELECT columns FROM source clauses`; `source` may end in its WHERE."""
    return " ".join(("SELECT", ", ".join(columns), "FROM", source, *filter(None, clauses)))


def grouped_sql(columns: Sequence[str], groups: int, source: str) -> str:
    """The same by groups, which are the first so many columns; by windows' numbers where they have some."""
    keys = (
        column.number if isinstance(column, NumberedStart) else str(place)
        for place, column in enumerate(columns[:groups], start=1)
    )
    return select_sql(columns, source, f"GROUP BY {', '.join(keys)}" * bool(groups))


def partition_sql(groups: Sequence[str], order: str) -> str:
    """The number of a row within its group, in that order, from 1."""
    partition = f"PARTITION BY {', '.join(groups)} " if groups else ""
    return f"row_number() OVER ({partition}ORDER BY {order})"
