"""Arithmetic over the fields of a line, as `derive` takes it: parsed once, never evaluated as Python.

    used / (used + free) * 100        max(a, b)        'free bytes' / 1024        round(temp_c, 1)

Names are fields; one that is no plain name stands in quotes. Only what is listed here exists: numbers, + - * / % **,
signs, and the functions in FUNCTIONS. All of it is float.
"""

from __future__ import annotations

import ast
import math
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Values = Mapping[str, float]
Term = Callable[[Values], float]
"""A number from the fields' values. Raises ArithmeticError or ValueError where there is none."""
_LONGEST = 500
_DEEPEST = 50
_BINARY: Mapping[type[ast.operator], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Mod: operator.mod,
    ast.Pow: math.pow,
}
_SIGNS: Mapping[type[ast.unaryop], Callable[[float], float]] = {ast.UAdd: operator.pos, ast.USub: operator.neg}


def _round(value: float, digits: float = 0.0) -> float:
    return round(value, int(digits))


FUNCTIONS: Mapping[str, tuple[Callable[..., float], int, int]] = {
    "abs": (abs, 1, 1),
    "ceil": (math.ceil, 1, 1),
    "exp": (math.exp, 1, 1),
    "floor": (math.floor, 1, 1),
    "log": (math.log, 1, 2),
    "max": (max, 2, 20),
    "min": (min, 2, 20),
    "round": (_round, 1, 2),
    "sqrt": (math.sqrt, 1, 1),
}
"""name -> function, fewest and most arguments."""


@dataclass(frozen=True, slots=True)
class Expression:
    """`fields` are the names it needs."""

    fields: frozenset[str]
    term: Term

    def value(self, values: Values) -> float | None:
        """The result, or None where there is none: a division by zero, an overflow, a root of a negative number."""
        try:
            result = float(self.term(values))
        except (ArithmeticError, ValueError):
            return None
        return result if math.isfinite(result) else None


def parse_expression(text: str) -> Expression:
    """Read an expression. Raises ValueError that names what is not understood."""
    if len(text) > _LONGEST:
        raise ValueError(f"the expression is longer than {_LONGEST} characters")
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, MemoryError, RecursionError, ValueError) as error:
        raise ValueError(f"{text!r} cannot be read; write it as in: used / (used + free) * 100") from error
    fields: set[str] = set()
    try:
        term = _term(tree.body, fields, 0)
    except OverflowError as error:
        raise ValueError(f"{text!r} has a number that is too large") from error
    if not fields:
        raise ValueError(f"the expression {text!r} names no field")
    return Expression(frozenset(fields), term)


def _term(node: ast.expr, fields: set[str], depth: int) -> Term:
    if depth > _DEEPEST:
        raise ValueError(f"the expression is nested deeper than {_DEEPEST} levels")
    match node:
        case ast.Constant(value=str(name)) | ast.Name(id=name):
            fields.add(name)
            return operator.itemgetter(name)
        case ast.Constant(value=int() | float() as number) if not isinstance(number, bool):
            constant = float(number)
            return lambda _: constant
        case ast.UnaryOp(op=sign, operand=inner) if type(sign) in _SIGNS:
            return _signed(_SIGNS[type(sign)], _term(inner, fields, depth + 1))
        case ast.BinOp(left=left, op=operation, right=right) if type(operation) in _BINARY:
            act = _BINARY[type(operation)]
            return _joined(act, _term(left, fields, depth + 1), _term(right, fields, depth + 1))
        case ast.Call(func=ast.Name(id=name), args=arguments, keywords=[]) if name in FUNCTIONS:
            return _called(name, [_term(argument, fields, depth + 1) for argument in arguments])
    raise ValueError(
        f"{ast.unparse(node)!r} is not understood; there are numbers, fields (in quotes if they are no plain name), "
        f"+ - * / % ** and {', '.join(FUNCTIONS)}"
    )


def _signed(act: Callable[[float], float], inner: Term) -> Term:
    return lambda values: act(inner(values))


def _joined(act: Callable[[float, float], float], left: Term, right: Term) -> Term:
    return lambda values: act(left(values), right(values))


def _called(name: str, arguments: list[Term]) -> Term:
    function, fewest, most = FUNCTIONS[name]
    if not fewest <= len(arguments) <= most:
        raise ValueError(f"{name} takes {fewest if fewest == most else f'{fewest} to {most}'} arguments")
    return lambda values: float(function(*[argument(values) for argument in arguments]))
