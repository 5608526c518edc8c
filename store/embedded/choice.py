"""Which series a condition on tags means, told in memory, and how little of a table then has to be read.

`points` asks this before it writes SQL. Where the condition leaves few series, or where each is a group of its own, the
points are read by the numbers of their series, and the table of series stays out of it. The rest is left to SQL, which
does as well over many series.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt
import re2

from influxql.ast import Binary, BooleanLiteral, Expr, Paren, RegexLiteral, StringLiteral, VarRef
from influxql.translate.parameters import Parameters
from influxql.translate.predicate import ALWAYS, NEVER
from store.embedded.index import Known
from store.embedded.schema import SERIES, Table

Group = tuple[str, ...]
"""The values of the tags grouped by; '' for a tag that is not there."""

_MOST_LISTED: Final = 8
"""Series that are asked for by their numbers: a longer list costs DuckDB more than joining them."""

_COMPARED: Final = frozenset({"=", "!=", "<", "<=", ">", ">="})

Mask = npt.NDArray[np.bool_]
"""Of each known series whether it is meant."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The series that a question means, and `rest`, what is left of its condition for the points.

    `numbers` are None where all series are meant. `groups` tells the group of each by its number where each is one of
    its own; it is None where all are in one, which is `group`. `only` holds the tags of the one series that is meant,
    in the order of the table's; one in `apart` of all series is meant.
    """

    numbers: tuple[int, ...] | None
    rest: Expr | None
    group: Group = ()
    groups: Mapping[int, Group] | None = None
    only: tuple[str | None, ...] | None = field(default=None, compare=False)
    apart: int = field(default=1, compare=False)

    @property
    def has_one_series_each(self) -> bool:
        """Whether the points of each group are of one series."""
        return self.groups is not None or (self.numbers is not None and len(self.numbers) == 1)

    def sql(self, parameters: Parameters) -> str:
        """The condition for the table of points that they are of these series."""
        if self.numbers is None:
            return ALWAYS
        if not self.numbers:
            return NEVER
        bound = [parameters.bind(number) for number in self.numbers]
        if len(bound) == 1:
            return f"{SERIES} = {bound[0]}"
        # DuckDB compares each row with a plain list; of VALUES it makes a filter that skips what has none of them.
        return f"{SERIES} IN (VALUES {', '.join(f'({number})' for number in bound)})"


def choose(condition: Expr | None, dimensions: Sequence[str], table: Table, known: Known) -> Choice | None:
    """The choice; None where the table of series is needed, or where nobody knows the numbers of series."""
    if len(known.numbers) < len(known.series):
        return None
    mask, rest = choose_series(condition, table, known)
    keys = list(table.tags)
    at = tuple(keys.index(key) if key in table.tags else None for key in dimensions)
    if mask is None or mask.all():
        if all(place is None or len(known.codes[place][0]) == 1 for place in at):
            return Choice(None, rest, _group(known, 0, at) if known.series else ("",) * len(at))
        groups = known.groups(at)
        return None if groups is None else Choice(None, rest, groups=groups)
    places = np.flatnonzero(mask).tolist()
    if len(places) > _MOST_LISTED:
        return None
    found = {known.numbers[place]: _group(known, place, at) for place in places}
    different, apart = set(found.values()), len(known.series) // max(len(found), 1)
    if len(different) <= 1:
        only = tuple(column[places[0]] for column in known.columns) if len(places) == 1 else None
        return Choice(tuple(found), rest, next(iter(different), ("",) * len(at)), only=only, apart=apart)
    return Choice(tuple(found), rest, groups=found, apart=apart) if len(different) == len(found) else None


def choose_series(condition: Expr | None, table: Table, known: Known) -> tuple[Mask | None, Expr | None]:
    """Which of the known series a condition means (None: all), and what of it only their points can tell."""
    return (None, None) if condition is None else _Chooser(table, known).split(condition)


def _group(known: Known, place: int, at: Sequence[int | None]) -> Group:
    return tuple("" if tag is None else known.columns[tag][place] or "" for tag in at)


class _Chooser:
    """Tells the meaning of conditions on tags; it is that of `influxql.translate.predicate`."""

    def __init__(self, table: Table, known: Known) -> None:
        self._table = table
        self._known = known
        self._places = {key: place for place, key in enumerate(table.tags)}

    def split(self, expr: Expr) -> tuple[Mask | None, Expr | None]:
        match expr:
            case Binary("AND", left, right):
                (first, rest), (second, other) = self.split(left), self.split(right)
                mask = first if second is None else second if first is None else first & second
                return mask, Binary("AND", rest, other) if rest is not None and other is not None else rest or other
            case Paren(inner):
                mask, rest = self.split(inner)
                return mask, None if rest is None else Paren(rest)
            case _:
                told = self._tell(expr)
                return (None, expr) if told is None else (told, None)

    def _tell(self, expr: Expr) -> Mask | None:
        """The series for which it is true; None where that is not known."""
        match expr:
            case Binary("AND" | "OR" as op, left, right):
                first, second = self._tell(left), self._tell(right)
                if first is None or second is None:
                    return None
                return first & second if op == "AND" else first | second
            case Paren(inner):
                return self._tell(inner)
            case BooleanLiteral(truth):
                return np.full(len(self._known.series), truth)
            case Binary(op, VarRef() as ref, RegexLiteral(pattern)) if op in ("=~", "!~") and self._is_tag(ref):
                return self._matches(ref.name, pattern, wanted=op == "=~")
            case Binary(op, VarRef() as ref, StringLiteral(text)) if op in _COMPARED and self._is_tag(ref):
                return self._equals(ref.name, text, wanted=op == "=")
            case _:
                return None

    def _is_tag(self, ref: VarRef) -> bool:
        return ref.cast == "tag" or (ref.cast != "field" and ref.name not in self._table.fields)

    def _matches(self, key: str, pattern: str, *, wanted: bool) -> Mask:
        place = self._places.get(key)
        if place is None:
            return np.full(len(self._known.series), (re2.compile(pattern).search("") is not None) is wanted)
        numbered, codes = self._known.codes[place]
        kept = self._known.values[place].matching(pattern)
        if len(kept) == len(numbered):
            return np.full(len(codes), wanted)
        accepted = np.full(len(numbered), not wanted)
        accepted[[numbered[value] for value in kept]] = wanted
        return accepted[codes]

    def _equals(self, key: str, text: str, *, wanted: bool) -> Mask:
        """A tag that is not there is the empty text; whatever compares but `=` asks for another value."""
        place = self._places.get(key)
        if place is None:
            return np.full(len(self._known.series), (not text) is wanted)
        numbered, codes = self._known.codes[place]
        found = np.zeros(len(codes), np.bool_)
        for value in (text,) if text else (None, ""):
            if value in numbered:
                found |= codes == numbered[value]
        return found if wanted else ~found
