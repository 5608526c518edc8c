"""Floats that have grown beyond every number have no place in an answer: as in InfluxDB they end the statement."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

from influxql.ast import Binary, Call, Expr, Paren, Select, SubQuery
from influxql.errors import QueryError
from influxql.functions import TRANSFORMATIONS

_ADDING: Final = frozenset({"sum", "spread", "integral", *TRANSFORMATIONS})
_INFINITIES: Final = frozenset({float("inf"), float("-inf")})


def infinite(value: float) -> QueryError:
    """The error for an infinity, in InfluxDB's words."""
    return QueryError(f"json: unsupported value: {'+' if value > 0 else '-'}Inf")


def may_overflow(select: Select) -> bool:
    """Whether the answer may hold an infinity that arithmetic does not see: fields hold none, sums of them may."""
    inner = (source.select for source in select.sources if isinstance(source, SubQuery))
    return any(_adds(field.expr) for field in select.fields) or any(map(may_overflow, inner))


def refuse_infinities(rows: Iterable[Sequence[Any]]) -> None:
    """Raise QueryError where there is one in any row."""
    for row in rows:
        if not _INFINITIES.isdisjoint(row):
            raise infinite(next(value for value in row if value in _INFINITIES))


def _adds(expr: Expr) -> bool:
    match expr:
        case Call(name, args):
            return name in _ADDING or any(map(_adds, args))
        case Binary(_, left, right):
            return _adds(left) or _adds(right)
        case Paren(inner):
            return _adds(inner)
        case _:
            return False
