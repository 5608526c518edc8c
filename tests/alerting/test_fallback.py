"""Circuits and fallbacks over the whole sending half: a real SQLite file, fake notifiers, virtual time."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from alerting.alert import Change
from alerting.dispatcher import Equipment
from alerting.fallback import Fallback
from alerting.lane import OPENS_AT, ChannelKey
from alerting.notify.contract import Notifier, Refusal, Unreachable
from alerting.routing.tree import Node
from tests.alerting.desk import ONCALL, Desk, change, desk, equipment
from tests.fakes.loop_clock import LoopClock
from tests.fakes.notifier import FakeNotifier
from tests.fakes.pager import Pager
from tests.fakes.reader import dawdle

pytestmark = pytest.mark.looptime

MAIL = ChannelKey("mail", "email[0]")
SLACK = ChannelKey("oncall", "slack[0]")
AWAY = Unreachable("away")


def falling_back(notifiers: Mapping[ChannelKey, Notifier], *, after_s: float = 60) -> Equipment:
    return Equipment(
        tree=Node(receiver="oncall", group_by=("alertname",)),
        receivers=frozenset({"oncall", "mail"}),
        fallbacks={"oncall": Fallback("mail", timedelta(seconds=after_s))},
        notifiers=notifiers,
    )


def open_circuit(it: Desk) -> float:
    labels = {"receiver": ONCALL.receiver, "notifier": ONCALL.notifier}
    return it.registry.get_sample_value("tocsin_alerting_circuit_open", labels) or 0.0


async def test_the_fallback_is_told_when_nobody_took_the_message(tmp_path: Path) -> None:
    """After its time, once, saying for whom it was meant and what went wrong; and of the end, too."""
    pager, mail = FakeNotifier(), FakeNotifier()
    pager.faults = [AWAY] * 1000
    async with desk(tmp_path / "a.sqlite", falling_back({ONCALL: pager, MAIL: mail})) as it:
        await it.say(change(Change.FIRED))
        await it.settle(50)
        assert mail.told == []
        await it.settle(20)
        assert mail.told == [("firing", "Slow fired")]
        note = mail.sent[0][1].note
        assert note.startswith("oncall could not be told for 1m")
        assert note.endswith(": away")
        await it.settle(300)
        assert len(mail.told) == 1
        await it.say(change(Change.RESOLVED))
        await it.settle(10)
        assert mail.told == [("firing", "Slow fired"), ("resolved", "Slow resolved")]
        assert len({message.incident for _, message in mail.sent}) == 1
        assert it.count("tocsin_alerting_passed_on_total", receiver="oncall", fallback="mail") == 1


async def test_news_of_the_incident_does_not_put_the_fallback_off(tmp_path: Path) -> None:
    """Its time runs from when nobody was told for the first time, though newer messages take the place of older ones,
    and one of them is always on its way.
    """
    pager, mail = Pager(trouble=lambda: dawdle(1000)), FakeNotifier()
    async with desk(tmp_path / "a.sqlite", falling_back({ONCALL: pager, MAIL: mail}, after_s=300)) as it:
        for number in range(7):
            await it.say(change(Change.FIRED, endpoint=f"/{number}"))
            await it.settle(40)
        assert mail.told == []
        await it.settle(30)
        assert [message.note.partition(":")[0] for _, message in mail.sent] == ["oncall could not be told for 5m"]


@pytest.mark.parametrize("step", [timedelta(hours=1), timedelta(hours=-1)], ids=["forward", "back"])
async def test_the_fallback_s_time_is_no_time_of_day(tmp_path: Path, step: timedelta) -> None:
    """A clock that is set makes it neither sooner nor later."""
    pager, mail = FakeNotifier(faults=[AWAY] * 1000), FakeNotifier()
    clock = LoopClock()
    async with desk(tmp_path / "a.sqlite", falling_back({ONCALL: pager, MAIL: mail}), clock=clock) as it:
        await it.say(change(Change.FIRED))
        await it.settle(20)
        clock.step(step)
        await it.settle(35)
        assert mail.told == []
        await it.settle(15)
        assert mail.told == [("firing", "Slow fired")]


async def test_a_refusal_is_passed_on_at_once(tmp_path: Path) -> None:
    """What will never be taken is not waited for."""
    pager, mail = FakeNotifier(), FakeNotifier()
    pager.faults = [Refusal("wrong key")]
    async with desk(tmp_path / "a.sqlite", falling_back({ONCALL: pager, MAIL: mail})) as it:
        await it.say(change(Change.FIRED))
        await it.settle(10)
        assert mail.told == [("firing", "Slow fired")]
        assert "wrong key" in mail.sent[0][1].note


async def test_who_was_reached_another_way_was_reached(tmp_path: Path) -> None:
    """While Slack fails and the pager has the message, nobody else is told; nor of an incident that is over."""
    pager, slack, mail = FakeNotifier(), FakeNotifier(), FakeNotifier()
    slack.faults = [AWAY] * 1000
    async with desk(tmp_path / "a.sqlite", falling_back({ONCALL: pager, SLACK: slack, MAIL: mail})) as it:
        await it.say(change(Change.FIRED))
        await it.settle(300)
        assert pager.told == [("firing", "Slow fired")]
        assert mail.tried == []
        await it.say(change(Change.RESOLVED))
        await it.settle(300)
        assert mail.tried == []


async def test_the_fallback_of_an_incident_outlives_a_restart(tmp_path: Path) -> None:
    """What waited before is passed on after the start, and what was passed on before is not again."""
    path = tmp_path / "a.sqlite"
    pager, mail = FakeNotifier(), FakeNotifier()
    pager.faults = [AWAY] * 1000
    equipped = falling_back({ONCALL: pager, MAIL: mail})
    async with desk(path, equipped) as it:
        await it.say(change(Change.FIRED))
        await it.settle(30)
    async with desk(path, equipped) as it:
        await it.settle(90)
        assert mail.told == [("firing", "Slow fired")]
    async with desk(path, equipped) as it:
        await it.settle(90)
        assert len(mail.told) == 1


async def test_an_open_circuit_tries_one_message_at_a_time(tmp_path: Path) -> None:
    """After five failures in a row few attempts are made however much waits; when it answers, all goes, once."""
    pager = FakeNotifier()
    pager.faults = [AWAY] * 1000
    async with desk(tmp_path / "a.sqlite", equipment({ONCALL: pager})) as it:
        await it.say(*(change(Change.FIRED, f"Rule{number}") for number in range(100)))
        await it.settle(60)
        assert open_circuit(it) == 1
        tried = len(pager.tried)
        await it.settle(80)
        assert OPENS_AT <= len(pager.tried) - tried <= 20
        pager.faults = []
        await it.settle(20)
        assert sorted(summary for _, summary in pager.told) == sorted(f"Rule{number} fired" for number in range(100))
        assert open_circuit(it) == 0
