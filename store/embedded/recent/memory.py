"""The tails of all tables: kept true to the file, within a size, for as long as they are asked.

The writer marks a table before and after each commit that changes it, from the oldest time on that was touched. Who
asks next reads the rows again from there on. Since a mark stands before its commit can be seen, a reading that saw a
part of a commit finds an older mark behind it, and reads again: that is why no answer sees half a shipment.

One answer is computed at a time: numpy gives the interpreter's lock away in each call, and threads that compute at once
mostly wait to have it back.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, TypeVar

from store.embedded.recent.changes import Changes
from store.embedded.recent.contract import Asking, NotAtOnce
from store.embedded.recent.demand import Demand
from store.embedded.recent.question import Question
from store.embedded.recent.rows import count_rows, read_rows
from store.embedded.recent.series import TooManySeries
from store.embedded.recent.settled import Settled
from store.embedded.recent.tail import Tail
from store.embedded.schema import Table

T = TypeVar("T")

_SECOND: Final = 1_000_000_000
_REFUSED_NS: Final = 60 * _SECOND
_IDLE_NS: Final = 120 * _SECOND
_LATE_NS: Final = 10 * _SECOND
_SLACK: Final = 16
"""A sixteenth more than the longest reach is kept, and ten seconds: questions come late."""
_TRIES: Final = 3
_FOR_SETTLED: Final = 8
"""This part of the memory is for answers about tables that are too large for it."""
_ROW_BYTES: Final = 16
"""Time, series, and a place in one order, with room to grow."""
_WORK_BYTES: Final = 64
"""What reading a row and putting it in order takes meanwhile: for all rows of one table, as for the first time."""


class Outcome(StrEnum):
    """Where an answer came from: rows in `memory`, or what is `settled` of it and a few rows of the file.

    Or the file alone: `unfit` for memory, asked too `rarely`, no room (`full`), or a `busy` writer.
    """

    MEMORY = "memory"
    SETTLED = "settled"
    UNFIT = "unfit"
    RARE = "rare"
    FULL = "full"
    BUSY = "busy"


@dataclass(slots=True)
class _Kept:
    """One table: its tail and how it is asked, under `lock`; what is marked, under the lock of all."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    demand: Demand = field(default_factory=Demand)
    tail: Tail | None = None
    refused_ns: int | None = None
    """when there was no room"""
    asked_ns: int = 0
    size_bytes: int = 0
    first_ns: int | None = None
    """what is older is not kept, so it needs no mark; None: nothing is"""
    marked_ns: int | None = None
    """the file may differ from the tail from here on"""


def count_no_question(_outcome: Outcome) -> None:
    """Nobody counts."""


@contextmanager
def _held(lock: threading.Lock) -> Iterator[None]:
    """Hold a lock that nobody holds. Raises NotAtOnce."""
    if not lock.acquire(blocking=False):
        raise NotAtOnce("another question is being answered")
    try:
        yield
    finally:
        lock.release()


class Recent:
    """Answers questions from memory where it can. `limit_bytes`: the most that all of it takes; 0: nothing is kept.

    `settled_bytes`: what of that may be answers, by default an eighth. `on_question` is told what became of each
    question.
    """

    def __init__(
        self,
        limit_bytes: int = 0,
        on_question: Callable[[Outcome], None] = count_no_question,
        settled_bytes: int | None = None,
    ) -> None:
        self._limit_bytes = limit_bytes
        self._on_question = on_question
        self._lock = threading.Lock()
        self._turn = threading.Lock()
        self._kept: dict[str, _Kept] = {}
        self._swept_ns = 0
        self._size_bytes = 0
        self.settled = Settled(limit_bytes // _FOR_SETTLED if settled_bytes is None else settled_bytes)

    @property
    def size_bytes(self) -> int:
        """What the tails take, each as of its last reading, and the answers that are kept beside them."""
        return self._size_bytes + self.settled.size_bytes

    @contextmanager
    def committing(self, changes: Changes) -> Iterator[None]:
        """Around the commit of a transaction that did these changes."""
        self._mark(changes)
        try:
            with self.settled.committing(changes):
                yield
        finally:
            self._mark(changes)

    def recall(
        self,
        session: Asking,
        question: Question | None,
        read: Callable[[Question, Tail], T | None],
        otherwise: Callable[[], T | None] = lambda: None,
    ) -> T | None:
        """What `read` makes of the rows; None where the file has to be asked, as for no question.

        `otherwise` is asked where there are no rows, for what is `settled`.
        """
        if not self._limit_bytes:
            return None
        if not session.may_wait:
            return self._recall_at_once(session, question, read)
        found, outcome = (None, Outcome.UNFIT) if question is None else self._recall(session, question, read)
        if found is None:
            found = otherwise()
            outcome = outcome if found is None else Outcome.SETTLED
        self._on_question(outcome)
        return found

    def _recall(
        self, session: Asking, question: Question, read: Callable[[Question, Tail], T | None]
    ) -> tuple[T | None, Outcome]:
        kept = self._kept_of(question.table.relation, session.now_ns)
        with kept.lock:
            outcome = self._prepare(kept, session, question)
            if outcome is not Outcome.MEMORY or kept.tail is None:
                return None, outcome
            with self._turn:
                found = read(question, kept.tail)
            self._bound(kept, kept.tail)
            return found, outcome if found is not None else Outcome.UNFIT

    def _recall_at_once(
        self, session: Asking, question: Question | None, read: Callable[[Question, Tail], T | None]
    ) -> T:
        """What is there and known to be true. Raises NotAtOnce, and has noted nothing then."""
        kept = None if question is None else self._kept.get(question.table.relation)
        if question is None or kept is None:
            raise NotAtOnce("nothing is kept of it")
        with _held(kept.lock):
            with self._lock:
                is_true = kept.marked_ns is None and self._kept.get(question.table.relation) is kept
            if kept.tail is None or not is_true or not kept.tail.answers(question):
                raise NotAtOnce("rows have to be read")
            with _held(self._turn):
                found = read(question, kept.tail)
            if found is None:
                raise NotAtOnce("it is for the file to answer")
            kept.asked_ns = session.now_ns
            kept.demand.note(question.form, session.now_ns - question.lower, question.fields, session.now_ns)
            self._bound(kept, kept.tail)
        self._on_question(Outcome.MEMORY)
        return found

    def _bound(self, kept: _Kept, tail: Tail) -> None:
        """What an answer left behind must not outgrow the limit, though no row has come."""
        self._count(kept, tail)
        if self.size_bytes > self._limit_bytes:
            tail.forget_windows()
            self._count(kept, tail)

    def _count(self, kept: _Kept, tail: Tail) -> None:
        size_bytes = tail.size_bytes
        with self._lock:
            self._size_bytes += size_bytes - kept.size_bytes
            kept.size_bytes = size_bytes

    def _kept_of(self, relation: str, now_ns: int) -> _Kept:
        with self._lock:
            kept = self._kept.setdefault(relation, _Kept())
            kept.asked_ns = now_ns
            if abs(now_ns - self._swept_ns) > _IDLE_NS:
                self._sweep(now_ns)
            return kept

    def _sweep(self, now_ns: int) -> None:
        """Forget the tables that nobody asks any more; under the lock of all."""
        self._swept_ns = now_ns
        idle = [name for name, one in self._kept.items() if abs(now_ns - one.asked_ns) >= _IDLE_NS]
        for name in idle:
            if not self._kept[name].lock.locked():
                self._size_bytes -= self._kept.pop(name).size_bytes

    def _prepare(self, kept: _Kept, session: Asking, question: Question) -> Outcome:
        """Have a tail that is true and answers the question; MEMORY if there is one."""
        now_ns, table = session.now_ns, question.table
        is_standing = kept.demand.note(question.form, now_ns - question.lower, question.fields, now_ns)
        tail = kept.tail
        if tail is None or not tail.answers(question):
            if not is_standing:
                return Outcome.RARE
            if kept.refused_ns is not None and 0 <= now_ns - kept.refused_ns < _REFUSED_NS:
                return Outcome.FULL
            tail = self._begin(kept, session, table)
        return Outcome.FULL if tail is None else self._refresh(kept, tail, session, question)

    def _begin(self, kept: _Kept, session: Asking, table: Table) -> Tail | None:
        """A new tail for all questions that come again, nothing read yet; None where there is no room for it."""
        self._drop(kept)
        first_ns = self._first_wanted(kept, session.now_ns)
        with self._lock:
            kept.first_ns = kept.marked_ns = first_ns
        wanted = kept.demand.fields
        fields = tuple(column for column in table.fields.values() if column.physical in wanted)
        size = count_rows(session, table, first_ns) * (_ROW_BYTES + 8 * len(fields) + _WORK_BYTES)
        if self.size_bytes + size > self._limit_bytes:
            self._refuse(kept, session.now_ns)
            return None
        kept.tail = Tail(tuple(table.tags.values()), fields, first_ns)
        return kept.tail

    def _refresh(self, kept: _Kept, tail: Tail, session: Asking, question: Question) -> Outcome:
        """Read again what is marked."""
        table = question.table
        try:
            for _ in range(_TRIES):
                with self._lock:
                    marked_ns, kept.marked_ns = kept.marked_ns, None
                if marked_ns is None:
                    return Outcome.MEMORY
                self._slide(kept, tail, min(question.lower, self._first_wanted(kept, session.now_ns)))
                since_ns = max(marked_ns, tail.first_ns)
                tail.take_back(since_ns)
                tail.append(read_rows(session, table, tail.tags, tail.fields, since_ns, tail.index))
                size_bytes = tail.size_bytes
                with self._lock:
                    is_whole = kept.marked_ns is None or kept.marked_ns >= since_ns
                    self._size_bytes += size_bytes - kept.size_bytes
                    kept.size_bytes = size_bytes
                if self.size_bytes + tail.rows * _WORK_BYTES > self._limit_bytes:
                    self._refuse(kept, session.now_ns)
                    return Outcome.FULL
                if is_whole:
                    return Outcome.MEMORY
        except TooManySeries:
            self._refuse(kept, session.now_ns)
            return Outcome.FULL
        except BaseException:
            self._drop(kept)
            raise
        return Outcome.BUSY

    def _slide(self, kept: _Kept, tail: Tail, first_ns: int) -> None:
        """Forget what is older: nobody reaches it who comes again, nor who asks now."""
        if first_ns > tail.first_ns:
            tail.cut(first_ns)
            with self._lock:
                kept.first_ns = tail.first_ns

    def _first_wanted(self, kept: _Kept, now_ns: int) -> int:
        reach_ns = kept.demand.reach_ns
        return now_ns - reach_ns - reach_ns // _SLACK - _LATE_NS

    def _refuse(self, kept: _Kept, now_ns: int) -> None:
        self._drop(kept)
        kept.refused_ns = now_ns

    def _drop(self, kept: _Kept) -> None:
        kept.tail = None
        with self._lock:
            kept.first_ns = kept.marked_ns = None
            self._size_bytes -= kept.size_bytes
            kept.size_bytes = 0

    def _mark(self, changes: Changes) -> None:
        with self._lock:
            firsts = {relation: kept.first_ns for relation, kept in self._kept.items()}
        oldest = list(changes.oldest(firsts))
        with self._lock:
            for relation, touched_ns in oldest:
                kept = self._kept.get(relation)
                if kept is not None:
                    kept.marked_ns = touched_ns if kept.marked_ns is None else min(kept.marked_ns, touched_ns)
