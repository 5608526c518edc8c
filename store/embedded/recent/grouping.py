"""Which group of a question each series of a tail belongs to; what `choice` cannot tell of a condition DuckDB says."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from influxql.ast import Expr
from influxql.translate.parameters import Parameters
from influxql.translate.predicate import condition_sql
from influxql.translate.statement import select_sql
from store.embedded.choice import choose_series
from store.embedded.index import Known
from store.embedded.recent.contract import Asking
from store.embedded.recent.question import Question
from store.embedded.recent.series import Grouping, Tags
from store.embedded.recent.tail import Tail
from store.embedded.schema import Table


def group_rows(session: Asking, question: Question, tail: Tail) -> Grouping:
    """The groups of a question's rows, those of series that came since the last time among them."""
    grouping = tail.grouping(question.form.by)
    grouping.extend(tail.index, lambda fresh: _chosen(session, question, tail, fresh))
    return grouping


def _chosen(session: Asking, question: Question, tail: Tail, fresh: Sequence[Tags]) -> Sequence[bool]:
    """Which series the condition holds for."""
    mask, rest = choose_series(question.form.by.condition, question.table, Known(len(tail.tags), tuple(fresh)))
    chosen = [True] * len(fresh) if mask is None else mask.tolist()
    if rest is None:
        return chosen
    told = _told(session, question, tail, fresh, rest)
    return [one and another for one, another in zip(chosen, told, strict=True)]


def _told(session: Asking, question: Question, tail: Tail, fresh: Sequence[Tags], rest: Expr) -> Sequence[bool]:
    """DuckDB says so, as it would of their points."""
    texts = list(zip(*fresh, strict=True)) if tail.tags else []
    columns = {tag.physical: pa.array(values, pa.string()) for tag, values in zip(tail.tags, texts, strict=True)}
    name = session.register({"number": pa.array(range(len(fresh)), pa.int64()), **columns})
    parameters = Parameters()
    where = condition_sql(rest, Table(question.table.measurement, name, question.table.columns), parameters)
    chosen = {row[0] for row in session.fetch(select_sql(["number"], f"{name} WHERE {where}"), parameters)}
    return [number in chosen for number in range(len(fresh))]
