"""The functions that are known: their arguments, which fields `*` means to them, what they answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from foundation.batch import FieldType

NUMERIC: Final = frozenset((FieldType.FLOAT, FieldType.INTEGER, FieldType.UNSIGNED))
_NO_TEXT: Final = NUMERIC | {FieldType.BOOLEAN}
_ALL: Final = frozenset(FieldType)


@dataclass(frozen=True, slots=True)
class Function:
    """An aggregate or selector. `answer` is None where the type is that of the field."""

    name: str
    selector: bool = False
    takes: frozenset[FieldType] = NUMERIC
    answer: FieldType | None = None


@dataclass(frozen=True, slots=True)
class Transformation:
    """Works on a row of points: raw ones, or the windows of an aggregate. `arguments`: the least and the most."""

    name: str
    arguments: tuple[int, int] = (1, 1)
    takes: frozenset[FieldType] = NUMERIC
    answer: FieldType | None = None


AGGREGATES: Final = {
    function.name: function
    for function in (
        Function("count", takes=_ALL, answer=FieldType.INTEGER),
        Function("distinct", takes=_ALL),
        Function("sum"),
        Function("mean", answer=FieldType.FLOAT),
        Function("median", answer=FieldType.FLOAT),
        Function("mode", takes=_ALL),
        Function("stddev", answer=FieldType.FLOAT),
        Function("spread"),
        Function("integral", answer=FieldType.FLOAT),
        Function("min", selector=True, takes=_NO_TEXT),
        Function("max", selector=True, takes=_NO_TEXT),
        Function("first", selector=True, takes=_ALL),
        Function("last", selector=True, takes=_ALL),
        Function("percentile", selector=True),
        Function("top", selector=True),
        Function("bottom", selector=True),
        Function("sample", selector=True, takes=_ALL),
    )
}

TRANSFORMATIONS: Final = {
    function.name: function
    for function in (
        Transformation("derivative", (1, 2), answer=FieldType.FLOAT),
        Transformation("non_negative_derivative", (1, 2), answer=FieldType.FLOAT),
        Transformation("difference"),
        Transformation("non_negative_difference"),
        Transformation("moving_average", (2, 2), answer=FieldType.FLOAT),
        Transformation("cumulative_sum"),
        Transformation("elapsed", (1, 2), takes=_ALL, answer=FieldType.INTEGER),
    )
}

MATH: Final = {
    **dict.fromkeys(("abs", "floor", "ceil", "round"), 1),
    **dict.fromkeys(("sin", "cos", "tan", "asin", "acos", "atan", "exp", "ln", "log2", "log10", "sqrt"), 1),
    **dict.fromkeys(("atan2", "pow", "log"), 2),
}
"""Math functions and how many arguments each takes."""

KEEPS_TYPE: Final = frozenset(("abs", "floor", "ceil", "round"))
"""Math functions of an integer that answer an integer."""

OWN_TIMES: Final = frozenset(("top", "bottom", "sample", "integral"))
"""Calls whose points keep times of their own in GROUP BY time(): no window of theirs is ever filled."""

_SEARCHES: Final = "its forecast is the end of a numeric search, so two implementations do not agree"

REFUSED: Final = {
    **dict.fromkeys(("holt_winters", "holt_winters_with_fit"), f"is not supported by this store: {_SEARCHES}"),
    **dict.fromkeys(
        (
            "chande_momentum_oscillator",
            "exponential_moving_average",
            "double_exponential_moving_average",
            "triple_exponential_moving_average",
            "triple_exponential_derivative",
            "relative_strength_index",
            "kaufmans_efficiency_ratio",
            "kaufmans_adaptive_moving_average",
            "count_hll",
            "sum_hll",
        ),
        "is not supported by this store",
    ),
}
"""InfluxDB knows them, this engine does not: they are refused by name, with the reason, never answered wrong."""
