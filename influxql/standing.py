"""Texts that come again, be it with other bounds of time, are parsed once: those of rules, and of boards that refresh.

A text is known by what is left of it without the whole numbers that `time` is compared with, plain ones and those of
milliseconds. Whether these are bounds at all, and not a part of a string, a name or a comment, is not guessed: the text
is parsed twice with numbers of our own in their places, other ones each time, and only if both times each of them is
found as a bound in the WHERE of a SELECT, or of one within it, does its tree serve the others. So much is done when it
comes again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from influxql.ast import Binary, DurationLiteral, Expr, IntegerLiteral, Paren, Select, Statement, SubQuery, VarRef
from influxql.errors import ParseError
from influxql.parser import parse

_BOUND: Final = re.compile(
    r"(\btime (?:>|>=|<|<=) )(?:(\d{10,18}|[1-7]\d{18})|(\d{10,12}|[1-7]\d{12})ms)(?=[ ;)]|$)", re.ASCII
)
_PIECES: Final = 4
"""Into which a text is split by each bound: what stands before it, its name and operator, its ns or its ms."""
_MARKS: Final = 8_070_605_040_302_010_000, 8_170_605_040_302_010_000
"""The first of our own numbers, which follow each other, in the two parses; no bound of a text is as great."""
_MS: Final = 1_000_000
_MOST_TEXTS: Final = 1_000
_LONGEST: Final = 10_000


_Key = tuple[str | None, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Tree:
    """Statements with our own numbers for bounds, and those numbers, in nanoseconds, in order."""

    statements: tuple[Statement, ...]
    marks: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Standing:
    """A text whose tree is known, and its own `moments` for the marks there, in nanoseconds."""

    tree: Tree
    moments: tuple[int, ...]

    def statements(self) -> tuple[Statement, ...]:
        """What the parser makes of the text."""
        if not self.moments:
            return self.tree.statements
        numbers = dict(zip(self.tree.marks, self.moments, strict=True))
        return tuple(_with_bounds(statement, numbers) for statement in self.tree.statements)


class StandingTexts:
    """Parses texts and remembers their trees. Used by one thread."""

    def __init__(self) -> None:
        self._trees: dict[_Key, Tree | None] = {}
        """None for a text that has to be parsed each time"""
        self._came_once: set[_Key] = set()

    def find(self, text: str) -> Standing | None:
        """What is known of a text; None where it has to be parsed."""
        if len(text) > _LONGEST:
            return None
        pieces: list[str | None] = _BOUND.split(text)
        tree = self._trees.get(_without_bounds(pieces))
        return None if tree is None else Standing(tree, _moments_of(pieces))

    def parse(self, text: str) -> tuple[Statement, ...]:
        """The same as `parser.parse`. Raises ParseError."""
        if len(text) > _LONGEST:
            return parse(text)
        pieces: list[str | None] = _BOUND.split(text)
        key = _without_bounds(pieces)
        if key not in self._trees:
            if len(pieces) > 1 and key not in self._came_once:
                return self._parse_first(text, key)
            self._came_once.discard(key)
            if len(self._trees) >= _MOST_TEXTS:
                self._trees.clear()
            self._trees[key] = _tree_of(pieces)
        tree = self._trees[key]
        if tree is None:
            return parse(text)
        return Standing(tree, _moments_of(pieces)).statements()

    def _parse_first(self, text: str, key: _Key) -> tuple[Statement, ...]:
        statements = parse(text)
        if len(self._came_once) >= _MOST_TEXTS:
            self._came_once.clear()
        self._came_once.add(key)
        return statements


def _without_bounds(pieces: Sequence[str | None]) -> _Key:
    """What is left of a text; of a bound, whether it is plain or of milliseconds."""
    left = list(pieces)
    for place in range(2, len(pieces), _PIECES):
        plain = pieces[place] is not None
        left[place : place + 2] = ("" if plain else None, None if plain else "")
    return tuple(left)


def _moments_of(pieces: Sequence[str | None]) -> tuple[int, ...]:
    bounds = zip(pieces[2::_PIECES], pieces[3::_PIECES], strict=True)
    return tuple([int(plain) if plain is not None else int(ms or 0) * _MS for plain, ms in bounds])


def _tree_of(pieces: Sequence[str | None]) -> Tree | None:
    try:
        first = _parsed_with(pieces, _MARKS[0])
        is_certain = first is None or not first.marks or _parsed_with(pieces, _MARKS[1]) is not None
    except ParseError:
        return None
    return first if is_certain else None


def _parsed_with(pieces: Sequence[str | None], first: int) -> Tree | None:
    """The text with our own numbers from `first` on; None where one of them turns out to be no bound."""
    marked, marks = list(pieces), []
    for count, place in enumerate(range(2, len(pieces), _PIECES)):
        if pieces[place] is not None:
            marks.append(first + count)
            marked[place] = str(marks[-1])
        else:
            ms = first // _MS + count
            marks.append(ms * _MS)
            marked[place + 1] = f"{ms}ms"
    statements = parse("".join(piece for piece in marked if piece))
    found = [
        number
        for statement in statements
        if isinstance(statement, Select)
        for number in _bounds_of(statement, first // _MS * _MS)
    ]
    return Tree(statements, tuple(marks)) if found == marks else None


def _bounds_of(select: Select, least: int) -> list[int]:
    """The bounds of a SELECT and of those within it, as they follow each other in the text."""
    inner = [source.select for source in select.sources if isinstance(source, SubQuery)]
    return [*(number for one in inner for number in _bounds_of(one, least)), *_bounds(select.condition, least)]


def _bounds(expr: Expr | None, least: int) -> list[int]:
    """The bounds of a condition that are at least as great, in order: our own are."""
    match expr:
        case Binary(_, VarRef("time"), IntegerLiteral(value) | DurationLiteral(value)):
            return [value] if value >= least else []
        case Binary(_, left, right):
            return [*_bounds(left, least), *_bounds(right, least)]
        case Paren(inner):
            return _bounds(inner, least)
        case _:
            return []


def _with_bounds(statement: Statement, numbers: Mapping[int, int]) -> Statement:
    return _select_with(statement, numbers) if isinstance(statement, Select) else statement


def _select_with(select: Select, numbers: Mapping[int, int]) -> Select:
    condition = None if select.condition is None else _bound(select.condition, numbers)
    if not any(isinstance(source, SubQuery) for source in select.sources):
        return replace(select, condition=condition)
    sources = [
        SubQuery(_select_with(source.select, numbers)) if isinstance(source, SubQuery) else source
        for source in select.sources
    ]
    return replace(select, sources=tuple(sources), condition=condition)


def _bound(expr: Expr, numbers: Mapping[int, int]) -> Expr:
    """The condition with the bounds of a text; what holds none is the very same."""
    match expr:
        case Binary(op, VarRef("time") as name, IntegerLiteral(value) | DurationLiteral(value) as own) if (
            value in numbers
        ):
            return Binary(op, name, type(own)(numbers[value]))
        case Binary(op, left, right):
            sides = _bound(left, numbers), _bound(right, numbers)
            return expr if sides[0] is left and sides[1] is right else Binary(op, *sides)
        case Paren(inner):
            bound = _bound(inner, numbers)
            return expr if bound is inner else Paren(bound)
        case _:
            return expr
