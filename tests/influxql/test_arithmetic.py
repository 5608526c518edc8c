"""Arithmetic as InfluxDB calculates."""

import math
from typing import Any

import pytest

from foundation.batch import FieldType
from influxql.arithmetic import compile_column
from influxql.ast import Expr, VarRef
from influxql.errors import QueryError
from influxql.typing import Shape, resolve
from tests.influxql.queries import select

_UNSIGNED_LITERAL = "i::integer + 18446744073709551615: cannot use + with an integer and unsigned literal"
FIELDS = {
    "f": FieldType.FLOAT,
    "i": FieldType.INTEGER,
    "u": FieldType.UNSIGNED,
    "s": FieldType.STRING,
    "b": FieldType.BOOLEAN,
}
SHAPE = Shape(FIELDS, frozenset({"h"}))


def evaluate(text: str, **values: Any) -> Any:
    """The value of one column over one row."""
    expr = resolve(select(text).fields[0].expr, SHAPE)
    slots: dict[Expr, int] = {VarRef(name, FIELDS[name].value): index for index, name in enumerate(values, start=1)}
    return compile_column(expr, slots)([0, *values.values()])


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        ("i / 2", {"i": 7}, 3.5),
        ("u / 2", {"u": 7}, 3),
        ("i / 0", {"i": 7}, 0),
        ("f / 0", {"f": 7.0}, 0),
        ("i % 4", {"i": -7}, -3),
        ("i % 0", {"i": 7}, 0),
        ("i * 2", {"i": 2**63 - 1}, -2),
        ("i + 1", {"i": 2**63 - 1}, -(2**63)),
        ("u - 4", {"u": 3}, 2**64 - 1),
        ("i + 1", {"i": 2**53}, 2**53 + 1),
        ("f + i", {"f": 0.5, "i": 2}, 2.5),
        ("f + i", {"f": None, "i": 2}, None),
        ("i & 6 | 1", {"i": 5}, 5),
        ("sqrt(f)", {"f": -1.0}, None),
        ("sqrt(f) / 0", {"f": -1.0}, 0),
        ("pow(f, 2)", {"f": 3.0}, 9.0),
        ("round(f)", {"f": -2.5}, -3.0),
        ("abs(i)", {"i": -5}, 5),
        ("log(f, 2)", {"f": 8.0}, 3.0),
        ("-f", {"f": 2.0}, -2.0),
        ("u / -1", {"u": 7}, 0),
        ("u % -1", {"u": 7}, 7),
        ("u & -2", {"u": 7}, 6),
        ("u + -8", {"u": 7}, 2**64 - 1),
        ("b & true", {"b": True}, True),
        ("b ^ true", {"b": True}, False),
        ("b | i", {"b": True, "i": 1}, False),
        ("b | true", {"b": None}, True),
        ("b | b", {"b": None}, None),
        ("b & i", {"b": None, "i": 1}, None),
        ("b | i", {"b": True, "i": None}, True),
        ("f + 1s", {"f": 1.0}, None),
        ("f & nosuch", {"f": 1.0}, None),
    ],
)
def test_values(text: str, values: dict[str, Any], expected: Any) -> None:
    """Integers wrap, x/0 is 0, null stays null, what is no number is null."""
    value = evaluate(text, **values)
    assert value == pytest.approx(expected, abs=0, rel=1e-12) if isinstance(expected, float) else value == expected
    assert isinstance(value, bool) == isinstance(expected, bool)


def test_infinity_ends_the_statement() -> None:
    """An answer cannot hold an infinity: the statement ends in InfluxDB's words."""
    with pytest.raises(QueryError, match=r"json: unsupported value: \+Inf"):
        evaluate("exp(f)", f=1000.0)
    with pytest.raises(QueryError, match="json: unsupported value: -Inf"):
        evaluate("-f", f=math.inf)
    for text in ("ln(f)", "log(f, 3)", "log2(f)", "log10(f)"):
        with pytest.raises(QueryError, match="json: unsupported value: -Inf"):
            evaluate(text, f=0.0)
    for text in ("pow(f, -2)", "log(f, 1) * -1"):
        with pytest.raises(QueryError, match=r"json: unsupported value: \+Inf"):
            evaluate(text, f=0.0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "i + u",
            "i::integer + u::unsigned: cannot use + between an integer and unsigned, an explicit cast is required",
        ),
        ("f & 1", "f::float & 1: incompatible types: float and integer"),
        ("f + s", "f::float + s::string: incompatible types: float and string"),
        ("i & b", "i::integer & b::boolean: incompatible types: integer and boolean"),
        ("h + f", "h::tag + f::float: incompatible types: tag and float"),
        ("s % h", "s::string % h::tag: incompatible types: string and tag"),
        ("i + 18446744073709551615", _UNSIGNED_LITERAL),
    ],
)
def test_types_that_do_not_go_together(text: str, message: str) -> None:
    """Operands of types that do not go together are refused before anything is read."""
    with pytest.raises(QueryError) as caught:
        evaluate(text, f=1.0, i=1, u=1, s="x", b=True)
    assert str(caught.value) == f"type error: {message}"
