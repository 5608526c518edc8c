"""The rows of an answer out of a tail: one for each group in which any call has a value, in the answer's order."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from influxql.translate.parameters import Parameters
from influxql.translate.predicate import condition_sql
from influxql.translate.statement import select_sql
from store.embedded.choice import Group
from store.embedded.points import Points
from store.embedded.recent.question import Question
from store.embedded.recent.rows import Values
from store.embedded.recent.series import Grouping, Tags
from store.embedded.recent.tail import GroupBy, Tail
from store.embedded.recent.window import Groups, Window
from store.embedded.schema import Table
from store.embedded.session import Session


@dataclass(frozen=True, slots=True)
class Recalled:
    """Groups in the order of the answer, and of each its time and the value of each call, as columns."""

    groups: tuple[Group, ...]
    columns: tuple[Sequence[Any], ...]

    def rows(self) -> Points:
        """The same as `calls.call_rows` has it."""
        return {group: [row] for group, row in zip(self.groups, zip(*self.columns, strict=True), strict=True)}


def answer(session: Session, question: Question, tail: Tail, *, lone: bool, descending: bool) -> Recalled:
    """What the question comes to, at its lower bound.

    `lone`: the only call is a selector, whose row has the time of its point.
    """
    by = GroupBy(question.dimensions, question.condition)
    grouping = group_rows(session, question, tail)
    window = Window(tail, by, question.lower, question.upper)
    columns = [window.column(wish) for wish in question.wishes]
    times = window.times(question.wishes[0]) if lone else np.full(window.size, question.lower)
    groups, places = grouping.in_order(descending=descending)
    masks = [column.present for column in columns if column.present is not None]
    if len(masks) == len(columns):
        is_there = np.logical_or.reduce(masks)[places]
        places = places[is_there]
        groups = groups if is_there.all() else tuple(grouping.keys[place] for place in places.tolist())
    shown = (_listed(column, places) for column in columns)
    return Recalled(groups, (times[places].tolist(), *shown))


def group_rows(session: Session, question: Question, tail: Tail) -> Grouping:
    """The groups of a question's rows."""
    grouping = tail.grouping(GroupBy(question.dimensions, question.condition))
    grouping.extend(tail.index, lambda fresh: _chosen(session, question, tail, fresh))
    return grouping


def _listed(column: Values, places: Groups) -> Sequence[Any]:
    """The values at some places as Python's own; None where there is none."""
    values: list[Any] = column.values[places].tolist()
    if column.present is None:
        return values
    present = column.present[places]
    return (
        values
        if present.all()
        else [one if there else None for one, there in zip(values, present.tolist(), strict=True)]
    )


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
