"""The process dies at every commit while somebody takes an incident, it gets worse, is taken again and ends."""

import contextlib
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from alerting.alert import Change, Level
from alerting.dispatcher import Equipment
from alerting.memory.contract import Outcome
from alerting.notify.contract import Message, Status
from alerting.notify.pagerduty import actions
from alerting.notify.plugin import Manner
from alerting.routing.tree import Node, Timers
from tests.alerting.alarm import VIRTUAL
from tests.alerting.desk import ONCALL, Desk, change, desk, equipment
from tests.fakes.loop_clock import LoopClock
from tests.fakes.power import Power, PowerCut

pytestmark = VIRTUAL

SLOW = change(Change.FIRED).alert.fingerprint
MOST_COMMITS = 22
REPEAT_S = 60


@dataclass(eq=False)
class Pager:
    """Keeps incidents as PagerDuty does, over restarts of the sender: pages when one opens, and while it is
    acknowledged nobody.

    `pages` are the severities with which people were paged.
    """

    opened: str = ""
    acknowledged: bool = False
    pages: list[str] = field(default_factory=list)
    log: list[str] = field(default_factory=list)

    async def send(self, message: Message, *, now: datetime) -> str:
        del now
        for action in actions(message):
            self._take(action, message)
        return actions(message)[-1]

    def _take(self, action: str, message: Message) -> None:
        self.log.append(f"{action} {message.why}")
        if action == "trigger" and not self.opened:
            self.opened, self.acknowledged = message.incident, False
            self.pages.append(message.severity)
        elif action == "resolve" and self.opened == message.incident:
            self.opened = ""
        elif action == "acknowledge":
            assert self.opened == message.incident, "acknowledged where nothing is open"
            self.acknowledged = True
            assert message.status is Status.FIRING

    async def close(self) -> None:
        pass


def equipped(pager: Pager) -> Equipment:
    timers = Timers(repeat=timedelta(seconds=REPEAT_S))
    tree = Node(receiver="oncall", group_by=("alertname",), timers=timers)
    return replace(equipment({ONCALL: pager}, tree), manners={ONCALL: Manner.HOLDS})


async def live(it: Desk) -> None:
    """Go on with the story where the file stands: what was stored is not done again."""
    await it.settle(1)
    story = ("fired", "acknowledged", "raised", "released", "acknowledged", "resolved")
    while (done := [entry.change for entry in reversed(await it.memory.history(100))]) != list(story):
        assert done == list(story[: len(done)])
        step = story[len(done)]
        await it.settle(REPEAT_S if step == "resolved" else 5)
        if step == "acknowledged":
            await it.dispatcher.acknowledge([SLOW], author="ann", comment="on it")
        else:
            level = Level.WARNING if step == "fired" else Level.CRITICAL
            await it.say(change(Change(step), level=level))
    await it.settle(5)


@pytest.mark.parametrize("stores_last", [True, False], ids=["after the commit", "before the commit"])
@pytest.mark.parametrize("commits", range(1, MOST_COMMITS))
async def test_death_at_every_commit_pages_once_for_what_is_worse(
    tmp_path: Path, commits: int, *, stores_last: bool
) -> None:
    """People are paged once for the warning and once for the rise that ended the first acknowledgement; what somebody
    has is not reminded of; nothing stays open, and who had it is forgotten with it.
    """
    path, pager, clock = tmp_path / "a.sqlite", Pager(), LoopClock()
    power = Power(commits, stores_last)
    with contextlib.suppress(PowerCut):
        async with desk(path, equipped(pager), writer=power.writer(), clock=clock) as it:
            await live(it)
    async with desk(path, equipped(pager), clock=clock) as it:
        await live(it)
        assert await it.memory.acknowledgements() == []
        assert await it.memory.count(Outcome.PENDING) == 0
        spared = [row for row in await it.memory.notifications(Outcome.SUPPRESSED) if row.reason == "acknowledged"]
    assert pager.pages == ["warning", "critical"], pager.log
    assert (pager.opened, pager.log[-1]) == ("", "resolve all-resolved")
    assert "trigger repeat" not in pager.log
    assert spared


async def test_the_story_ends_within_the_commits_tried(tmp_path: Path) -> None:
    """The number of commits tried above covers the whole story."""
    power = Power(MOST_COMMITS, stores_last=False)
    async with desk(tmp_path / "a.sqlite", equipped(Pager()), writer=power.writer()) as it:
        await live(it)
        assert power.left > 0
