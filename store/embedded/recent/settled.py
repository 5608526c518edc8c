"""Windows of time that are over, as they were answered: for tables whose rows are too many for memory.

A board asks for the windows of an hour again and again; all but the newest are what they were, unless late rows come.
Those are kept as the file answered them, so that only the newest windows, and the one that the lower bound cuts, are
read, both at once. The invariant: an answer is of one moment. What is kept is put beside rows of the file, so unlike in
`memory` it does not do to mark what a commit touches before and behind it: while one is under way, all that it touches
is read.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from influxql.ast import Call, Expr
from influxql.conditions import TimeRange
from store.embedded.recent.changes import Changes
from store.embedded.recent.contract import Asking
from store.embedded.recent.demand import Demand
from store.embedded.recent.grid import Grid, TooManyCells, grid_of, join_grids
from store.embedded.recent.panes import Pane
from store.embedded.source import Points

_TRIES: Final = 3
_IDLE_NS: Final = 120_000_000_000
_REFUSED_NS: Final = 60_000_000_000
_MOST_WINDOWS: Final = 5_000
"""Of one question, for boards of which one shows a longer time than another."""

Read = Callable[[TimeRange, tuple[int, int] | None], Mapping[Call, Points]]
"""What the file answers to the calls between two moments, but for a stretch that is known, all ends included."""


@dataclass(frozen=True, slots=True)
class Form:
    """A question by windows without its bounds; `columns` is how many its table has, so that new ones change it."""

    relation: str
    columns: int
    calls: tuple[Call, ...]
    dimensions: tuple[str, ...]
    condition: Expr | None
    pane: Pane


@dataclass(slots=True)
class _Kept:
    """Whole windows that follow each other, under `lock`; the others under the lock of all."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    grid: Grid | None = None
    size_bytes: int = 0
    asked_ns: int = 0
    first_ns: int | None = None
    """what is older is not kept; None: nothing is"""
    marked_ns: int | None = None
    """the file may differ from here on"""
    refused_ns: int | None = None
    """when there were too many windows of too many groups"""

    def forget(self) -> None:
        """What was read is not known to be true."""
        self.grid, self.size_bytes = None, 0


class Settled:
    """Answers by windows. `limit_bytes`: the most that they take; 0: none is kept."""

    def __init__(self, limit_bytes: int) -> None:
        self._limit_bytes = limit_bytes
        self._lock = threading.Lock()
        self._demand = Demand()
        self._kept: dict[Form, _Kept] = {}
        self._under_way: list[Changes] = []

    @property
    def size_bytes(self) -> int:
        """What they take."""
        return sum(kept.size_bytes for kept in list(self._kept.values()))

    @contextmanager
    def committing(self, changes: Changes) -> Iterator[None]:
        """Around the commit of a transaction that did these changes: while it lasts nobody knows who sees them."""
        with self._lock:
            self._under_way.append(changes)
        try:
            yield
        finally:
            self._mark(changes)
            with self._lock:
                self._under_way.remove(changes)

    def _mark(self, changes: Changes) -> None:
        with self._lock:
            firsts: dict[str, int | None] = {}
            for form, kept in self._kept.items():
                if kept.first_ns is not None:
                    known = firsts.get(form.relation)
                    firsts[form.relation] = kept.first_ns if known is None else min(known, kept.first_ns)
        oldest = dict(changes.oldest(firsts))
        with self._lock:
            for form, kept in self._kept.items():
                touched = oldest.get(form.relation)
                if touched is not None:
                    kept.marked_ns = touched if kept.marked_ns is None else min(kept.marked_ns, touched)

    def _doubted_ns(self, form: Form, kept: _Kept) -> int | None:
        """From when on the file may differ from what is kept, by what was committed or is being; under the lock."""
        touched = [at for changes in self._under_way for _, at in changes.oldest({form.relation: kept.first_ns})]
        return min(touched if kept.marked_ns is None else [*touched, kept.marked_ns], default=None)

    def recall(self, asking: Asking, form: Form, lower: int, upper: int, read: Read) -> Grid | None:
        """The windows between two moments, both included; None where the file had better be asked for all."""
        pane = form.pane
        first, end = -(-(lower - pane.shift) // pane.width), pane.number(upper + 1)
        if not self._limit_bytes or not 0 < end - first <= _MOST_WINDOWS:
            return None
        kept = self._kept_of(form, asking.now_ns, lower)
        if kept is None:
            return None
        found = None
        with kept.lock:
            try:
                for _ in range(_TRIES):
                    found = self._recall(form, kept, (lower, upper), (first, end), read)
                    if found is not None:
                        break
            except TooManyCells:
                kept.refused_ns = asking.now_ns
                kept.forget()
            except BaseException:
                kept.forget()
                raise
            self._bound(kept)
        return found

    def _kept_of(self, form: Form, now_ns: int, lower: int) -> _Kept | None:
        """None for what nobody asks again and again."""
        with self._lock:
            is_standing = self._demand.note(form, now_ns - lower, frozenset(), now_ns)
            for idle in [one for one, kept in self._kept.items() if abs(now_ns - kept.asked_ns) > _IDLE_NS]:
                del self._kept[idle]
            if not is_standing:
                return None
            kept = self._kept.setdefault(form, _Kept())
            kept.asked_ns = now_ns
            is_refused = kept.refused_ns is not None and 0 <= now_ns - kept.refused_ns < _REFUSED_NS
            return None if is_refused else kept

    def _recall(
        self, form: Form, kept: _Kept, bounds: tuple[int, int], whole: tuple[int, int], read: Read
    ) -> Grid | None:
        """None where a commit that touches what is kept came in between, or it was forgotten, and so not marked."""
        pane, (lower, upper), (first, end) = form.pane, bounds, whole
        with self._lock:
            kept.first_ns = pane.start(first if kept.grid is None else min(first, kept.grid.first))
            doubted_ns, kept.marked_ns = self._doubted_ns(form, kept), None
        known = _still_true(kept.grid, pane, doubted_ns, first)
        # The window that the upper bound cuts may be known as a whole, of questions that went further.
        fresh = first if known is None else min(known.end, end)
        asked = _asked(form, bounds, (pane.start(first), pane.start(fresh)), read)
        before = [] if known is None else [known.between(known.first, fresh)]
        found = join_grids([*before, *_part(asked, fresh, pane.number(upper) + 1)])
        kept.grid = known if known and known.end > end else found.between(max(found.first, end - _MOST_WINDOWS), end)
        with self._lock:
            kept.size_bytes = kept.grid.size_bytes
            doubted_ns = self._doubted_ns(form, kept)
            if self._kept.get(form) is not kept or (doubted_ns is not None and doubted_ns < pane.start(fresh)):
                return None
        return join_grids([*_part(asked, pane.number(lower), first), found.between(first, pane.number(upper) + 1)])

    def _bound(self, latest: _Kept) -> None:
        """Forget what was asked longest ago until all of it fits."""
        with self._lock:
            by_age = sorted(self._kept.items(), key=lambda item: item[1].asked_ns)
            size = sum(kept.size_bytes for _, kept in by_age)
            for form, kept in by_age:
                if size <= self._limit_bytes:
                    return
                if kept is latest or not kept.lock.locked():
                    size -= kept.size_bytes
                    del self._kept[form]


def _still_true(grid: Grid | None, pane: Pane, marked_ns: int | None, first: int) -> Grid | None:
    """The windows that are kept up to what is marked; None where the first that is asked for is not among them."""
    if grid is None or not grid.first <= first < grid.end:
        return None
    end = grid.end if marked_ns is None else min(grid.end, pane.number(marked_ns))
    return grid.between(grid.first, end) if first < end else None


def _asked(form: Form, bounds: tuple[int, int], known: tuple[int, int], read: Read) -> Grid | None:
    """What the file says of the range but for known[0] <= time < known[1], in one look; None where that is all."""
    lower, upper = bounds
    begin = lower if lower < known[0] else known[1]
    end = upper if upper >= known[1] else known[0] - 1
    if begin > end:
        return None
    stretch = (known[0], known[1] - 1) if begin < known[0] < known[1] <= end else None
    return grid_of(form.calls, read(TimeRange(begin, end), stretch), form.pane, range(begin, end + 1))


def _part(grid: Grid | None, first: int, end: int) -> list[Grid]:
    """The windows first <= number < end of a grid that has them all, if there are any."""
    return [] if grid is None or first >= end else [grid.between(first, end)]
