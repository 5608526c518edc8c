"""What a SELECT list must not hold, in influxd 2.9.1's words."""

import pytest

from influxql.check import check_fields
from influxql.errors import QueryError
from influxql.functions import REFUSED
from tests.influxql.queries import select


def complaint(fields: str, *, has_interval: bool = False, tail: str = "") -> str:
    with pytest.raises(QueryError) as caught:
        check_fields(select(fields, tail), has_interval=has_interval)
    return str(caught.value)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ("time", "at least 1 non-time field must be queried"),
        ("nosuch(v)", "undefined function nosuch()"),
        ("mean()", "invalid number of arguments for mean, expected 1, got 0"),
        ("mean(v + 1)", "expected field argument in mean()"),
        ("percentile(v)", "invalid number of arguments for percentile, expected 2, got 1"),
        ("percentile(v, 'a')", "expected float argument in percentile()"),
        ("mean(v), v", "mixing aggregate and non-aggregate queries is not supported"),
        ("max(v), min(v), h", "mixing multiple selector functions with tags or fields is not supported"),
        ("distinct(v), max(v)", "aggregate function distinct() cannot be combined with other functions or fields"),
        ("top(v, 2), max(v)", "selector function top() cannot be combined with other functions"),
        ("top(v, 0)", "limit (0) in top function must be at least 1"),
        ("derivative(mean(v))", "derivative aggregate requires a GROUP BY interval"),
        ("derivative(v, 5)", "second argument to derivative must be a duration, got *influxql.IntegerLiteral"),
        ("moving_average(v, 1)", "moving_average window must be greater than 1, got 1"),
        ("v + *", "unable to use wildcard in a binary expression"),
        ("1", "field must contain at least one variable"),
        ("(1 + 2)", "field must contain at least one variable"),
        ("pow(2, 3)", "field must contain at least one variable"),
        ("v + abs('x')", "field must contain at least one variable"),
        ("v + ('a' - 'b')", "cannot perform a binary expression on two literals"),
        ("derivative(v, 2 * 5s)", "second argument to derivative must be a duration, got *influxql.BinaryExpr"),
        (
            "moving_average(v, 4 / 2)",
            "second argument for moving_average must be an integer, got *influxql.NumberLiteral",
        ),
        ("top(v, (1 - 1))", "limit (0) in top function must be at least 1"),
    ],
)
def test_complaints(fields: str, message: str) -> None:
    """Each fault has InfluxDB's words."""
    assert complaint(fields) == message


@pytest.mark.parametrize(
    ("fields", "reduced"),
    [
        ("(v), ((v)), (v) AS x", "v, v, v AS x"),
        ("(*), (*::field)", "*, *::field"),
        ("(count((v)))", "count(v)"),
        ("percentile((v), (90 + 5))", "percentile(v, 95)"),
        ("top((v), (h), 2 + 1)", "top(v, h, 3)"),
        ("(max(v)) - ((min(v)) + 1)", "max(v) - (min(v) + 1)"),
        ("v + pow(2, 1 + 1), (time), time", "v + 4.0, time, time"),
    ],
)
def test_lists_are_reduced(fields: str, reduced: str) -> None:
    """What is checked, named and answered is the list without parentheses around what is no arithmetic."""
    assert check_fields(select(fields), has_interval=False) == select(reduced).fields


def test_complaints_about_windows() -> None:
    """Windows need an aggregate, also within a transformation; fill() needs a function."""
    assert complaint("v", has_interval=True) == "GROUP BY requires at least one aggregate function"
    assert complaint("derivative(v)", has_interval=True) == "aggregate function required inside the call to derivative"
    assert complaint("v", tail="fill(none)") == "fill(none) must be used with a function"


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_functions_that_are_refused(name: str) -> None:
    """A function that InfluxDB knows and this engine does not is refused by its name."""
    assert complaint(f"{name}(v)").startswith(f"function {name}() is not supported by this store")


def test_forecasts_are_refused_with_the_reason() -> None:
    """Who asks for a forecast learns why there is none."""
    assert "two implementations do not agree" in complaint("holt_winters(mean(v), 2, 2)", has_interval=True)
