"""InfluxQL answered from the embedded file: statements in, results out. Reads only.

`EmbeddedReader.answer` blocks; the store calls it in a thread of its own, unless `answer_at_once` knows the answer.
Each call has a session of its own, so any number may run at once, and sees the schema that is current when it starts.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from functools import partial
from typing import Final

import duckdb

from foundation.clock import Clock
from influxql.ast import CreateDatabase, Delete, DropMeasurement, DropSeries, Select, Statement, Unimplemented
from influxql.errors import ParseError, QueryError
from influxql.infinities import may_overflow, refuse_infinities
from influxql.parser import parse
from influxql.standing import Standing
from influxql.translate.parameters import Parameters
from influxql.translate.statement import select_sql
from store.column import NumberColumn
from store.contract import OneRowSeries, Rows, Series, StatementResult, Value
from store.embedded.crowd import Crowd
from store.embedded.deadline import Deadline, Timekeeper, Withdrawal
from store.embedded.index import SeriesIndex
from store.embedded.instant import InstantSession, is_about_tags, refuse_to_connect
from store.embedded.plans import Plans
from store.embedded.prepared import PreparedSelects
from store.embedded.quick import Quick
from store.embedded.recent.contract import NotAtOnce
from store.embedded.recent.memory import Recent
from store.embedded.reserve import Reserve
from store.embedded.schema import Tables
from store.embedded.select import answer_select
from store.embedded.session import Session, guard_values
from store.embedded.show import answer_show
from store.embedded.spans import Spans
from store.embedded.statements import Statements
from store.errors import QueryLimitExceeded, QuerySyntaxError, StoreUnavailable
from store.windowed import count_values

Results = tuple[StatementResult, ...]

_MOST_SERIES_AHEAD: Final = 20_000
"""Of all tables together, at some 300 bytes each."""
_AHEAD_S: Final = 60.0
"""For what nobody waits for."""


def parse_query(text: str, parser: Callable[[str], tuple[Statement, ...]] = parse) -> tuple[Statement, ...]:
    """The statements of a query. Raises QuerySyntaxError with InfluxDB's message."""
    try:
        return parser(text)
    except ParseError as error:
        raise QuerySyntaxError(f"failed to parse query: {error}") from error


def _result(index: int, select: Select, series: Sequence[Series], *, overflows: bool) -> StatementResult:
    """The answer to a SELECT. Raises QueryError where it `overflows` beyond every number."""
    if overflows:
        for rows in [series.values] if isinstance(series, OneRowSeries) else [one.values for one in series]:
            refuse_infinities(one for one in (rows.columns if isinstance(rows, Rows) else rows) if _may_exceed(one))
    return StatementResult(index, series, zone=select.zone)


def _may_exceed(values: Sequence[Value]) -> bool:
    return not (isinstance(values, range) or (isinstance(values, NumberColumn) and values.is_finite))


class EmbeddedReader:
    """Answers statements from one DuckDB file.

    `connection_factory` gives a cursor of its own to each caller; `schema` the measurements of a bucket, or None
    where there is no such bucket; `databases` the names of all buckets, sorted. All are called in any thread.
    `recent` is what may be answered from memory, `index` the series of the tables.
    """

    def __init__(
        self,
        connection_factory: Callable[[], duckdb.DuckDBPyConnection],
        schema: Callable[[str], Tables | None],
        clock: Clock,
        databases: Callable[[], Sequence[str]] = tuple,
        recent: Recent | None = None,
        index: SeriesIndex | None = None,
    ) -> None:
        self._connect = connection_factory
        self._schema = schema
        self._clock = clock
        self._databases = databases
        self._recent = recent
        self._index = index or SeriesIndex()
        self._timekeeper = Timekeeper()
        self._statements = Statements()
        self._plans = Plans()
        self._spans = Spans()
        self._quick = Quick()
        self._prepared = PreparedSelects()
        self._crowd = Crowd()
        self._no_deadline = Deadline(math.inf, timekeeper=self._timekeeper)
        """of what is answered at once"""

    def draw_on(self, reserve: Reserve) -> None:
        """What statements that lack memory are to have besides. Called before any is answered."""
        self._crowd = Crowd(reserve)

    def answer_at_once(self, standing: Standing, db: str, now_ns: int) -> Results | None:
        """The same answer, where that is a matter of some hundred microseconds (see `instant`); else None.

        Asked by one thread, the event loop's.
        """
        statements = standing.tree.statements
        if not (self._quick.has(statements) or is_about_tags(statements)):
            return None
        session = InstantSession(
            refuse_to_connect,
            self._schema,
            db,
            now_ns,
            self._no_deadline,
            self._index,
            recent=self._recent,
            statements=self._statements,
            plans=self._plans,
            spans=self._spans,
        )
        try:
            return self._noting(session, statements, partial(self._answer_standing, session, standing))
        except NotAtOnce:
            self._quick.tried_in_vain(statements)
            return None

    def answer(
        self,
        statements: Sequence[Statement],
        db: str,
        now_ns: int | None = None,
        deadline_s: float = 30.0,
        withdrawal: Withdrawal | None = None,
        standing: Standing | None = None,
    ) -> Results:
        """Answer all statements against database `db`, at most for `deadline_s` seconds or until it is withdrawn.

        `standing` is their text, where that is known: what is quick is prepared then, off the event loop.
        The first statement that fails ends the query, as with InfluxDB: those behind it are left out.
        Raises QueryLimitExceeded, StoreUnavailable when the store closes meanwhile, and DuckDB's own error where the
        file itself cannot be read.
        """
        now = self._clock.now_ns() if now_ns is None else now_ns
        session = Session(
            self._connect,
            self._schema,
            db,
            now,
            Deadline(deadline_s, withdrawal, self._timekeeper),
            self._index,
            recent=self._recent,
            statements=self._statements,
            plans=self._plans,
            spans=self._spans,
        )
        with closing(session):
            results = self._noting(session, statements, partial(self._answer_all, session, statements))
            if standing is not None and self._quick.has(statements):
                with suppress(QueryError):
                    self._prepared.find(session, standing)
            return results

    @property
    def is_wanting(self) -> bool:
        """Whether there is anything to read ahead."""
        return self._recent is not None and self._recent.is_wanting

    def read_ahead(self, withdrawal: Withdrawal) -> None:
        """Read what is asked for again into memory, in a thread. What goes wrong is left to whoever asks next."""
        if self._recent is not None:
            with self._ahead(withdrawal) as session:
                self._recent.read_ahead(session)

    def look_ahead(self, withdrawal: Withdrawal) -> None:
        """Look up the series of tables, in a thread, so that the first who asks for one does not wait for that.

        As many as take little memory: nobody may ever ask for them.
        """
        series = 0
        with self._ahead(withdrawal) as session:
            for database in self._databases():
                for table in (self._schema(database) or {}).values():
                    series += session.fetch(select_sql(["count(*)"], table.keys), Parameters())[0][0]
                    if series > _MOST_SERIES_AHEAD:
                        return
                    _ = session.known(table)

    @contextmanager
    def _ahead(self, withdrawal: Withdrawal) -> Iterator[Session]:
        deadline = Deadline(_AHEAD_S, withdrawal, self._timekeeper)
        session = Session(
            self._connect, self._schema, "", self._clock.now_ns(), deadline, self._index, statements=self._statements
        )
        with closing(session), suppress(duckdb.Error, QueryLimitExceeded, StoreUnavailable):
            yield session

    def _noting(self, session: Session, statements: Sequence[Statement], answer: Callable[[], Results]) -> Results:
        """Answer them, and note whether that was quick."""
        started = self._clock.monotonic()
        results = answer()
        self._quick.note(statements, self._clock.monotonic() - started, from_memory=not session.has_looked)
        return results

    def _answer_standing(self, session: Session, standing: Standing) -> Results:
        try:
            prepared = self._prepared.find(session, standing)
            if prepared is None:
                return self._answer_all(session, standing.statements())
            series = prepared.answer(session, standing.moments)
            result = _result(0, prepared.select, series, overflows=prepared.overflows)
        except QueryError as error:
            return (StatementResult(0, error=str(error)),)
        guard_values(count_values(series))
        return (result,)

    def _answer_all(self, session: Session, statements: Sequence[Statement]) -> Results:
        results: list[StatementResult] = []
        values = 0
        try:
            for index, statement in enumerate(statements):
                once = partial(self._answer_one, session, index, statement)
                # Who may not wait takes none of the memory that the others share, and must not wait for it.
                result = self._crowd.answer(once, session.deadline.check) if session.may_wait else once()
                if result.error is not None and index + 1 < len(statements):
                    # InfluxDB hides the reason as soon as a statement is left out.
                    return (*results, StatementResult(index, error="not executed"))
                values += count_values(result.series)
                guard_values(values)
                results.append(result)
        except duckdb.InterruptException as error:
            raise session.deadline.interrupted() from error
        except duckdb.OutOfMemoryException as error:
            raise QueryLimitExceeded(
                "the query needs more memory than it may use; narrow its time range, or raise store.memory_limit"
            ) from error
        return tuple(results)

    def _answer_one(self, session: Session, index: int, statement: Statement) -> StatementResult:
        try:
            match statement:
                case Select():
                    return self._answer_select(session, index, statement)
                case Delete() | DropMeasurement() | DropSeries():
                    return StatementResult(index, error="a reader deletes nothing")
                case CreateDatabase():
                    return StatementResult(index, error="not implemented: CREATE DATABASE")
                case Unimplemented(name):
                    return StatementResult(index, error=f"not implemented: {name}")
                case _:
                    return StatementResult(index, answer_show(session, statement, self._databases()))
        except RecursionError:
            return StatementResult(index, error="the query is nested too deep")
        except QueryError as error:
            return StatementResult(index, error=str(error))
        except (duckdb.DataError, duckdb.ProgrammingError, duckdb.NotSupportedError) as error:
            return StatementResult(index, error=f"the store cannot answer this: {str(error).splitlines()[0]}")
        finally:
            session.release()

    def _answer_select(self, session: Session, index: int, statement: Select) -> StatementResult:
        return _result(index, statement, answer_select(session, statement).series, overflows=may_overflow(statement))
