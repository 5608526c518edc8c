"""The rows of an answer out of a tail, as `calls.call_rows` has them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import repeat

import pyarrow as pa

from influxql.translate.parameters import Parameters
from influxql.translate.predicate import condition_sql
from influxql.translate.statement import select_sql
from store.embedded.points import Points
from store.embedded.recent.question import Question
from store.embedded.recent.series import Tags
from store.embedded.recent.tail import GroupBy, Tail
from store.embedded.recent.window import Window
from store.embedded.schema import Table
from store.embedded.session import Session


def answer(session: Session, question: Question, tail: Tail, *, lone: bool) -> Points:
    """One row for each group in which any call has a value, at the lower bound.

    `lone`: the only call is a selector, whose row has the time of its point.
    """
    by = GroupBy(question.dimensions, question.condition)
    grouping = tail.grouping(by)
    grouping.extend(tail.index, lambda fresh: _chosen(session, question, tail, fresh))
    window = Window(tail, by, question.lower, question.upper)
    columns = [window.column(wish) for wish in question.wishes]
    times = window.times(question.wishes[0]) if lone else repeat(question.lower, window.size)
    rows = zip(times, *columns, strict=True)
    return {
        key: [row] for key, row in zip(grouping.keys, rows, strict=True) if any(value is not None for value in row[1:])
    }


def _chosen(session: Session, question: Question, tail: Tail, fresh: Sequence[Tags]) -> Sequence[bool]:
    """Which series the condition holds for: DuckDB says so, as it would of their points."""
    if question.condition is None:
        return [True] * len(fresh)
    texts = list(zip(*fresh, strict=True)) if tail.tags else []
    columns = {tag.physical: pa.array(values, pa.string()) for tag, values in zip(tail.tags, texts, strict=True)}
    name = session.register({"number": pa.array(range(len(fresh)), pa.int64()), **columns})
    parameters = Parameters()
    where = condition_sql(
        question.condition, Table(question.table.measurement, name, question.table.columns), parameters
    )
    chosen = {row[0] for row in session.fetch(select_sql(["number"], f"{name} WHERE {where}"), parameters)}
    return [number in chosen for number in range(len(fresh))]
