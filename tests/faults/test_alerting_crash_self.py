"""The process dies at every commit while a notifier fails, people hear of that, and it comes back."""

import contextlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alerting.alert import NOTIFICATIONS_FAILING
from alerting.lane import ChannelKey
from alerting.memory.contract import Outcome
from alerting.notify.contract import Unreachable
from tests.alerting.alarm import VIRTUAL, Alarm, a_rule, alarm
from tests.alerting.desk import ONCALL, PACE, equipment
from tests.fakes.loop_clock import LoopClock
from tests.fakes.pager import Pager
from tests.fakes.power import Power, PowerCut
from tests.fakes.reader import FakeReader

pytestmark = VIRTUAL

START = datetime(2026, 1, 1, tzinfo=UTC)
SLACK = ChannelKey("oncall", "slack[0]")
BACK_AT, WELL_AT, OVER_AT = (START + timedelta(seconds=seconds) for seconds in (60, 150, 190))
MOST_COMMITS = 37
WORLD = FakeReader(lambda at: {"a": 95.0 if at < WELL_AT else 5.0})


async def live(path: Path, clock: LoopClock, pager: Pager, slack: Pager, power: Power | None = None) -> Alarm:
    """The story from where the file stands to its end, or until the power fails."""

    async def away() -> None:
        if clock.now() < BACK_AT:
            raise Unreachable("away")

    pager.trouble = away
    writer = {} if power is None else {"writer": power.writer()}
    equipped = equipment({ONCALL: pager, SLACK: slack})
    async with alarm(path, [a_rule()], WORLD, equipped, clock=clock, pace=PACE, **writer) as it:
        while clock.now() < OVER_AT:
            await it.desk.settle(1, turns=10)
            _ = await it.desk.memory.count(Outcome.PENDING)
        assert await it.desk.memory.count(Outcome.PENDING) == 0
        return it


@pytest.mark.parametrize("stores_last", [True, False], ids=["after the commit", "before the commit"])
@pytest.mark.parametrize("commits", range(1, MOST_COMMITS))
async def test_death_at_every_commit_tells_once_of_a_notifier_that_fails(
    tmp_path: Path, commits: int, *, stores_last: bool
) -> None:
    """Whoever heard that one fails hears that it works again, under the same incident; it never hears of itself; and
    what it could not take it takes when it is back.
    """
    path, pager, slack, clock = tmp_path / "a.sqlite", Pager(), Pager(), LoopClock(START)
    with contextlib.suppress(PowerCut):
        _ = await live(path, clock, pager, slack, Power(commits, stores_last))
    it = await live(path, clock, pager, slack)
    assert it.reach.active == ()
    assert pager.story() == [("Hot", True)]
    assert slack.story() == [("Hot", True), (NOTIFICATIONS_FAILING, True)]
    assert (pager.stray, slack.stray) == ([], [])


async def test_the_story_ends_within_the_commits_tried(tmp_path: Path) -> None:
    """The number of commits tried above covers the whole story."""
    power = Power(MOST_COMMITS, stores_last=False)
    _ = await live(tmp_path / "a.sqlite", LoopClock(START), Pager(), Pager(), power)
    assert power.left > 0
