"""What a query proves about its values: no value that can come is left out, and counts are told apart from sums."""

from __future__ import annotations

import operator
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alerting.rules.ranges import Range, range_of
from alerting.rules.recipe import Combination
from alerting.rules.rule import Burn, Comparison, Rule
from alerting.rules.threshold import OPERATORS, Threshold

MINUTE = timedelta(minutes=1)
ANY = Range()
_SIGNS = {"+": operator.add, "-": operator.sub, "*": operator.mul}


def ruled(query: str, **more: object) -> Rule:
    return Rule(alert="A", query=query, over=MINUTE, warn="> 1", **more)  # type: ignore[arg-type]  # keywords of Rule


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("SELECT count(x) FROM m", Range(1, is_whole=True)),
        ("SELECT COUNT(x) FROM m GROUP BY host", Range(1, is_whole=True)),
        ("SELECT count(x) FROM (SELECT mean(y) AS x FROM m GROUP BY host)", Range(0, is_whole=True)),
        ("SELECT count(x) + 0 FROM m", Range(0, is_whole=True)),
        ("SELECT count(x) - 5 FROM m", Range(-5, is_whole=True)),
        ("SELECT count(x) / 5 FROM m", Range(0)),
        ("SELECT 2.5 * count(x) FROM m", Range(0)),
        ("SELECT sum(x) FROM m", ANY),
        ("SELECT mean(x) FROM m", ANY),
        ("SELECT abs(mean(x)) FROM m", Range(0)),
        ("SELECT spread(x) FROM m", Range(0)),
        ("SELECT sum(x) / count(x) FROM m", ANY),
        ("SELECT count(x) % 5 FROM m", ANY),
    ],
)
def test_a_query_proves_what_its_value_can_be(query: str, found: Range):
    """A count of points is a whole number from 1 on, for no points are no value; nothing is proven of a sum."""
    assert range_of(ruled(query)) == found


def test_what_is_made_of_two_answers_is_proven_from_both():
    """Shares of counts are 0 or more, a fall against before is 100 percent at most; of sums nothing is known."""
    counts, sums = "SELECT count(x) FROM m", "SELECT sum(x) FROM m"
    week = timedelta(weeks=1)
    assert range_of(ruled(counts, divided_by=counts)) == Range(0)
    assert range_of(ruled(sums, divided_by=counts)) == ANY
    assert range_of(ruled(counts, compare=Comparison(to=week, as_=Combination.PERCENT))) == Range(-100)
    assert range_of(ruled(counts, compare=Comparison(to=week, as_=Combination.DIFFERENCE))) == Range(is_whole=True)
    assert range_of(ruled(sums, compare=Comparison(to=week, as_=Combination.PERCENT))) == ANY
    burn = Burn(objective=99.9, short=timedelta(seconds=10))
    assert range_of(ruled(counts, divided_by=counts, burn=burn)) == Range(0)


@st.composite
def counted(draw: st.DrawFn, depth: int = 3) -> tuple[str, float]:
    """An expression over counts and numbers, and its value for counts that were drawn."""
    kind = draw(st.sampled_from(["count", "whole", "number", "joint"] if depth else ["count", "whole", "number"]))
    if kind == "joint":
        sign = draw(st.sampled_from(sorted(_SIGNS)))
        (left, one), (right, two) = draw(counted(depth - 1)), draw(counted(depth - 1))
        return f"({left} {sign} {right})", _SIGNS[sign](one, two)
    if kind == "count":
        return "count(x)", float(draw(st.integers(0, 50)))
    number = draw(st.integers(0, 50)) if kind == "whole" else draw(st.integers(0, 200)) / 4
    return (str(number) if kind == "whole" else f"{number:.2f}"), float(number)


@given(counted(), st.sampled_from(sorted(OPERATORS)), st.integers(-100, 400).map(lambda number: number / 4))
def test_no_value_that_can_come_is_left_out(made: tuple[str, float], sign: str, bound: float):
    """Whatever is counted: its value is in the range, and a threshold that it reaches is never called out of reach."""
    text, value = made
    found = range_of(ruled(f"SELECT {text} + 7 * count(y) FROM m"))  # noqa: S608 - InfluxQL of a rule, parsed only
    value += 7 * 3
    threshold = Threshold(sign, bound)
    assert found.low <= value <= found.high
    assert not found.is_whole or value == int(value)
    assert found.reaches(threshold) or not threshold.holds(value)
    assert threshold.holds(value) or not found.is_within(threshold)


@given(st.integers(-20, 20), st.integers(0, 20), st.sampled_from(sorted(OPERATORS)), st.integers(-50, 50))
def test_reach_is_what_trying_every_value_says(low: int, span: int, sign: str, half: int):
    """Over whole numbers both questions have the answer of trying them all."""
    threshold = Threshold(sign, half / 2)
    found = Range(low, low + span, is_whole=True)
    tried = [threshold.holds(float(value)) for value in range(low, low + span + 1)]
    assert found.reaches(threshold) == any(tried)
    assert found.is_within(threshold) == all(tried)
