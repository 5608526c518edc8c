"""Statements put together, run by DuckDB."""

from __future__ import annotations

from collections import Counter

import duckdb
import pytest

from influxql.translate.aggregate import company_sql
from influxql.translate.statement import grouped_sql
from influxql.translate.timegroup import window_sql
from influxql.window import Window

TIMES = (7, 8, 19, 20, 21, 39, 40, 100)


@pytest.mark.parametrize("offset", [0, 3, -2])
@pytest.mark.parametrize("lower", [7, 20])
def test_rows_are_counted_in_the_windows_that_they_fall_into(offset: int, lower: int) -> None:
    """Rows grouped by the numbers of their windows are those of the windows' starts, whatever the offset."""
    window = Window(10, offset)
    start = window_sql(window, lower, max(TIMES))
    times = f"(VALUES {', '.join(f'({time}::BIGINT)' for time in TIMES)}) AS t(time) WHERE time >= {lower}"
    with duckdb.connect() as connection:
        rows = connection.execute(grouped_sql([start, "count(time)"], 1, times)).fetchall()
    assert dict(rows) == Counter(window.start(time) for time in TIMES if time >= lower)


@pytest.mark.parametrize("column", ["count(time)", "max(time)"])
def test_company_leaves_the_lone_column_as_it_is(column: str) -> None:
    """What is asked beside a lone aggregate changes nothing of it."""
    start = window_sql(Window(10), min(TIMES), max(TIMES))
    times = f"(VALUES {', '.join(f'({time}::BIGINT)' for time in TIMES)}) AS t(time)"
    with duckdb.connect() as connection:
        alone = connection.execute(grouped_sql([start, column], 1, times)).fetchall()
        beside = connection.execute(grouped_sql([start, column, company_sql(column)], 1, times)).fetchall()
    assert sorted(alone) == sorted(row[:2] for row in beside)
