"""One slice of windows, aggregated beside running writes: how much of it at once, and the rows of the answer.

Blocks; runs in the thread of rollups with a cursor of its own, which sees every commit before the slice was begun.
"""

# ruff: noqa: S608 - the SQL holds our own physical names and integers

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from foundation.batch import FieldType
from foundation.line_protocol.line import FieldValue
from influxql.literals import MIN_TIME
from store.contract import Series
from store.embedded.schema import Tables
from store.embedded.select import Answer, answer_select
from store.embedded.session import Deadline, Session

if TYPE_CHECKING:
    import duckdb

    from store.embedded.rollups.marks import Slice
    from store.embedded.schema import Table

MOST_ROWS: Final = 100_000
"""Points aggregated at once, but for a single window that has more: a fraction of a second."""
MOST_POINTS: Final = 10_000
"""Rows that the writer puts into a target at once; a slice that came to more is followed by smaller ones."""
_LONGEST_S: Final = 600.0

Schema = Callable[[str], Tables | None]


@dataclass(frozen=True, slots=True)
class Point:
    """A row for the target."""

    time_ns: int
    tags: Mapping[str, str]
    fields: Mapping[str, tuple[FieldType, FieldValue]]


@dataclass(frozen=True, slots=True)
class Rolled:
    """What the windows [first, last) come to. `windows` is how many were aggregated at once, to begin the next with."""

    first: int
    last: int
    points: tuple[Point, ...]
    windows: int


def roll(connection: duckdb.DuckDBPyConnection, schema: Schema, slice_: Slice, windows: int, now_ns: int) -> Rolled:
    """The newest windows of the slice, as many as hold MOST_ROWS points, and all emptiness behind them.

    Raises QueryError, QueryLimitExceeded, StoreUnavailable when it is stopped, and DuckDB's own errors.
    """
    rollup = slice_.rollup
    table = (schema(rollup.source.bucket) or {}).get(rollup.source.measurement)
    latest = None if table is None else _latest(connection, table, slice_, windows)
    if table is None or latest is None:
        return Rolled(slice_.first, slice_.last, (), windows)
    until = min(slice_.last, rollup.window.following(rollup.window.start(latest)))
    first, windows = _begin(connection, table, slice_, until, windows)
    deadline = Deadline(connection, _LONGEST_S)
    session = Session(connection, schema, rollup.source.bucket, now_ns, deadline)
    with deadline.running():
        answer = answer_select(session, rollup.bounded(first, until))
    points = tuple(_points(answer))
    return Rolled(first, slice_.last, points, windows if len(points) < MOST_POINTS else max(1, windows // 4))


def _latest(connection: duckdb.DuckDBPyConnection, table: Table, slice_: Slice, windows: int) -> int | None:
    """The newest time in the slice: looked for at its end first, where it nearly always is."""
    near = max(slice_.first, slice_.last - windows * slice_.rollup.window.interval)
    for first in (near, slice_.first):
        within = f"time >= {first} AND time < {slice_.last}"
        ((latest,),) = connection.execute(f"SELECT max(time) FROM {table.relation} WHERE {within}").fetchall()
        if latest is not None:
            return int(latest)
    return None


def _begin(
    connection: duckdb.DuckDBPyConnection, table: Table, slice_: Slice, until: int, windows: int
) -> tuple[int, int]:
    """Where to begin so that the windows up to `until` hold about MOST_ROWS points; and how many to try next time."""
    window = slice_.rollup.window
    while True:
        wanted = max(slice_.first, MIN_TIME, until - windows * window.interval)
        first = max(slice_.first, window.start(wanted))
        within = f"time >= {first} AND time < {until}"
        ((rows,),) = connection.execute(f"SELECT count(*) FROM {table.relation} WHERE {within}").fetchall()
        if rows <= MOST_ROWS or windows == 1:
            return first, windows * 2 if rows < MOST_ROWS // 4 else windows
        windows = max(1, windows // 2)


def _points(answer: Answer) -> Iterator[Point]:
    for series in answer.series:
        tags = {key: value for key, value in series.tags.items() if value}
        for row in series.values:
            fields = dict(_fields(answer, series, row))
            if fields:
                yield Point(int(row[0] or 0), tags, fields)


def _fields(
    answer: Answer, series: Series, row: list[float | int | str | bool | None]
) -> Iterator[tuple[str, tuple[FieldType, FieldValue]]]:
    """What a line could hold of the row: neither null nor a number that is none."""
    for name, kind, value in zip(series.columns[1:], answer.plan.kinds, row[1:], strict=True):
        if kind is not None and value is not None and not (isinstance(value, float) and not math.isfinite(value)):
            yield name, (kind, value)
