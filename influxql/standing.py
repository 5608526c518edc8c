"""Texts that come again with other bounds of time are parsed once: those of rules, and of boards that refresh.

A text is known by what is left of it without the whole numbers that `time` is compared with. Whether these are bounds
at all, and not a part of a string, a name or a comment, is not guessed: the text is parsed with numbers of our own in
their places, and only if each of them is found as a bound in the WHERE of a statement does its tree serve the others.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

from influxql.ast import Binary, Expr, IntegerLiteral, Paren, Select, Statement, VarRef
from influxql.errors import ParseError
from influxql.parser import parse

_BOUND: Final = re.compile(r"(\btime (?:>|>=|<|<=) )(\d{10,18}(?!\d)|[1-7]\d{18}(?!\d))(?=[ ;)]|$)", re.ASCII)
_MARK: Final = 8_070_605_040_302_010_000
"""The first of our own numbers, which follow each other; no bound of a text is as great."""
_MOST_TEXTS: Final = 1_000
_LONGEST: Final = 10_000

_Tree = tuple[Statement, ...] | None
"""Statements with our own numbers for bounds; None for a text that has to be parsed each time."""


class StandingTexts:
    """Parses texts and remembers their trees. Used by one thread."""

    def __init__(self) -> None:
        self._trees: dict[str, _Tree] = {}

    def parse(self, text: str) -> tuple[Statement, ...]:
        """The same as `parser.parse`. Raises ParseError."""
        if len(text) > _LONGEST:
            return parse(text)
        pieces = _BOUND.split(text)
        bounds = [int(digits) for digits in pieces[2::3]]
        if not bounds:
            return parse(text)
        key = "".join(piece for number, piece in enumerate(pieces) if number % 3 != 2)  # noqa: PLR2004 - the digits
        if key not in self._trees:
            if len(self._trees) >= _MOST_TEXTS:
                self._trees.clear()
            self._trees[key] = _tree_of(pieces)
        tree = self._trees[key]
        if tree is None:
            return parse(text)
        numbers = {_MARK + place: bound for place, bound in enumerate(bounds)}
        return tuple(_with_bounds(statement, numbers) for statement in tree)


def _tree_of(pieces: Sequence[str]) -> _Tree:
    marked = list(pieces)
    count = len(pieces) // 3
    for place in range(count):
        marked[3 * place + 2] = str(_MARK + place)
    try:
        statements = parse("".join(marked))
    except ParseError:
        return None
    found = [
        number for statement in statements if isinstance(statement, Select) for number in _bounds(statement.condition)
    ]
    return statements if found == [_MARK + place for place in range(count)] else None


def _bounds(expr: Expr | None) -> list[int]:
    """Our own numbers among the bounds of a condition, in order."""
    match expr:
        case Binary(_, VarRef("time"), IntegerLiteral(value)):
            return [value] if value >= _MARK else []
        case Binary(_, left, right):
            return [*_bounds(left), *_bounds(right)]
        case Paren(inner):
            return _bounds(inner)
        case _:
            return []


def _with_bounds(statement: Statement, numbers: Mapping[int, int]) -> Statement:
    if not isinstance(statement, Select) or statement.condition is None:
        return statement
    return replace(statement, condition=_bound(statement.condition, numbers))


def _bound(expr: Expr, numbers: Mapping[int, int]) -> Expr:
    """The condition with the bounds of a text; what holds none is the very same."""
    match expr:
        case Binary(op, VarRef("time") as name, IntegerLiteral(value)) if value in numbers:
            return Binary(op, name, IntegerLiteral(numbers[value]))
        case Binary(op, left, right):
            own = _bound(left, numbers), _bound(right, numbers)
            return expr if own[0] is left and own[1] is right else Binary(op, *own)
        case Paren(inner):
            bound = _bound(inner, numbers)
            return expr if bound is inner else Paren(bound)
        case _:
            return expr
