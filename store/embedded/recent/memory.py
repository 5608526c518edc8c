"""The tails of all tables: kept true to the file, within a size, for as long as they are asked.

Of a table for which there is no room the rows of those series are kept that a question's condition means, if these are
few: what is `kept` is so known by the table and by which of its series it is of.

Whoever asks reads a table that is asked for again and again; one that was asked twice is read ahead, in a thread that
nobody waits for (`read_ahead`). Where the room is short, tables make way that nobody asked for of late.

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
from enum import StrEnum
from typing import Final, TypeVar

from store.embedded.recent.changes import Changes
from store.embedded.recent.contract import Asking, NotAtOnce
from store.embedded.recent.kept import Kept, Key, first_of
from store.embedded.recent.question import Question
from store.embedded.recent.room import bytes_of, fields_to_keep, other_fields, room_for
from store.embedded.recent.rows import Rows, TooManyRows, read_rows
from store.embedded.recent.series import TooManySeries
from store.embedded.recent.settled import Settled
from store.embedded.recent.since import Since
from store.embedded.recent.tail import Tail
from store.embedded.schema import Column, Table

T = TypeVar("T")

_SECOND: Final = 1_000_000_000
_IDLE_NS: Final = 600 * _SECOND
_QUIET_NS: Final = 30 * _SECOND
"""A table that was not asked for so long makes way for one that is."""
_TRIES: Final = 3
_MOST_KEPT: Final = 200
"""Tables, and some series of tables: of each a board may ask about another host or endpoint."""
_FOR_SETTLED: Final = 8
"""This part of the memory is for answers about tables that are too large for it."""
_WHILE_FREE: Final = 2
"""While half of the memory is free all fields of a table are read, so that nobody has to read it again for another."""


class Outcome(StrEnum):
    """Where an answer came from: rows in `memory`, or what is `settled` of it and a few rows of the file.

    Or the file alone: `unfit` for memory, asked too `rarely`, no room (`full`), or `busy`: the table is being read, or
    written without a pause.
    """

    MEMORY = "memory"
    SETTLED = "settled"
    UNFIT = "unfit"
    RARE = "rare"
    FULL = "full"
    BUSY = "busy"


def count_no_question(_outcome: Outcome) -> None:
    """Nobody counts."""


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
        self._kept: dict[Key, Kept] = {}
        self._ahead: dict[Key, Table] = {}
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
        """From all rows of the table, or from those of the series that are meant, where there is no room for all."""
        whole, some = _keys_of(question)
        kept, is_standing = self._note(whole, question, session.now_ns)
        found, outcome = self._recall_from(kept, session, question, read, is_standing=is_standing)
        if found is not None or outcome is Outcome.UNFIT or some is None:
            return found, outcome
        with self._lock:
            is_worth_it = some in self._kept or (outcome is Outcome.FULL and len(self._kept) < _MOST_KEPT)
        if not is_worth_it:
            return None, outcome
        kept, is_known = self._note(some, question, session.now_ns)
        return self._recall_from(kept, session, question, read, is_standing=is_standing or is_known)

    def _recall_from(
        self,
        kept: Kept,
        session: Asking,
        question: Question,
        read: Callable[[Question, Tail], T | None],
        *,
        is_standing: bool,
    ) -> tuple[T | None, Outcome]:
        if kept.is_being_read:
            return None, Outcome.BUSY
        with kept.lock:
            outcome = self._prepare(kept, session, question, is_standing=is_standing)
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
        if question is None:
            raise NotAtOnce("it is for the file to answer")
        key, kept = self._at_hand(question)
        _take(kept.lock)
        try:
            with self._lock:
                is_true = kept.marked_ns is None and self._kept.get(key) is kept
            if kept.tail is None or not is_true or not kept.tail.answers(question):
                raise NotAtOnce("rows have to be read")
            _take(self._turn)
            try:
                found = read(question, kept.tail)
            finally:
                self._turn.release()
            if found is None:
                raise NotAtOnce("it is for the file to answer")
            _ = self._note(key, question, session.now_ns)
            self._bound(kept, kept.tail)
        finally:
            kept.lock.release()
        self._on_question(Outcome.MEMORY)
        return found

    def _at_hand(self, question: Question) -> tuple[Key, Kept]:
        """What is kept that may answer. Raises NotAtOnce."""
        for key in _keys_of(question):
            kept = None if key is None else self._kept.get(key)
            tail = None if kept is None else kept.tail
            if key is not None and kept is not None and tail is not None and tail.answers(question):
                return key, kept
        raise NotAtOnce("nothing is kept of it")

    def _bound(self, kept: Kept, tail: Tail) -> None:
        """What an answer left behind must not outgrow the limit, though no row has come."""
        if not tail.has_grown:
            return
        self._count(kept, tail)
        if self.size_bytes > self._limit_bytes:
            tail.forget_windows()
            self._count(kept, tail)

    def _count(self, kept: Kept, tail: Tail) -> None:
        tail.has_grown = False
        size_bytes = tail.size_bytes
        with self._lock:
            self._size_bytes += size_bytes - kept.size_bytes
            kept.size_bytes = size_bytes

    def _note(self, key: Key, question: Question, now_ns: int) -> tuple[Kept, bool]:
        """What is kept of a question's table, and whether its rows are worth a wait."""
        with self._lock:
            kept = self._kept.get(key)
            if kept is None:
                kept = self._kept[key] = Kept(key[1])
            kept.asked_ns = now_ns
            if abs(now_ns - self._swept_ns) > _IDLE_NS:
                self._sweep(now_ns)
            return kept, kept.demand.note(question.form, now_ns - question.lower, question.form.fields, now_ns)

    def _sweep(self, now_ns: int) -> None:
        """Forget the tables that nobody asks any more; under the lock of all."""
        self._swept_ns = now_ns
        idle = [key for key, one in self._kept.items() if abs(now_ns - one.asked_ns) >= _IDLE_NS]
        for key in idle:
            if not self._kept[key].lock.locked():
                self._size_bytes -= self._kept.pop(key).size_bytes

    def _prepare(self, kept: Kept, session: Asking, question: Question, *, is_standing: bool) -> Outcome:
        """Have a tail that is true and answers the question; MEMORY if there is one."""
        if kept.tail is None or not kept.tail.answers(question):
            if not is_standing:
                self._want(kept, question.table)
                return Outcome.RARE
            self._begin(kept, session, question.table)
        tail = kept.tail
        if tail is None or not tail.answers(question):
            return Outcome.FULL
        outcome = self._refresh(kept, tail, session, question.table, question.lower)
        return outcome if outcome is not Outcome.MEMORY or tail.answers(question) else Outcome.FULL

    @property
    def is_wanting(self) -> bool:
        """Whether there is anything to read ahead."""
        return bool(self._ahead)

    def _want(self, kept: Kept, table: Table) -> None:
        with self._lock:
            if kept.demand.came_back:
                self._ahead[table.relation, kept.series] = table

    def read_ahead(self, session: Asking) -> None:
        """Read the tables that were asked for more than once and are not here. Who asks for them asks the file."""
        with self._lock:
            wanted, self._ahead = self._ahead, {}
        for key, table in wanted.items():
            kept = self._kept.get(key)
            if kept is not None and kept.lock.acquire(blocking=False):
                kept.is_being_read = True
                try:
                    self._begin(kept, session, table)
                    if kept.tail is not None:
                        _ = self._refresh(kept, kept.tail, session, table, kept.tail.first_ns)
                finally:
                    kept.is_being_read = False
                    kept.lock.release()

    def _begin(self, kept: Kept, session: Asking, table: Table) -> None:
        """A new tail for all that is asked, nothing read yet; for what reaches less far where there is no room.

        None is begun where the one that there is will do.
        """
        now_ns = session.now_ns
        for _ in range(_TRIES):
            with self._lock:
                wanted = kept.wanted(now_ns)
            if wanted is None or kept.has(wanted, table, now_ns):
                return
            first_ns = first_of(wanted, now_ns)
            fields = self._room(kept, session, table, wanted.fields, first_ns)
            if fields is not None:
                self._drop(kept)
                with self._lock:
                    kept.first_ns = kept.marked_ns = first_ns
                kept.tail, kept.reach_ns = Tail(tuple(table.tags.values()), fields, first_ns), wanted.reach_ns
                return
            with self._lock:
                kept.refuse(wanted.reach_ns, now_ns)

    def _room(
        self, kept: Kept, session: Asking, table: Table, wanted: frozenset[str], first_ns: int
    ) -> tuple[Column, ...] | None:
        """The fields that there is room for, which are all or those wanted; None where there is none."""
        since = Since(table, first_ns, kept.condition)
        if kept.series is not None and not since.is_of_few(session):
            return None
        rows = since.count(session)
        free = self._limit_bytes - (self.size_bytes - kept.size_bytes)
        others = since.without_long_texts(session, other_fields(table, wanted))
        fields = fields_to_keep(table, wanted, others, rows, free, free - self._limit_bytes // _WHILE_FREE)
        missing = room_for(rows, fields) - free
        if missing > 0 and not self._make_way(kept, missing, session.now_ns):
            return None
        names = {column.physical for column in fields}
        with self._lock:
            kept.leave_out({one.physical for one in other_fields(table, wanted)} - names, session.now_ns)
        return fields

    def _make_way(self, kept: Kept, size_bytes: int, now_ns: int) -> bool:
        """Let go of so much that nobody asked for of late, if there is so much."""
        with self._lock:
            others = [one for one in self._kept.values() if one is not kept and now_ns - one.asked_ns > _QUIET_NS]
        if sum(one.size_bytes for one in others) < size_bytes:
            return False
        for other in sorted(others, key=lambda one: one.asked_ns):
            if size_bytes > 0 and other.lock.acquire(blocking=False):
                size_bytes -= other.size_bytes
                self._drop(other)
                other.lock.release()
        return size_bytes <= 0

    def _refresh(self, kept: Kept, tail: Tail, session: Asking, table: Table, lower: int) -> Outcome:
        """Read again what is marked."""
        try:
            for _ in range(_TRIES):
                with self._lock:
                    marked_ns, kept.marked_ns = kept.marked_ns, None
                if marked_ns is None:
                    return Outcome.MEMORY
                self._slide(kept, tail, lower, session.now_ns)
                since_ns = max(marked_ns, tail.first_ns)
                tail.take_back(since_ns)
                most = max(self._limit_bytes - self.size_bytes, 0) // bytes_of(tail.fields)
                since = Since(table, since_ns, kept.condition)
                rows = read_rows(session, since, tail.tags, tail.fields, tail.index, most, tail.texts)
                self._put(kept, tail, rows, session.now_ns)
                with self._lock:
                    is_whole = kept.marked_ns is None or kept.marked_ns >= since_ns
                if self.size_bytes > self._limit_bytes:
                    self._refuse(kept, session.now_ns)
                    return Outcome.FULL
                if is_whole:
                    return Outcome.MEMORY
        except (TooManySeries, TooManyRows):
            self._refuse(kept, session.now_ns)
            return Outcome.FULL
        except BaseException:
            self._drop(kept)
            raise
        return Outcome.BUSY

    def _put(self, kept: Kept, tail: Tail, rows: Rows, now_ns: int) -> None:
        """Rows behind those that are there, without texts that are too many, or for which there is no room."""
        texts = frozenset(tail.texts)
        tail.append(rows)
        self._count(kept, tail)
        if tail.texts and self.size_bytes > self._limit_bytes:
            tail.leave_out(texts & tail.texts.keys())
            self._count(kept, tail)
        with self._lock:
            kept.leave_out(texts - tail.texts.keys(), now_ns)

    def _slide(self, kept: Kept, tail: Tail, lower: int, now_ns: int) -> None:
        """Forget what is older: nobody reaches it who came of late, nor who asks now."""
        with self._lock:
            wanted = kept.wanted(now_ns)
        first_ns = lower if wanted is None else min(lower, first_of(wanted, now_ns))
        if first_ns > tail.first_ns:
            tail.cut(first_ns)
            with self._lock:
                kept.first_ns = tail.first_ns

    def _refuse(self, kept: Kept, now_ns: int) -> None:
        with self._lock:
            kept.refuse(kept.reach_ns, now_ns)
        self._drop(kept)

    def _drop(self, kept: Kept) -> None:
        kept.tail = None
        with self._lock:
            kept.first_ns = kept.marked_ns = None
            self._size_bytes -= kept.size_bytes
            kept.size_bytes = 0

    def _mark(self, changes: Changes) -> None:
        with self._lock:
            firsts: dict[str, int | None] = {}
            for (relation, _), kept in self._kept.items():
                known = firsts.get(relation)
                if kept.first_ns is not None:
                    firsts[relation] = kept.first_ns if known is None else min(known, kept.first_ns)
        oldest = dict(changes.oldest(firsts))
        with self._lock:
            for (relation, _), kept in self._kept.items():
                touched_ns = oldest.get(relation)
                if touched_ns is not None:
                    kept.marked_ns = touched_ns if kept.marked_ns is None else min(kept.marked_ns, touched_ns)


def _keys_of(question: Question) -> tuple[Key, Key | None]:
    """All of its table, and those of its series that it means."""
    relation, series = question.table.relation, question.form.by.series
    return (relation, None), None if series is None else (relation, series)


def _take(lock: threading.Lock) -> None:
    """Hold a lock that nobody holds. Raises NotAtOnce."""
    if not lock.acquire(blocking=False):
        raise NotAtOnce("another question is being answered")
