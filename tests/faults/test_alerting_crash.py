"""The process dies at every commit of alert state and outbox in turn, before it and after it."""

import contextlib
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import pytest

from alerting.alert import Change, Level
from alerting.notify.contract import Message, Status, Unreachable
from tests.alerting.desk import ONCALL, Desk, change, desk, equipment
from tests.fakes.writer import InlineWriter

pytestmark = pytest.mark.looptime

T = TypeVar("T")
STEPS = (
    change(Change.FIRED, level=Level.WARNING),
    change(Change.RAISED, level=Level.CRITICAL),
    change(Change.RESOLVED),
    change(Change.FIRED, "Other"),
    change(Change.RESOLVED, "Other"),
)
MOST_COMMITS = 40


class PowerCut(Exception):
    """The process is dead: this and everything after it does not happen."""


@dataclass(eq=False)
class Power:
    """Lasts for `left` transactions; the last one is stored or not, its answer is lost in either case."""

    left: int
    stores_last: bool

    def writer(self) -> Callable[..., InlineWriter]:
        power = self

        class Dying(InlineWriter):
            async def run(self, job: Callable[[sqlite3.Connection], T]) -> T:
                power.left -= 1
                if power.left > 0:
                    return await super().run(job)
                if power.left == 0 and power.stores_last:
                    await super().run(job)
                raise PowerCut

        return Dying


@dataclass(eq=False)
class Pager:
    """Keeps incidents by dedup key as PagerDuty does, over restarts of the sender."""

    away: int = 0
    opened: dict[str, bool] = field(default_factory=dict)
    stray: list[str] = field(default_factory=list)

    async def send(self, message: Message, *, now: datetime) -> None:
        del now
        if self.away:
            self.away -= 1
            raise Unreachable("away")
        if message.status is Status.FIRING:
            assert self.opened.get(message.incident, True), "a closed incident was opened again"
            self.opened[message.incident] = True
        elif message.incident in self.opened:
            self.opened[message.incident] = False
        else:
            self.stray.append(message.incident)

    async def close(self) -> None:
        pass


async def live(it: Desk, rest_s: float = 1.0) -> None:
    """Go on with the story where the file stands; a step is over when its messages had time to go out."""
    await it.settle(rest_s)
    while (told := len(await it.memory.history(len(STEPS)))) < len(STEPS):
        await it.say(STEPS[told])
        await it.settle(1)
    await it.settle(60)


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
    assert list(pager.opened.values()) == [False, False]
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
    pager.away = 8
    async with desk(path, equipment({ONCALL: pager})) as it:
        await live(it, rest_s=0.0)
    assert True not in pager.opened.values()


async def test_the_story_ends_within_the_commits_tried(tmp_path: Path) -> None:
    """The number of commits tried above covers the whole story."""
    power = Power(MOST_COMMITS, stores_last=False)
    async with desk(tmp_path / "a.sqlite", equipment({ONCALL: Pager()}), writer=power.writer()) as it:
        await live(it)
        assert power.left > 0
