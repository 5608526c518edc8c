"""The process dies at every commit while alerts are silenced, inhibited, and passed on to a fallback."""

import contextlib
from datetime import timedelta
from pathlib import Path

import pytest

from alerting.alert import Change
from alerting.dispatcher import Equipment
from alerting.fallback import Fallback
from alerting.lane import ChannelKey
from alerting.memory.contract import Outcome
from alerting.muting.inhibition import InhibitRule
from alerting.muting.silence import Silence, draw_up
from alerting.notify.contract import Status, Unreachable
from alerting.routing.matchers import parse
from alerting.routing.tree import Node
from tests.alerting.alarm import VIRTUAL
from tests.alerting.desk import ONCALL, Desk, change, desk
from tests.fakes.loop_clock import LoopClock
from tests.fakes.pager import Pager
from tests.fakes.power import Power, PowerCut

pytestmark = VIRTUAL

MAIL = ChannelKey("mail", "email[0]")
MOST_COMMITS, MOST_COMMITS_AWAY = 24, 88
SILENCED_S, FALLBACK_S = 100, 60
INHIBIT = InhibitRule(source=parse("alertname=Down"), target=parse("alertname=Slow"))


async def away() -> None:
    """The trouble of a pager that takes nothing."""
    raise Unreachable("away")


def equipped(pager: Pager, mail: Pager) -> Equipment:
    return Equipment(
        tree=Node(receiver="oncall", group_by=("alertname",)),
        receivers=frozenset({"oncall", "mail"}),
        fallbacks={"oncall": Fallback("mail", timedelta(seconds=FALLBACK_S))},
        inhibit_rules=(INHIBIT,),
        notifiers={ONCALL: pager, MAIL: mail},
    )


def silence(it: Desk) -> Silence:
    now = it.clock.now()
    ends_at = now + timedelta(seconds=SILENCED_S)
    words = {"author": "ann", "comment": "moving house"}
    return draw_up("s1", ["alertname=Quiet"], starts_at=now, ends_at=ends_at, now=now, **words)


async def live(it: Desk, acknowledged: list[Silence]) -> None:
    """Go on with the story where the file stands: what was stored is not told again."""
    story = (("Quiet", Change.FIRED), ("Down", Change.FIRED), ("Slow", Change.FIRED), ("Down", Change.RESOLVED))
    if not it.dispatcher.silences():
        one = silence(it)
        await it.dispatcher.silence(one)
        acknowledged.append(one)
    for name, kind in story[len(await it.memory.history(100)) :]:
        await it.say(change(kind, name))
        await it.settle(5)
    await it.settle(2 * SILENCED_S)
    for name in ("Quiet", "Slow")[max(len(await it.memory.history(100)) - len(story), 0) :]:
        await it.say(change(Change.RESOLVED, name))
        await it.settle(5)
    await it.settle(120)


@pytest.mark.parametrize("stores_last", [True, False], ids=["after the commit", "before the commit"])
@pytest.mark.parametrize("commits", range(1, MOST_COMMITS))
async def test_death_at_every_commit_breaks_no_mute(tmp_path: Path, commits: int, *, stores_last: bool) -> None:
    """An acknowledged silence stays in force, what was muted is told when the mute is over, each incident once, and
    everything that was told is called off.
    """
    path, pager, acknowledged = tmp_path / "a.sqlite", Pager(), list[Silence]()
    power, clock = Power(commits, stores_last), LoopClock()
    with contextlib.suppress(PowerCut):
        async with desk(path, equipped(pager, Pager()), writer=power.writer(), clock=clock) as it:
            await live(it, acknowledged)
    async with desk(path, equipped(pager, Pager()), clock=clock) as it:
        if acknowledged:
            assert it.dispatcher.silences() == tuple(acknowledged)
        await live(it, acknowledged)
        assert await it.memory.count(Outcome.PENDING) == 0
        (kept,) = it.dispatcher.silences()
    assert pager.story() == [("Down", True), ("Quiet", True), ("Slow", True)]
    assert pager.stray == []
    assert all(at >= kept.ends_at for at, status in pager.told("Quiet"))


@pytest.mark.parametrize("stores_last", [True, False], ids=["after the commit", "before the commit"])
@pytest.mark.parametrize("commits", range(1, MOST_COMMITS_AWAY, 8))
async def test_death_while_a_fallback_is_told(tmp_path: Path, commits: int, *, stores_last: bool) -> None:
    """With a pager that takes nothing, circuit open, the fallback hears of each incident once, and of its end."""
    path, pager, mail = tmp_path / "a.sqlite", Pager(away), Pager()
    power, clock = Power(commits, stores_last), LoopClock()
    with contextlib.suppress(PowerCut):
        async with desk(path, equipped(pager, mail), writer=power.writer(), clock=clock) as it:
            await live(it, [])
    async with desk(path, equipped(pager, mail), clock=clock) as it:
        await live(it, [])
        waiting = await it.memory.notifications(Outcome.PENDING)
        assert {(row.message.receiver, row.message.status) for row in waiting} <= {("oncall", Status.RESOLVED)}
    assert mail.stray == []
    assert all(is_over for _, is_over in mail.story())
    assert {"Quiet", "Slow"} <= {name for name, _ in mail.story()}
    assert len(mail.story()) <= 3


@pytest.mark.parametrize(("is_away", "most"), [(False, MOST_COMMITS), (True, MOST_COMMITS_AWAY)])
async def test_the_story_ends_within_the_commits_tried(tmp_path: Path, *, is_away: bool, most: int) -> None:
    """The number of commits tried above covers the whole story."""
    power = Power(most, stores_last=False)
    async with desk(
        tmp_path / "a.sqlite", equipped(Pager(away if is_away else None), Pager()), writer=power.writer()
    ) as it:
        await live(it, [])
        assert power.left > 0
