"""The rows of a few raw points out of a tail: those that stand at one end of a question's time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from store.embedded.recent.carried import carry
from store.embedded.recent.contract import Asking
from store.embedded.recent.grouping import group_rows
from store.embedded.recent.question import Form, Question
from store.embedded.recent.rows import Values
from store.embedded.recent.tail import Tail

Positions = npt.NDArray[np.intp]


def answer_rows(
    asking: Asking, question: Question, tail: Tail, *, most: int, descending: bool
) -> list[tuple[Any, ...]]:
    """The first `most` rows in the order of the answer: the time, then each field and tag that is shown.

    Rows of one time stand in the order of their tags.
    """
    found: Positions = np.zeros(0, np.intp)
    for at in _meant(asking, question, tail, latest=descending):
        asking.deadline.check()
        found = _rows_among(question.form, tail, at)
        if len(found) >= most:
            break
    at = _first(tail, found, most, descending=descending)[:most]
    return list(zip(tail.times(at).tolist(), *carry(tail, question.form.shown, at), strict=True))


def _meant(asking: Asking, question: Question, tail: Tail, *, latest: bool) -> Iterator[Positions]:
    """The positions of ever more of the rows whose tags are meant, from one end, all of a time or none."""
    grouping = group_rows(asking, question, tail)
    first, last = tail.span(question.lower, question.upper)
    if grouping.means_few:
        yield from tail.ends_of(tail.chosen(question.form.by, first, last), latest=latest)
    else:
        for at in tail.ends(first, last, latest=latest):
            yield grouping.meant[tail.series(at)].nonzero()[0] + at.start


def _rows_among(form: Form, tail: Tail, at: Positions) -> Positions:
    """Those that have any of the fields that are asked for, and fulfil the condition."""

    def read(name: str) -> Values:
        return tail.values(name, at)

    fields = [column.physical for column in form.shown if column.kind == "field"]
    holds = None if form.holds is None else form.holds(read)
    if not any(map(tail.has_everywhere, fields)):
        present = [mask for _, mask in map(read, fields) if mask is not None]
        some = np.logical_or.reduce(present)
        holds = some if holds is None else some & holds
    return at if holds is None else at[holds]


def _first(tail: Tail, found: Positions, most: int, *, descending: bool) -> Positions:
    """So many of these positions, and those of the same time as the last of them, in the order of the answer."""
    times = tail.times(found)
    if len(found) > most:
        edge = times[-most] if descending else times[most - 1]
        kept = times >= edge if descending else times <= edge
        found, times = found[kept], times[kept]
    if np.logical_or.reduce(times[1:] == times[:-1]):
        names = sorted(range(len(tail.tags)), key=lambda place: tail.tags[place].name)
        known = [tail.index.known[number] for number in tail.series(found).tolist()]
        texts = [[(tags[place] is None, tags[place] or "") for place in names] for tags in known]
        in_order = sorted(range(len(found)), key=lambda place: (int(times[place]), texts[place]))
        found = found[in_order]
    return found[::-1] if descending else found
