"""One slice of windows, aggregated beside running writes: how much of it at once, and the rows of the answer.

Blocks; runs in the thread of rollups with a cursor of its own, which sees every commit before the slice was begun.
"""

# ruff: noqa: S608 - the SQL holds our own physical names and integers

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import reduce
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from foundation.batch import FieldType
from influxql.literals import MIN_TIME
from store.embedded.deadline import Deadline
from store.embedded.fallback import ARROW_TYPES
from store.embedded.schema import Tables
from store.embedded.select import Answer, answer_select
from store.embedded.session import Session

if TYPE_CHECKING:
    import duckdb

    from store.embedded.rollups.marks import Slice
    from store.embedded.schema import Table

MOST_ROWS: Final = 100_000
"""Points aggregated at once, but for a single window that has more: a fraction of a second."""
MOST_POINTS: Final = 50_000
"""Rows that the writer puts into a target at once; a slice that came to more is followed by smaller ones."""
_LONGEST_S: Final = 600.0

Schema = Callable[[str], Tables | None]


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows for the target as Arrow columns of one length, by the names of tags and fields; null where there is none."""

    times: Any
    tags: Mapping[str, Any]
    fields: Mapping[str, tuple[FieldType, Any]]


@dataclass(frozen=True, slots=True)
class Rolled:
    """What the windows [first, last) come to. `windows` is how many were aggregated at once, to begin the next with."""

    first: int
    last: int
    rows: Rows | None
    windows: int

    @property
    def count(self) -> int:
        """How many rows that are."""
        return 0 if self.rows is None else len(self.rows.times)


def roll(connection: duckdb.DuckDBPyConnection, schema: Schema, slice_: Slice, windows: int, now_ns: int) -> Rolled:
    """The newest windows of the slice, as many as hold MOST_ROWS points, and all emptiness behind them.

    Raises QueryError, QueryLimitExceeded, StoreUnavailable when it is stopped, and DuckDB's own errors.
    """
    rollup = slice_.rollup
    table = (schema(rollup.source.bucket) or {}).get(rollup.source.measurement)
    latest = None if table is None else _latest(connection, table, slice_, windows)
    if table is None or latest is None:
        return Rolled(slice_.first, slice_.last, None, windows)
    until = min(slice_.last, rollup.window.following(rollup.window.start(latest)))
    first, windows = _begin(connection, table, slice_, until, windows)
    deadline = Deadline(_LONGEST_S)
    session = Session(lambda: connection, schema, rollup.source.bucket, now_ns, deadline)
    try:
        answer = answer_select(session, rollup.bounded(first, until))
    finally:
        deadline.end()
    rows = _rows(answer)
    many = rows is not None and len(rows.times) >= MOST_POINTS
    return Rolled(first, slice_.last, rows, max(1, windows // 4) if many else windows)


def _latest(connection: duckdb.DuckDBPyConnection, table: Table, slice_: Slice, windows: int) -> int | None:
    """The newest time in the slice: looked for at its end first, where it nearly always is."""
    near = max(slice_.first, slice_.last - windows * slice_.rollup.window.interval)
    for first in (near, slice_.first):
        within = f"time >= {first} AND time < {slice_.last}"
        ((latest,),) = connection.execute(f"SELECT max(time) FROM {table.points} WHERE {within}").fetchall()
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
        ((rows,),) = connection.execute(f"SELECT count(*) FROM {table.points} WHERE {within}").fetchall()
        if rows <= MOST_ROWS or windows == 1:
            return first, windows * 2 if rows < MOST_ROWS // 4 else windows
        windows = max(1, windows // 2)


def _rows(answer: Answer) -> Rows | None:
    """The answer's rows, but for those in which no field has a value; None where there are none."""
    plan, series = answer.plan, answer.series
    columns = [
        list(chain.from_iterable(part)) for part in zip(*(zip(*one.values, strict=True) for one in series), strict=True)
    ]
    if not columns:
        return None
    fields = {
        name: (kind, _finite(pa.array(values, ARROW_TYPES[kind])))
        for name, kind, values in zip(plan.columns[1:], plan.kinds, columns[1:], strict=True)
        if kind is not None
    }
    tags = {
        key: pa.array([text for one in series for text in repeat(one.tags[key] or None, len(one.values))], pa.string())
        for key in plan.dimensions
    }
    kept = reduce(
        pc.or_, [values.is_valid() for _, values in fields.values()], pa.repeat(pa.scalar(False), len(columns[0]))
    )
    cut = {name: (kind, values.filter(kept)) for name, (kind, values) in fields.items()}
    return Rows(
        pa.array(columns[0], pa.int64()).filter(kept),
        {key: values.filter(kept) for key, values in tags.items()},
        {name: (kind, values) for name, (kind, values) in cut.items() if values.null_count < len(values)},
    )


def _finite(values: Any) -> Any:
    """What a line could hold: neither infinity nor what is no number."""
    if not pa.types.is_floating(values.type):
        return values
    return pc.if_else(pc.is_finite(values), values, pa.scalar(None, values.type))
