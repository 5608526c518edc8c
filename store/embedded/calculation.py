"""What is done with whole columns of numbers, told once by a plan: which blanks are filled, what is calculated of them.

`ready` makes it, `columns` and `select` use it each time. What is odd (texts, whole-number division, what is no number)
is left to rows: `influxql.arithmetic` says what is right.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from foundation.batch import FieldType
from influxql.ast import Binary, Call, Expr, FillKind, IntegerLiteral, NumberLiteral, Paren
from influxql.plan import Plan
from influxql.typing import type_of
from store.column import NumberColumn
from store.embedded.fill import fill_value
from store.embedded.steps import TRANSFORMED

Array = npt.NDArray[Any]
Part = tuple[Array, Array | None]
"""Numbers, and which of them are known (None: all); the others are null, and 0 here."""
Make = Callable[[Sequence[Part]], Part]
"""Makes a column of the answer out of what each call came to."""

_FILLS: Final = frozenset({FillKind.NULL, FillKind.NONE, FillKind.NUMBER, FillKind.PREVIOUS})
_MADE: Final[Mapping[str, Callable[[Any, Any], Any]]] = {"+": operator.add, "-": operator.sub, "*": operator.mul}
_KNOWN: Final = frozenset({"count", "sum", "mean", "median", "spread", "min", "max", "first", "last", "percentile"})
_SIGNED: Final = frozenset({FieldType.FLOAT, FieldType.INTEGER})


@dataclass(frozen=True, slots=True)
class Read:
    """An aggregate that is read, what fill(number) puts where it has no value, and how it is transformed, if it is."""

    is_count: bool
    blank: float
    change: Call | None


@dataclass(frozen=True, slots=True)
class Calculation:
    """What is read, in order, and how each column of the answer is made of it.

    `is_straight`: nothing is calculated, so that no number can become none.
    """

    reads: tuple[Read, ...]
    makes: tuple[Make, ...]
    is_straight: bool

    def columns(self, parts: Sequence[Part]) -> list[Part] | None:
        """The columns of the answer out of what the calls came to; None where a value is no number."""
        if self.is_straight:
            made = [make(parts) for make in self.makes]
        else:
            with np.errstate(all="ignore"):
                made = [make(parts) for make in self.makes]
        for values, _ in made:
            if values.dtype.kind == "f" and not np.logical_and.reduce(np.isfinite(values), axis=None):
                return None
        return made


def calculate_windows(plan: Plan) -> Calculation | None:
    """By windows of time, where there is nothing but aggregates of numbers, or one transformation of one."""
    changed = [call for call in plan.calls if call.name in TRANSFORMED]
    if plan.fill.kind not in _FILLS or not all(map(_is_calculable, plan.exprs)) or (changed and len(plan.calls) > 1):
        return None
    return _calculation(plan)


def calculate_totals(plan: Plan) -> Calculation | None:
    """Without windows, one row for each group: nothing but aggregates of numbers, and arithmetic."""
    is_changed = any(call.name in TRANSFORMED for call in plan.calls)
    return None if is_changed or not plan.calls or not all(map(_is_calculable, plan.exprs)) else _calculation(plan)


def part_of(column: NumberColumn) -> Part:
    """A column as numbers that can be calculated with."""
    values, known = column.values, column.known
    return values if known is None else np.where(known, values, 0), known


def _calculation(plan: Plan) -> Calculation:
    is_straight = all(expr in plan.calls for expr in plan.exprs)
    return Calculation(
        tuple(_read(plan, call) for call in plan.calls),
        tuple(_compile(expr, plan.calls) for expr in plan.exprs),
        is_straight,
    )


def _read(plan: Plan, call: Call) -> Read:
    inner = call.args[0] if call.name in TRANSFORMED else None
    read = inner if isinstance(inner, Call) else call
    blank = fill_value(plan.fill, type_of(read)) if plan.fill.kind is FillKind.NUMBER else 0
    return Read(read.name == "count", blank if isinstance(blank, int | float) else 0, None if inner is None else call)


def _is_calculable(expr: Expr) -> bool:
    match expr:
        case Call(name, (Call(inner), *_)) if name in TRANSFORMED:
            return inner in _KNOWN and type_of(expr) is not None and type_of(expr.args[0]) in _SIGNED
        case Call(name):
            return name in _KNOWN and type_of(expr) is not None
        case IntegerLiteral() | NumberLiteral():
            return True
        case Paren(inner):
            return _is_calculable(inner)
        case Binary(op, left, right):
            kind = type_of(expr)
            is_known = op in _MADE or (op == "/" and kind is FieldType.FLOAT)
            return kind in _SIGNED and is_known and _is_calculable(left) and _is_calculable(right)
        case _:
            return False


def _compile(expr: Expr, calls: Sequence[Call]) -> Make:
    if isinstance(expr, Call):
        return operator.itemgetter(calls.index(expr))
    match expr:
        case Paren(inner):
            return _compile(inner, calls)
        case IntegerLiteral(number) | NumberLiteral(number):
            literal = np.array(number), None
            return lambda _: literal
        case Binary(op, left, right):
            return _binary(_compile(left, calls), _compile(right, calls), _operator(op, type_of(expr)))
        case _:
            raise TypeError(f"{expr} is not calculable")


def _binary(left: Make, right: Make, operate: Callable[[Array, Array], Array]) -> Make:
    def make(parts: Sequence[Part]) -> Part:
        (a, a_known), (b, b_known) = left(parts), right(parts)
        known = a_known if b_known is None else b_known if a_known is None else a_known & b_known
        return operate(a, b), known

    return make


def _operator(op: str, kind: FieldType | None) -> Callable[[Array, Array], Array]:
    if op == "/":
        return _divide
    made, number = _MADE[op], np.int64 if kind is FieldType.INTEGER else np.float64
    return lambda a, b: made(a.astype(number, copy=False), b.astype(number, copy=False))


def _divide(a: Array, b: Array) -> Array:
    """As floats, and 0 where the divisor is; of two numbers that stand in the text, too."""
    a, b = a.astype(np.float64, copy=False), b.astype(np.float64, copy=False)
    return np.divide(a, b, where=b != 0, out=np.zeros(a.shape or b.shape))
