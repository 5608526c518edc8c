"""The rows of a few raw points out of a tail: those that stand at one end of a question's time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from influxql.ast import VarRef
from store.embedded.recent.contract import Asking
from store.embedded.recent.grouping import group_rows
from store.embedded.recent.question import Question
from store.embedded.recent.rows import Mask, Values
from store.embedded.recent.tail import Tail

Positions = npt.NDArray[np.intp]


def answer_rows(
    asking: Asking, question: Question, tail: Tail, references: Sequence[VarRef], *, most: int, descending: bool
) -> list[tuple[Any, ...]]:
    """The first `most` rows in the order of the answer: the time, then what each reference is.

    Rows of one time stand in the order of their tags.
    """
    grouping = group_rows(asking, question, tail)
    found: Positions = np.zeros(0, np.intp)
    for at in tail.ends(*tail.span(question.lower, question.upper), latest=descending):
        asking.deadline.check()
        wanted = grouping.of_series[tail.series(at)] > 0
        found = np.flatnonzero(wanted & _is_row(question, tail, at)) + at.start
        if len(found) >= most:
            break
    return _shown(question, tail, references, _first(tail, found, most, descending=descending))[:most]


def _is_row(question: Question, tail: Tail, at: slice) -> Mask:
    """Which rows have any of the fields that are asked for, and fulfil the condition."""

    def read(name: str) -> Values:
        return tail.values(name, at)

    present = [read(column.physical).present for column in question.form.shown]
    some: Mask = np.ones(at.stop - at.start, np.bool_)
    if not any(mask is None for mask in present):
        some = np.logical_or.reduce([mask for mask in present if mask is not None])
    return some if question.form.holds is None else some & question.form.holds(read)


def _first(tail: Tail, found: Positions, most: int, *, descending: bool) -> Positions:
    """So many of these positions, and those of the same time as the last of them, in the order of the answer."""
    times = tail.times(slice(None))[found]
    if len(found) > most:
        edge = times[-most] if descending else times[most - 1]
        found = found[times >= edge] if descending else found[times <= edge]
        times = tail.times(slice(None))[found]
    if len(np.unique(times)) < len(times):
        names = sorted(range(len(tail.tags)), key=lambda place: tail.tags[place].name)

        def key(position: int) -> Any:
            tags = tail.index.known[int(tail.series(slice(position, position + 1))[0])]
            time = int(tail.times(slice(position, position + 1))[0])
            return time, [(tags[place] is None, tags[place] or "") for place in names]

        found = np.array(sorted(found.tolist(), key=key), np.intp)
    return found[::-1] if descending else found


def _shown(question: Question, tail: Tail, references: Sequence[VarRef], at: Positions) -> list[tuple[Any, ...]]:
    series = [tail.index.known[number] for number in tail.series(slice(None))[at].tolist()]
    places = {column.name: place for place, column in enumerate(tail.tags)}
    fields = {column.name: column for column in question.form.shown}
    columns: list[list[Any]] = [tail.times(slice(None))[at].tolist()]
    for ref in references:
        if ref.cast == "tag":
            columns.append([tags[places[ref.name]] if ref.name in places else None for tags in series])
        else:
            columns.append(tail.listed(fields[ref.name].physical, at))
    return list(zip(*columns, strict=True))
