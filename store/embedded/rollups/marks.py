"""Which windows of each rollup are to be rolled, in the file: marked in the transaction of the rows that touch them.

Lives in the writer's thread and belongs to the writer, which calls `write` before each commit, `adopt` behind it, and
`reload` when nobody but the file knows whether a commit took place. What others read (`pending`) are values.

A slice that is being rolled stays marked until its rows are in the target; what is touched meanwhile stays marked
behind that, too.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from influxql.literals import MAX_TIME, MIN_TIME
from store.embedded.rollups.definition import Place
from store.embedded.rollups.spans import MOST_SPANS, Span, Spans

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import duckdb

    from store.embedded.rollups.definition import Rollup

END: Final = MAX_TIME + 1
_ZONE_STEP: Final = 900_000_000_000
"""The clocks of the zones differ by whole quarters of an hour."""
_MOST_CELL: Final = 2**62
"""Times beyond it are marked without arithmetic on columns, which might not hold them."""


@dataclass(slots=True)
class Slice:
    """Windows [first, last) of a rollup on their way into the target; `touched` are those that changed meanwhile."""

    rollup: Rollup
    first: int
    last: int
    touched: Spans = field(default_factory=Spans)


@dataclass(slots=True)
class _Staged:
    """What the running transaction changes."""

    pending: dict[str, Spans] = field(default_factory=dict)
    horizons: dict[str, int] = field(default_factory=dict)
    frozen: Counter[str] = field(default_factory=Counter)


class Marks:
    """Marks of the configured rollups. `horizon`: where a bucket's points begin that were never deleted for age."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, rollups: Sequence[Rollup]) -> None:
        self._connection = connection
        self.rollups: Mapping[str, Rollup] = {rollup.name: rollup for rollup in rollups}
        self.frozen = Counter[str]()
        self._under_way: dict[str, Slice] = {}
        self._staged = _Staged()
        self._sources = _by_place(rollups, "source")
        self._targets = _by_place(rollups, "target")
        self.reload()

    def reload(self) -> None:
        """Read again what the file says."""
        rows = self._connection.execute("SELECT rollup, spans FROM rollup_marks").fetchall()
        stored = {name: Spans(tuple(zip(ends[::2], ends[1::2], strict=True))) for name, ends in rows}
        self.pending: Mapping[str, Spans] = {name: stored.get(name, Spans()) for name in self.rollups}
        self._horizons: dict[str, int] = dict(
            self._connection.execute("SELECT bucket, before FROM horizons").fetchall()
        )
        self._staged = _Staged()

    def horizon(self, bucket: str) -> int:
        """Before it, points of the bucket may be missing."""
        return self._staged.horizons.get(bucket, self._horizons.get(bucket, MIN_TIME))

    def watches(self, bucket: str, measurement: str) -> bool:
        """Whether anything is marked when rows of the measurement change."""
        place = Place(bucket, measurement)
        return place in self._sources or place in self._targets

    def touch_rows(self, bucket: str, measurement: str, parts: Sequence[Any]) -> None:
        """Rows came, as Arrow tables with `time`: their windows are to be rolled."""
        for rollup in self._sources.get(Place(bucket, measurement), ()):
            times = pa.chunked_array(
                list(chain.from_iterable(part.column("time").chunks for part in parts)), pa.int64()
            )
            self._touch(rollup, spans_of(times, rollup))

    def touch_span(self, bucket: str, measurement: str, first: int, last: int) -> None:
        """Rows of [first, last], both ends included, were deleted: by somebody who wants windows without them.

        Where the rows of a target were deleted, they are rolled again.
        """
        place = Place(bucket, measurement)
        for rollup in (*self._sources.get(place, ()), *self._targets.get(place, ())):
            self._touch(rollup, [_windows(rollup, first, last)])

    def mark(self, rollup: Rollup, first: int, last: int) -> None:
        """Windows of [first, last], both ends included, are to be rolled, whatever was marked before."""
        self._stage(rollup.name, Spans().add([_windows(rollup, first, last)]))

    def move_horizon(self, bucket: str, before: int) -> None:
        """Points of the bucket before that moment are deleted for their age: their windows stay as they are."""
        if before <= self.horizon(bucket):
            return
        self._staged.horizons[bucket] = before
        for rollup in self.rollups.values():
            if rollup.source.bucket == bucket:
                self._freeze(rollup, first_whole(rollup, before))

    def begin(self, rollup: Rollup, due: int, least: int) -> Slice | None:
        """The newest marked windows that end by `due`, or None. Those that begin before `least` are let go."""
        self._under_way.pop(rollup.name, None)
        pending = self._now(rollup.name)
        first = first_whole(rollup, least)
        if pending.within(MIN_TIME, first):
            self._freeze(rollup, first)
            pending = self._now(rollup.name)
        span = pending.newest(due)
        if span is None:
            return None
        found = Slice(rollup, *span)
        self._under_way[rollup.name] = found
        return found

    def is_under_way(self, slice_: Slice) -> bool:
        """Whether the slice was begun here and nowhere else since."""
        return self._under_way.get(slice_.rollup.name) is slice_

    def settle(self, slice_: Slice, first: int) -> None:
        """[first, the slice's last) is in the target, but for what was touched since it was begun."""
        name = slice_.rollup.name
        self._under_way.pop(name, None)
        kept = slice_.touched.within(first, slice_.last)
        self._stage(name, self._now(name).without(first, slice_.last).add(kept.spans))

    def write(self) -> None:
        """Within the transaction: put down what it changes."""
        for name, spans in self._staged.pending.items():
            self._connection.execute("DELETE FROM rollup_marks WHERE rollup = ?", [name])
            if spans:
                ends = list(chain.from_iterable(spans.spans))
                self._connection.execute("INSERT INTO rollup_marks VALUES (?, ?)", [name, ends])
        for bucket, before in self._staged.horizons.items():
            self._connection.execute("DELETE FROM horizons WHERE bucket = ?", [bucket])
            self._connection.execute("INSERT INTO horizons VALUES (?, ?)", [bucket, before])

    def adopt(self) -> None:
        """Behind the commit: what was put down holds."""
        staged, self._staged = self._staged, _Staged()
        if staged.pending:
            self.pending = {**self.pending, **staged.pending}
        self._horizons.update(staged.horizons)
        self.frozen.update(staged.frozen)

    def _now(self, name: str) -> Spans:
        return self._staged.pending.get(name, self.pending[name])

    def _stage(self, name: str, spans: Spans) -> None:
        if spans != self._now(name):
            self._staged.pending[name] = spans

    def _touch(self, rollup: Rollup, spans: Sequence[Span]) -> None:
        first = first_whole(rollup, self.horizon(rollup.source.bucket))
        found = Spans().add(spans)
        late = found.within(MIN_TIME, first)
        if late:
            self._staged.frozen[rollup.name] += count_windows(rollup, late)
            found = found.without(MIN_TIME, first)
        under_way = self._under_way.get(rollup.name)
        if under_way is not None:
            under_way.touched = under_way.touched.add(found.within(under_way.first, under_way.last).spans)
        now = self._now(rollup.name)
        if not all(now.covers(*span) for span in found.spans):
            self._stage(rollup.name, now.add(found.spans))

    def _freeze(self, rollup: Rollup, first: int) -> None:
        """Let go of the windows that begin before `first`: their points, or their rows, are past their time."""
        now = self._now(rollup.name)
        lost = now.within(MIN_TIME, first)
        if lost:
            self._staged.frozen[rollup.name] += count_windows(rollup, lost)
            self._stage(rollup.name, now.without(MIN_TIME, first))


def first_whole(rollup: Rollup, moment: int) -> int:
    """The start of the first window that begins at `moment` or later."""
    if moment <= MIN_TIME:
        return MIN_TIME
    start = rollup.window.start(moment)
    return start if start >= moment else rollup.window.following(start)


def count_windows(rollup: Rollup, spans: Spans) -> int:
    """How many windows the spans are, about: days of a time zone are not all equally long."""
    return sum(-(-(last - first) // rollup.window.interval) for first, last in spans.spans)


def _by_place(rollups: Sequence[Rollup], end: str) -> Mapping[Place, list[Rollup]]:
    found: dict[Place, list[Rollup]] = {}
    for rollup in rollups:
        found.setdefault(getattr(rollup, end), []).append(rollup)
    return found


def _windows(rollup: Rollup, first: int, last: int) -> Span:
    """The whole windows that hold the moments of [first, last], both ends included."""
    window = rollup.window
    return max(MIN_TIME, window.start(first)), min(END, window.following(window.start(last)))


def spans_of(times: Any, rollup: Rollup) -> list[Span]:
    """The windows that hold any of the times, neighbours joined. One pass over the column, whatever its length."""
    edges = pc.min_max(times)
    first, last = edges["min"].as_py(), edges["max"].as_py()
    whole = _windows(rollup, first, last)
    offset = rollup.window.offset
    step = rollup.window.interval if rollup.window.zone is UTC else min(rollup.window.interval, _ZONE_STEP)
    if rollup.window.following(whole[0]) >= whole[1] or max(-first, last, step) > _MOST_CELL:
        return [whole]
    moved = pc.subtract(times, offset)
    # Arrow's division cuts towards zero, windows are cut downwards.
    floored = pc.if_else(pc.less(moved, 0), pc.subtract(moved, step - 1), moved)
    cells = pc.unique(pc.divide(floored, step))
    cells = cells.take(pc.sort_indices(cells))
    gaps = pc.pairwise_diff(cells)
    wide = pc.indices_nonzero(pc.fill_null(pc.greater(gaps, 1), fill_value=False))
    if len(wide) >= MOST_SPANS:
        largest = pc.select_k_unstable(gaps, MOST_SPANS - 1, [("", "descending")])
        wide = largest.take(pc.sort_indices(largest))
    cuts = [0, *wide.to_pylist(), len(cells)]
    ends = [(cells[start].as_py(), cells[stop - 1].as_py()) for start, stop in pairwise(cuts)]
    return [_windows(rollup, low * step + offset, (high + 1) * step + offset - 1) for low, high in ends]
