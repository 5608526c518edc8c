"""A rule's query: one value, no bounds of time; bounds are put in, values are taken out."""

from datetime import UTC, datetime, timedelta

import pytest

from alerting.rules.query import AnswerUnfit, Question, bound, group_keys, read_query, values_of
from store.contract import Series, StatementResult, Value

AT = datetime(2026, 1, 1, tzinfo=UTC)
AT_NS = 1_767_225_600_000_000_000
FROM_NS = AT_NS - 60_000_000_000


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("SELECT mean(a), max(a) FROM m", "selects 2 columns; a rule needs exactly one value"),
        ("SELECT * FROM m", "wildcard"),
        ("SELECT mean(*) FROM m", "wildcard"),
        ("SELECT mean(/a/) FROM m", "regex"),
        ("SELECT top(a, host, 3) FROM m", "adds a column"),
        ("SELECT mean(a) FROM m WHERE time > now() - 1h", "bounds time itself"),
        ("SELECT mean(a) FROM m WHERE host = 'a' OR (time < 5)", "bounds time itself"),
        ("SELECT mean(a) FROM (SELECT max(a) AS a FROM m WHERE time > 0 GROUP BY host)", "bounds time itself"),
        ("SELECT mean(a) FROM m GROUP BY time(1m)", r"GROUP BY time\(\) is not allowed"),
        ("SELECT mean(a) FROM m; SELECT mean(b) FROM m", "exactly one SELECT"),
        ("SHOW MEASUREMENTS", "exactly one SELECT"),
        ("", "exactly one SELECT"),
    ],
)
def test_refused(text: str, told: str):
    """What gives no single value a series, or bounds time itself, is refused."""
    with pytest.raises(ValueError, match=told):
        read_query(text)


LIMITS = f"time > {FROM_NS} AND time <= {AT_NS}"


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("SELECT mean(a) FROM m", "SELECT mean(a) FROM m WHERE LIMITS"),
        ("SELECT mean(a) FROM m GROUP BY host", "SELECT mean(a) FROM m WHERE LIMITS GROUP BY host"),
        (
            "SELECT sum(e) / count(e) FROM m WHERE host = 'a' OR host =~ /b/",
            "SELECT sum(e) / count(e) FROM m WHERE (host = 'a' OR host =~ /b/) AND LIMITS",
        ),
        (
            "SELECT mean(s) FROM (SELECT sum(a) AS s FROM m WHERE x = 'y' GROUP BY host)",
            "SELECT mean(s) FROM (SELECT sum(a) AS s FROM m WHERE x = 'y' GROUP BY host) WHERE LIMITS",
        ),
        (
            "SELECT mean(a) FROM m WHERE n = '2222222222222222222'",
            "SELECT mean(a) FROM m WHERE (n = '2222222222222222222') AND LIMITS",
        ),
        (
            "SELECT mean(a) FROM m ORDER BY time DESC LIMIT 1",
            "SELECT mean(a) FROM m WHERE LIMITS ORDER BY time DESC LIMIT 1",
        ),
    ],
)
def test_bounds(text: str, asked: str):
    """The window (t - over, t] stands behind the rule's own condition, outermost, in nanoseconds."""
    question = Question(bound(read_query(text)), "telemetry", timedelta(minutes=1), timedelta(seconds=10))
    assert question.text(AT) == asked.replace("LIMITS", LIMITS)


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        ("SELECT mean(a) FROM m", ()),
        ("SELECT mean(a) FROM m GROUP BY host, region", ("host", "region")),
        ("SELECT mean(a) FROM m GROUP BY *", None),
        ("SELECT mean(a) FROM m GROUP BY /h/", None),
    ],
)
def test_group_keys(text: str, keys: tuple[str, ...] | None):
    """The tags of GROUP BY are known before any data is, unless the data decides."""
    assert group_keys(read_query(text)) == keys


def answer(*rows: list[Value], **tags: str) -> StatementResult:
    return StatementResult(0, (Series("m", ("time", "mean"), list(rows), tags),))


@pytest.mark.parametrize(
    ("rows", "value"),
    [
        ([[1, 2.5]], 2.5),
        ([[1, 7]], 7.0),
        ([[1, True]], 1.0),
        ([[1, None]], None),
        ([[1, float("nan")]], None),
        ([], None),
        ([[1, 1.0], [2, 2.0]], 2.0),
        ([[2, 2.0], [1, 1.0]], 2.0),
    ],
)
def test_value(rows: list[list[Value]], value: float | None):
    """The newest row counts, a boolean is 0 or 1, null and NaN are no value."""
    assert values_of([answer(*rows, host="a")]) == {(("host", "a"),): value}


def test_an_empty_tag_is_no_label():
    """A series without the tag is the series without the label."""
    assert values_of([answer([1, 2.0], host="")]) == {(): 2.0}


@pytest.mark.parametrize(
    ("results", "told"),
    [
        ([StatementResult(0, error="undefined function nosuch()")], "undefined function"),
        ([answer([1, "text"])], "mean is text"),
        ([answer([1, 1.0], host="a"), answer([1, 2.0], host="a")], "two series with host=a"),
        ([StatementResult(0, (Series("m", ("time", "a", "b"), [[1, 2, 3]]),))], "time, a, b"),
    ],
)
def test_unfit(results: list[StatementResult], told: str):
    """An error in the answer, a text, or series that cannot be told apart fail the evaluation; nothing is guessed."""
    with pytest.raises(AnswerUnfit, match=told):
        values_of(results)
