"""WHERE taken apart: bounds on time, and the rest."""

import pytest

from influxql.ast import Binary, BooleanLiteral, IntegerLiteral, Paren, StringLiteral, VarRef
from influxql.conditions import TimeRange, split_condition
from influxql.errors import QueryError
from tests.influxql.queries import select

NOW = 1_700_000_000_000_000_000
SECOND = 1_000_000_000
HOST_IS_A = Binary("=", VarRef("host"), StringLiteral("a"))


def bounds(condition: str, zone: str | None = None) -> TimeRange:
    """The range of a condition that holds nothing but time."""
    rest, found = split_condition(select("v", f"WHERE {condition}").condition, NOW, zone)
    assert rest is None
    return found


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("time >= 5s", TimeRange(5 * SECOND, None)),
        ("time > 5s", TimeRange(5 * SECOND + 1, None)),
        ("time < 5000ms", TimeRange(None, 5 * SECOND - 1)),
        ("time <= 7", TimeRange(None, 7)),
        ("time = 70s", TimeRange(70 * SECOND, 70 * SECOND)),
        ("5s <= time", TimeRange(5 * SECOND, None)),
        ("time > now() - 1m AND time < now()", TimeRange(NOW - 60 * SECOND + 1, NOW - 1)),
        ("time >= now() - 1h + 2m * 5", TimeRange(NOW - 3600 * SECOND + 600 * SECOND, None)),
        ("(time >= 1s OR time >= 3s)", TimeRange(3 * SECOND, None)),
        ("time >= '1970-01-01T00:00:10.000000001Z'", TimeRange(10 * SECOND + 1, None)),
        ("time >= '1970-01-01T01:00:10+01:00'", TimeRange(10 * SECOND, None)),
        ("time < '1970-01-01 00:00:10.5'", TimeRange(None, 10 * SECOND + SECOND // 2 - 1)),
        ("time >= '1970-01-02'", TimeRange(86_400 * SECOND, None)),
        ("time >= '1970-01-02' - 1d", TimeRange(0, None)),
    ],
)
def test_bounds(condition: str, expected: TimeRange) -> None:
    """Moments, durations, epochs and arithmetic become bounds that include both ends."""
    assert bounds(condition) == expected


def test_moments_without_offset_are_in_the_zone() -> None:
    """A day without an offset starts when it does in the zone of tz(): an hour before UTC's in a Berlin winter."""
    assert bounds("time >= '1970-01-02'", "Europe/Berlin") == TimeRange(23 * 3600 * SECOND, None)


@pytest.mark.parametrize(
    ("text", "zone", "hour"),
    [
        ("2020-10-25 02:30:00", "Europe/Berlin", "2020-10-25T01:30:00Z"),
        ("2020-03-29 02:30:00", "Europe/Berlin", "2020-03-29T01:30:00Z"),
        ("2020-11-01 01:30:00", "America/New_York", "2020-11-01T05:30:00Z"),
        ("2020-03-08 02:30:00", "America/New_York", "2020-03-08T06:30:00Z"),
        ("2020-07-01 00:00:00", "Asia/Kathmandu", "2020-06-30T18:15:00Z"),
        ("2020-07-01", "", "2020-07-01T00:00:00Z"),
    ],
)
def test_hours_that_come_twice_or_never(text: str, zone: str, hour: str) -> None:
    """Where the clocks change a moment is the one that influxd 2.9.1 takes it for."""
    assert bounds(f"time = '{text}'", zone) == bounds(f"time = '{hour}'")


def test_the_first_day_of_all_is_no_fault_of_ours() -> None:
    """A moment that no zone's clocks can show is out of range, as it is in UTC."""
    with pytest.raises(QueryError, match="underflows time literal"):
        bounds("time > '0001-01-01'", "Europe/Berlin")


def test_rest_keeps_its_shape() -> None:
    """What is not about time stays, without the conditions that were."""
    condition = select("v", "WHERE (host = 'a' AND time > 0 OR b = true) AND v + 1 > 2 AND time < 9").condition
    rest, found = split_condition(condition, NOW)
    either = Paren(Binary("OR", HOST_IS_A, Binary("=", VarRef("b"), BooleanLiteral(value=True))))
    above = Binary(">", Binary("+", VarRef("v"), IntegerLiteral(1)), IntegerLiteral(2))
    assert (rest, found) == (Binary("AND", either, above), TimeRange(1, 8))


@pytest.mark.parametrize(
    ("condition", "rest"),
    [
        ("(host = 'a' AND time > 0)", "host = 'a'"),
        ("((host)) = ('a')", "host = 'a'"),
        ("host = '' + 'a'", "host = 'a'"),
        ("v > (1 + 2) * 3", "v > 9"),
        ("1 = 1 AND host = 'a'", "host = 'a'"),
        ("false OR host = 'a'", "host = 'a'"),
        ("true AND 1 > 2", "false"),
        ("v > 1 OR 'a' = 'a'", None),
        ("(time) > 5s AND host = 'a'", "host = 'a'"),
    ],
)
def test_rest_is_reduced(condition: str, rest: str | None) -> None:
    """Parentheses that hold no operator go, literals are worked out, and what is always true is no condition."""
    found, range_ = split_condition(select("v", f"WHERE {condition}").condition, NOW)
    assert found == (None if rest is None else select("v", f"WHERE {rest}").condition)
    assert range_.upper is None


def test_time_in_parentheses_bounds_a_subquery_alone() -> None:
    """InfluxDB finds out late that `(time)` is the time: outside subqueries too late to bound anything."""
    condition = select("v", "WHERE (time) > 5s").condition
    assert split_condition(condition, NOW) == (None, TimeRange())
    assert split_condition(condition, NOW, inner=True) == (None, TimeRange(5 * SECOND + 1))


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("time != 5s", "invalid time comparison operator: !="),
        ("time > '1970-01-01T00:00:10'", "invalid timestamp string"),
        ("time > '1970-13-01'", "invalid timestamp string"),
        ("time > 'soon'", "invalid operation: time and *influxql.StringLiteral are not compatible"),
        ("time > host", "invalid operation: time and *influxql.VarRef are not compatible"),
        ("host", "invalid condition expression: host"),
        ("(host)", "invalid condition expression: host"),
        ("time > ('1970-13-01')", "invalid operation: time and *influxql.StringLiteral are not compatible"),
        ("time > 2 * 1d", "invalid operation: time and *influxql.BinaryExpr are not compatible"),
        ("time > 1d + 5", "invalid operation: time and *influxql.BinaryExpr are not compatible"),
        ("time > 18446744073709551615", "invalid operation: time and *influxql.UnsignedLiteral are not compatible"),
        ("time > 1s / 0.5", "integer divide by zero"),
        ("(time) != 5", "invalid time comparison operator: !="),
        ("host = 'a' AND v > max(v)", "invalid function call in condition: max(v)"),
        ("v > abs(v, 1)", "invalid number of arguments for abs, expected 1, got 2"),
        ("v > log(v, 2)", "invalid number of arguments for log, expected 1, got 2"),
    ],
)
def test_what_is_no_bound(condition: str, message: str) -> None:
    """What cannot be a bound is an error in InfluxDB's words."""
    with pytest.raises(QueryError) as caught:
        split_condition(select("v", f"WHERE {condition}").condition, NOW)
    assert str(caught.value) == message
