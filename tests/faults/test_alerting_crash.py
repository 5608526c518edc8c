"""The process dies at every commit of alert state and outbox in turn, before it and after it."""

import contextlib
from dataclasses import dataclass
from pathlib import Path

import pytest

from alerting.alert import Change, Level
from alerting.notify.contract import Unreachable
from tests.alerting.alarm import VIRTUAL
from tests.alerting.desk import ONCALL, Desk, change, desk, equipment
from tests.fakes.pager import Pager
from tests.fakes.power import Power, PowerCut

pytestmark = VIRTUAL

STEPS = (
    change(Change.FIRED, level=Level.WARNING),
    change(Change.RAISED, level=Level.CRITICAL),
    change(Change.RESOLVED),
    change(Change.FIRED, "Other"),
    change(Change.RESOLVED, "Other"),
)
MOST_COMMITS = 19


async def live(it: Desk, rest_s: float = 1.0) -> None:
    """Go on with the story where the file stands; a step is over when its messages had time to go out."""
    await it.settle(rest_s)
    while (told := len(await it.memory.history(len(STEPS)))) < len(STEPS):
        await it.say(STEPS[told])
        await it.settle(1)
    await it.settle(60)


@dataclass
class Away:
    """Trouble for so many attempts."""

    left: int

    async def __call__(self) -> None:
        self.left -= 1
        if self.left >= 0:
            raise Unreachable("away")


@pytest.mark.parametrize("stores_last", [True, False], ids=["after the commit", "before the commit"])
@pytest.mark.parametrize("commits", range(1, MOST_COMMITS))
async def test_death_at_every_commit_loses_and_doubles_nothing(
    tmp_path: Path, commits: int, *, stores_last: bool
) -> None:
    """Wherever the process dies, after the restart each of the two episodes is one incident, opened and closed."""
    path, pager = tmp_path / "a.sqlite", Pager()
    power = Power(commits, stores_last)
    equipped = equipment({ONCALL: pager})
    with contextlib.suppress(PowerCut):
        async with desk(path, equipped, writer=power.writer()) as it:
            await live(it)
    async with desk(path, equipped) as it:
        await live(it)
    assert pager.story() == [("Other", True), ("Slow", True)]
    assert pager.stray == []


@pytest.mark.parametrize("stores_last", [True, False], ids=["after the commit", "before the commit"])
@pytest.mark.parametrize("commits", range(1, MOST_COMMITS))
async def test_death_and_a_receiver_that_is_away_after_it_leaves_nothing_open(
    tmp_path: Path, commits: int, *, stores_last: bool
) -> None:
    """A trigger that may have arrived before the death is called off, though its alert ended before it could be sent
    again.
    """
    path, pager = tmp_path / "a.sqlite", Pager()
    power = Power(commits, stores_last)
    with contextlib.suppress(PowerCut):
        async with desk(path, equipment({ONCALL: pager}), writer=power.writer()) as it:
            await live(it)
    pager.trouble = Away(8)
    async with desk(path, equipment({ONCALL: pager})) as it:
        await live(it, rest_s=0.0)
    assert pager.is_open() == []


async def test_the_story_ends_within_the_commits_tried(tmp_path: Path) -> None:
    """The number of commits tried above covers the whole story."""
    power = Power(MOST_COMMITS, stores_last=False)
    async with desk(tmp_path / "a.sqlite", equipment({ONCALL: Pager()}), writer=power.writer()) as it:
        await live(it)
        assert power.left > 0
