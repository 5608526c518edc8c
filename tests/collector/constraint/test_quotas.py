"""Quotas: lines per second by the body, and series."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collector.constraint.line_rate import LineRate, RateSpent
from collector.constraint.series_quota import SeriesQuota
from collector.decode.contract import Arrival
from collector.pipeline import Constraint, Outcome, Pipeline
from collector.verdict import Cause
from tests.fakes.pins import ForgetfulPins
from tests.fakes.transforms import NOW_NS, stored


def taken(rate: LineRate, lines: int, now_s: float) -> bool:
    try:
        rate.take(lines, now_s)
    except RateSpent:
        return False
    return True


def test_a_rate_refuses_what_is_over_it_and_says_when_to_come_again():
    """Ten a second, twenty at once: the next ten pass a second later, as the refusal said."""
    rate = LineRate("gateway", 10, 20)
    rate.take(20, 100.0)
    with pytest.raises(RateSpent, match=r"come back in 1\.0 s") as refused:
        rate.take(10, 100.0)
    assert refused.value.retry_after_s == pytest.approx(1.0)
    assert not taken(rate, 10, 100.9)
    assert taken(rate, 10, 101.0)


def test_what_was_refused_costs_nothing():
    """A sender that tries again and again is no worse off than one that waits."""
    rate = LineRate("gateway", 10, 20)
    rate.take(20, 0.0)
    assert [taken(rate, 10, second / 10) for second in range(11)] == [False] * 10 + [True]


def test_a_body_larger_than_the_burst_passes_when_the_bucket_is_full_and_is_made_up_for():
    """Nothing is refused for ever; after it nothing passes until its lines are earned."""
    rate = LineRate("gateway", 10, 20)
    assert taken(rate, 100, 0.0)
    assert not taken(rate, 1, 8.0)
    assert taken(rate, 1, 8.1)


def test_a_clock_that_steps_back_gives_nothing_and_takes_nothing():
    """Time that did not pass fills nothing."""
    rate = LineRate("gateway", 10, 10)
    rate.take(10, 50.0)
    assert not taken(rate, 1, 20.0)
    assert taken(rate, 1, 20.1)


@given(st.lists(st.tuples(st.floats(0, 5), st.integers(0, 50)), max_size=50))
def test_the_rate_holds_over_any_span(bodies: list[tuple[float, int]]):
    """What passed is at most the burst, what was earned since, and one body that was larger than the burst."""
    rate, now_s, passed = LineRate("gateway", 10, 20), 0.0, 0
    for pause_s, lines in bodies:
        now_s += pause_s
        passed += lines if taken(rate, lines, now_s) else 0
    assert passed <= 20 + 10 * now_s + 50 - 20 + 1e-3


def sent(pipeline: Pipeline, body: bytes, quota: Constraint) -> Outcome:
    return pipeline.run(
        "line_protocol", Arrival(body, NOW_NS), bucket="telemetry", source="token:gateway", constraint=quota
    )


def test_new_series_over_the_quota_are_refused_and_known_ones_pass():
    """The reason names the token and the tag to blame; the line is counted by a cause of its own."""
    pipeline, quota = ForgetfulPins.pipeline(), Constraint(None, checks=(SeriesQuota(2),))
    body = b"m,session=a f=1.5 1\nm,session=b f=1.5 1\nm,session=c f=1.5 1\n"
    for _ in range(2):
        outcome = sent(pipeline, body, quota)
        assert stored(outcome) == b"m,session=a f=1.5 1\nm,session=b f=1.5 1\n"
        assert outcome.refused == {Cause.SERIES_QUOTA: 1}
        reason = outcome.listed[0].objection.reason
        assert 'the budget of 2 series of source "token:gateway" is spent; tag "session"' in reason


def test_each_token_has_a_quota_of_its_own():
    """What one spent, another still has."""
    pipeline = ForgetfulPins.pipeline()
    for _ in range(2):
        assert sent(pipeline, b"m,t=a f=1.5 1\n", Constraint(None, checks=(SeriesQuota(1),))).accepted == 1
