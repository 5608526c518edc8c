"""Expressions made no longer than what they mean, as influxd 2.9.1 does."""

import math
from datetime import UTC
from zoneinfo import ZoneInfo

import pytest

from influxql.arithmetic import fold_math
from influxql.ast import Binary, Call, Expr, IntegerLiteral, NumberLiteral, Paren, TimeLiteral, VarRef
from influxql.errors import QueryError
from influxql.printer import print_expr
from influxql.reduction import keep_calls, reduce_expr
from tests.influxql.queries import select

BERLIN = ZoneInfo("Europe/Berlin")


def parsed(text: str) -> Expr:
    return select(text).fields[0].expr


@pytest.mark.parametrize(
    ("text", "reduced"),
    [
        ("(v)", "v"),
        ("((v))", "v"),
        ("(v + 1)", "v + 1"),
        ("((v + 1)) * 2", "(v + 1) * 2"),
        ("(v) + (1)", "v + 1"),
        ("mean((v))", "mean(v)"),
        ("mean((v + 1))", "mean((v + 1))"),
        ("(*)", "*"),
        ("v + 1 + 2", "v + 1 + 2"),
        ("v + (1 + 2)", "v + 3"),
        ("1 + 2 + v", "3 + v"),
        ("5 / 2", "2.5"),
        ("4 / 2", "2.0"),
        ("1 / 0", "0.0"),
        ("1.5 / 0", "0.0"),
        ("-7 % 3", "-1"),
        ("7 % -3", "1"),
        ("5 % 0", "0"),
        ("6 & 3", "2"),
        ("6 | 3", "7"),
        ("6 ^ 3", "5"),
        ("1.5 & 3", "1.5 & 3"),
        ("9223372036854775807 + 1", "-9223372036854775808"),
        ("18446744073709551615 + 1", "0"),
        ("18446744073709551615 / 2", "9223372036854775807"),
        ("18446744073709551615 & 1", "18446744073709551615 & 1"),
        ("'a' + 'b'", "'ab'"),
        ("'a' - 'b'", "'a' - 'b'"),
        ("true & false", "false"),
        ("1d - 4s", "86396s"),
        ("10s * 2", "20s"),
        ("10s * 2.9", "20s"),
        ("2 * 10s", "2 * 10s"),
        ("10s / 4", "2500ms"),
        ("-(10s) / 0", "-1 * 10s / 0"),
        ("10s / 0", "0s"),
        ("10s + 5", "10s + 5"),
        ("10s % 3", "10s % 3"),
        ("'1970-01-02' - '1970-01-01'", "1d"),
        ("'soon' + 1s", "'soon' + 1s"),
        ("abs(-1)", "abs(-1)"),
    ],
)
def test_reduced(text: str, reduced: str) -> None:
    """Parentheses stay around operators alone, and an operator between two literals is what it comes to."""
    assert print_expr(reduce_expr(parsed(text))) == reduced


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("'1970-01-01' + 10s", 10_000_000_000),
        ("10s + '1970-01-01'", 10_000_000_000),
        ("'1970-01-01' + 5", 5),
        ("5 + '1970-01-01'", 5),
        ("5 + 1u", 1005),
        ("5 - 1u", -995),
    ],
)
def test_moments(text: str, moment: int) -> None:
    """A span beside a text of a moment, or behind a number, makes a moment."""
    assert reduce_expr(parsed(text)) == TimeLiteral(moment)


def test_texts_are_moments_of_the_zone() -> None:
    """A text without an offset is a moment where the query is."""
    hour_of_winter = 3600 * 10**9
    assert reduce_expr(parsed("'1970-01-01' + 1h"), keep_calls, BERLIN) == TimeLiteral(0)
    assert reduce_expr(parsed("'1970-01-01' + 1h"), keep_calls, UTC) == TimeLiteral(hour_of_winter)


def test_comparisons_become_truths() -> None:
    """Numbers, texts, truths, spans and moments compare; texts of one moment are equal however they are written."""
    condition = "1 < 2 AND 1.5 >= 1 AND 'a' != 'b' AND true = true AND 2s > 1s"
    moments = "'2020-01-01' = '2020-01-01T00:00:00Z' AND '2020-01-01' < '2020-01-02'"
    found = select("v", f"WHERE {condition} AND {moments}").condition
    assert found is not None
    assert print_expr(reduce_expr(found)) == "true"


def test_no_number_stays_one() -> None:
    """The rest of a division by nothing is no number."""
    found = reduce_expr(parsed("5.5 % 0"))
    assert isinstance(found, NumberLiteral)
    assert math.isnan(found.value)


def test_spans_divided_by_less_than_one_are_refused() -> None:
    """Where InfluxDB panics there is an error."""
    with pytest.raises(QueryError, match="integer divide by zero"):
        reduce_expr(parsed("1s / 0.5"))


@pytest.mark.parametrize(
    ("text", "reduced"),
    [
        ("pow(2, 1 + 2)", NumberLiteral(8.0)),
        ("abs(-2)", IntegerLiteral(2)),
        ("round(2.5)", NumberLiteral(3.0)),
        ("v * abs(v)", Binary("*", VarRef("v"), Call("abs", (VarRef("v"),)))),
        ("abs(true)", None),
        ("abs(18446744073709551615)", None),
        ("mean(1)", None),
    ],
)
def test_math_functions_of_numbers(text: str, reduced: Expr | None) -> None:
    """A math function of numbers is its value; one that InfluxDB cannot work out stays (None)."""
    assert reduce_expr(parsed(text), fold_math) == (reduced or parsed(text))


def test_what_cannot_be_reduced_is_the_same_object() -> None:
    """Plans are known by what they were made of."""
    expr = parsed("(mean(v) + 1) * max(f)")
    assert reduce_expr(expr) is expr
    assert isinstance(expr, Binary)
    assert isinstance(expr.left, Paren)
