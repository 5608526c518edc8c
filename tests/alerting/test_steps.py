"""Steps of the clock: what is one, and for how long windows are in doubt after it."""

from datetime import UTC, datetime, timedelta

import pytest

from alerting.steps import Steps

START = datetime(2026, 1, 1, 12, tzinfo=UTC)
HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
NONE = timedelta(0)


def test_time_that_passes_is_no_step() -> None:
    """Nor is a clock that a time server lets go faster by half a thousandth, however long that takes."""
    steps = Steps(START, 100.0)
    for number in range(1, 1000):
        assert steps.notice(START + number * 5.0025 * SECOND, 100.0 + number * 5) == NONE


@pytest.mark.parametrize("by", [HOUR, -HOUR, 2 * SECOND])
def test_a_step_is_noticed_once(by: timedelta) -> None:
    """By how much, and whether an evaluation began before it, also where nobody has noticed it yet."""
    steps, now = Steps(START, 100.0), START + 5 * SECOND + by
    assert steps.came_since(103.0, now, 105.0)
    assert steps.notice(now, 105.0) == by
    assert steps.notice(now, 105.0) == NONE
    assert steps.came_since(103.0, now, 105.0)
    assert not steps.came_since(105.0, now, 105.0)


@pytest.mark.parametrize(
    ("by", "over", "lasts"),
    [
        (HOUR, 5 * MINUTE, 5 * MINUTE),
        (HOUR, 24 * HOUR, HOUR),
        (2 * SECOND, 5 * MINUTE, 2 * SECOND),
        (-HOUR, 5 * MINUTE, 65 * MINUTE),
        (-HOUR, 24 * HOUR, 2 * HOUR),
        (-8760 * HOUR, 5 * MINUTE, 24 * HOUR + 5 * MINUTE),
    ],
)
def test_windows_are_in_doubt_for_a_while(by: timedelta, over: timedelta, lasts: timedelta) -> None:
    """Forward: until the window has grown over the step. Back: until the time that is lived twice is behind it."""
    steps = Steps(START, 0.0)
    assert not steps.blur(over, START)
    steps.notice(START + by, 0.0)
    assert steps.blur(over, START + by)
    assert steps.blur(over, START + by + lasts - SECOND)
    assert not steps.blur(over, START + by + lasts)
