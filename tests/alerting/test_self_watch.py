"""Alerts about notifiers that fail, over the whole sending half: a real SQLite file, fake notifiers, virtual time."""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from alerting.alert import NOTIFICATIONS_FAILING, Change, State, labels_of
from alerting.dispatcher import Equipment
from alerting.fallback import Fallback
from alerting.lane import ChannelKey
from alerting.memory.contract import Outcome
from alerting.metrics import DispatchMetrics
from alerting.notify.contract import Refusal, Unreachable
from alerting.reach import Reach
from alerting.routing.matchers import parse
from alerting.routing.tree import Node
from alerting.self_watch import SelfWatch
from tests.alerting.desk import ONCALL, Desk, change, desk, equipment
from tests.fakes.loop_clock import LoopClock
from tests.fakes.notifier import FakeNotifier
from tests.fakes.writer import InlineWriter

pytestmark = pytest.mark.looptime

MAIL = ChannelKey("mail", "email[0]")
SLACK = ChannelKey("oncall", "slack[0]")
OPS = ChannelKey("ops", "email[0]")
AWAY = Unreachable("away")
SUBJECT = {"alertname": NOTIFICATIONS_FAILING, "receiver": ONCALL.receiver, "notifier": ONCALL.notifier}


@contextlib.asynccontextmanager
async def watched(path: Path, equipped: Equipment) -> AsyncIterator[Desk]:
    """A desk whose notifiers are looked after, going on with what the file holds about them."""
    async with desk(path, equipped) as it:
        kept = [one.alert for one in await it.memory.alerts() if one.alert.rule == Reach.RULE]
        metrics = DispatchMetrics(CollectorRegistry())
        watch = SelfWatch(Reach(kept), it.sender.health, recorder=it.dispatcher, clock=it.clock, metrics=metrics)
        task = asyncio.create_task(watch.run())
        try:
            yield it
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


async def about_notifiers(it: Desk) -> list[tuple[str, str, str]]:
    """(notifier, change, severity) of what was found about notifiers, oldest first."""
    found = await it.memory.history(100, rule=NOTIFICATIONS_FAILING)
    return [(dict(one.labels)["notifier"], one.change, one.severity) for one in reversed(found)]


def told_of(notifier: FakeNotifier) -> list[str]:
    """The status of each message about notifiers that it took."""
    return [
        message.status.value
        for _, message in notifier.sent
        if message.group_labels.get("alertname") == NOTIFICATIONS_FAILING
    ]


async def test_the_other_notifier_of_the_receiver_hears_that_one_fails(tmp_path: Path) -> None:
    """A warning, as long as the receiver is reached in another way; never through the notifier that it is about."""
    pager, slack = FakeNotifier(faults=[AWAY] * 1000), FakeNotifier()
    async with watched(tmp_path / "a.sqlite", equipment({ONCALL: pager, SLACK: slack})) as it:
        await it.say(change(Change.FIRED))
        await it.settle(100)
        assert await about_notifiers(it) == [("pagerduty[0]", "fired", "warning")]
        assert told_of(slack) == ["firing"]
        (view,) = slack.sent[-1][1].alerts
        assert view.labels == {**SUBJECT, "severity": "warning"}
        assert view.summary.startswith("pagerduty[0] of oncall fails at every attempt: 1 incident waiting, one for ")
        assert {message.group_labels["alertname"] for _, message in pager.tried} == {"Slow"}
        rows = await it.memory.notifications(Outcome.SUPPRESSED)
        assert [(row.notifier, row.reason) for row in rows] == [("pagerduty[0]", "about-itself")]
        pager.faults = []
        await it.settle(120)
        assert told_of(slack) == ["firing", "resolved"]
        assert told_of(pager) == []
        assert await about_notifiers(it) == [
            ("pagerduty[0]", "fired", "warning"),
            ("pagerduty[0]", "resolved", "warning"),
        ]


async def test_the_fallback_hears_where_there_is_no_other_way(tmp_path: Path) -> None:
    """A receiver whose only notifier fails is critical: its fallback is told, and hears of the end, too."""
    pager, mail = FakeNotifier(faults=[AWAY] * 1000), FakeNotifier()
    equipped = Equipment(
        tree=Node(receiver="oncall", group_by=("alertname",)),
        receivers=frozenset({"oncall", "mail"}),
        fallbacks={"oncall": Fallback("mail", timedelta(hours=1))},
        notifiers={ONCALL: pager, MAIL: mail},
    )
    async with watched(tmp_path / "a.sqlite", equipped) as it:
        await it.say(change(Change.FIRED))
        await it.settle(100)
        assert await about_notifiers(it) == [("pagerduty[0]", "fired", "critical")]
        assert told_of(mail) == ["firing"]
        assert mail.sent[0][1].note == "oncall cannot be told"
        pager.faults = []
        await it.settle(120)
        assert told_of(mail) == ["firing", "resolved"]
        assert len({message.incident for _, message in mail.sent}) == 1
        assert {message.group_labels["alertname"] for _, message in pager.tried} == {"Slow"}


async def test_it_is_just_shown_where_nobody_is_left(tmp_path: Path) -> None:
    """With one notifier and no fallback nothing about it is sent, and what was not sent is kept by name."""
    pager = FakeNotifier(faults=[AWAY] * 1000)
    async with watched(tmp_path / "a.sqlite", equipment({ONCALL: pager})) as it:
        await it.say(change(Change.FIRED))
        await it.settle(300)
        kept = {one.alert.rule: one.alert.state for one in await it.memory.alerts()}
        assert kept[NOTIFICATIONS_FAILING] is State.FIRING
        pager.faults = []
        await it.settle(300)
        assert told_of(pager) == []
        assert {row.reason for row in await it.memory.notifications(Outcome.SUPPRESSED)} == {"about-itself"}


async def test_it_follows_the_routing_tree(tmp_path: Path) -> None:
    """A route that matches the alert's labels takes it, whoever fails."""
    pager, ops = FakeNotifier(faults=[AWAY] * 1000), FakeNotifier()
    child = Node(receiver="ops", group_by=(), matchers=parse(f"alertname={NOTIFICATIONS_FAILING}"))
    tree = Node(receiver="oncall", group_by=("alertname",), children=(child,))
    async with watched(tmp_path / "a.sqlite", equipment({ONCALL: pager, OPS: ops}, tree)) as it:
        await it.say(change(Change.FIRED))
        await it.settle(100)
        assert told_of(ops) == ["firing"]


async def test_a_message_that_waits_for_long_is_told_of(tmp_path: Path) -> None:
    """Also where the service asked for the pause, so that no attempt fails."""
    pager, slack = FakeNotifier(faults=[Unreachable("slow down", retry_after_s=600.0)]), FakeNotifier()
    async with watched(tmp_path / "a.sqlite", equipment({ONCALL: pager, SLACK: slack})) as it:
        await it.say(change(Change.FIRED))
        await it.settle(115)
        assert await about_notifiers(it) == []
        await it.settle(10)
        assert await about_notifiers(it) == [("pagerduty[0]", "fired", "warning")]
        await it.settle(600)
        assert len(pager.sent) == 1
        assert await about_notifiers(it) == [
            ("pagerduty[0]", "fired", "warning"),
            ("pagerduty[0]", "resolved", "warning"),
        ]


async def test_a_clock_that_is_set_forward_makes_no_message_late(tmp_path: Path) -> None:
    """How long something waits is no matter of the wall clock."""
    pager, slack = FakeNotifier(faults=[AWAY]), FakeNotifier()
    async with watched(tmp_path / "a.sqlite", equipment({ONCALL: pager, SLACK: slack})) as it:
        await it.say(change(Change.FIRED))
        assert isinstance(it.clock, LoopClock)
        it.clock.step(timedelta(hours=1))
        await it.settle(60)
        assert await about_notifiers(it) == []


async def test_a_refusal_is_told_of_until_a_message_is_taken(tmp_path: Path) -> None:
    """What nobody tries again is a failure at once; it ends with the next message that goes through."""
    pager, slack = FakeNotifier(faults=[Refusal("wrong key")]), FakeNotifier()
    async with watched(tmp_path / "a.sqlite", equipment({ONCALL: pager, SLACK: slack})) as it:
        await it.say(change(Change.FIRED, "A"))
        await it.settle(5)
        assert await about_notifiers(it) == [("pagerduty[0]", "fired", "warning")]
        assert slack.sent[-1][1].alerts[0].description == "last error: wrong key"
        await it.settle(1000)
        assert len(await about_notifiers(it)) == 1
        await it.say(change(Change.FIRED, "B"))
        await it.settle(90)
        assert await about_notifiers(it) == [
            ("pagerduty[0]", "fired", "warning"),
            ("pagerduty[0]", "resolved", "warning"),
        ]


async def test_it_ends_where_nothing_is_left_to_show_how_it_is(tmp_path: Path) -> None:
    """An hour after the last message that waited was called off, or was refused."""
    pager, slack = FakeNotifier(faults=[AWAY] * 1000), FakeNotifier()
    async with watched(tmp_path / "a.sqlite", equipment({ONCALL: pager, SLACK: slack})) as it:
        await it.say(change(Change.FIRED))
        await it.settle(30)
        await it.say(change(Change.RESOLVED))
        await it.settle(3500)
        assert [kind for _, kind, _ in await about_notifiers(it)] == ["fired"]
        await it.settle(200)
        assert [kind for _, kind, _ in await about_notifiers(it)] == ["fired", "resolved"]
        assert told_of(slack) == ["firing", "resolved"]


async def test_a_failing_message_about_a_failing_notifier_makes_no_further_alert(tmp_path: Path) -> None:
    """Whoever cannot be told that another fails is not told of in turn; there is one alert, and no storm."""
    pager, ops = FakeNotifier(faults=[AWAY] * 1000), FakeNotifier(faults=[AWAY, *[Refusal("no")] * 1000])
    child = Node(receiver="ops", group_by=(), matchers=parse(f"alertname={NOTIFICATIONS_FAILING}"))
    tree = Node(receiver="oncall", group_by=("alertname",), children=(child,))
    async with watched(tmp_path / "a.sqlite", equipment({ONCALL: pager, OPS: ops}, tree)) as it:
        await it.say(change(Change.FIRED))
        await it.settle(3600)
        assert ops.tried
        assert await about_notifiers(it) == [("pagerduty[0]", "fired", "critical")]


async def test_a_restart_ends_nothing(tmp_path: Path) -> None:
    """Until its notifier has taken something the alert stays open; nobody hears of it twice."""
    path, slack = tmp_path / "a.sqlite", FakeNotifier()
    async with watched(path, equipment({ONCALL: FakeNotifier(faults=[AWAY] * 1000), SLACK: slack})) as it:
        await it.say(change(Change.FIRED))
        await it.settle(100)
        assert told_of(slack) == ["firing"]
    async with watched(path, equipment({ONCALL: FakeNotifier(faults=[AWAY] * 1000), SLACK: slack})) as it:
        await it.settle(100)
        assert told_of(slack) == ["firing"]
    async with watched(path, equipment({ONCALL: FakeNotifier(), SLACK: slack})) as it:
        await it.settle(100)
        assert told_of(slack) == ["firing", "resolved"]


async def test_the_alert_about_a_notifier_that_is_removed_ends(tmp_path: Path) -> None:
    """With that reason, and its file forgets it."""
    pager, slack = FakeNotifier(faults=[AWAY] * 1000), FakeNotifier()
    async with watched(tmp_path / "a.sqlite", equipment({ONCALL: pager, SLACK: slack})) as it:
        await it.say(change(Change.FIRED))
        await it.settle(100)
        await it.dispatcher.equip(equipment({SLACK: slack}))
        await it.settle(5)
        (last, *_) = await it.memory.history(1)
        assert (last.rule, last.change, last.reason) == (NOTIFICATIONS_FAILING, "resolved", "the notifier was removed")
        assert [one.alert.rule for one in await it.memory.alerts()] == ["Slow"]
        assert told_of(slack) == ["firing", "resolved"]


async def test_it_is_never_grouped_with_others(tmp_path: Path) -> None:
    """A route that groups everything together still keeps it apart, since it goes other ways."""
    pager, slack = FakeNotifier(faults=[AWAY] * 1000), FakeNotifier()
    tree = Node(receiver="oncall", group_by=())
    async with watched(tmp_path / "a.sqlite", equipment({ONCALL: pager, SLACK: slack}, tree)) as it:
        await it.say(change(Change.FIRED))
        await it.settle(100)
        assert [message.group_labels for _, message in slack.sent] == [{}, {"alertname": NOTIFICATIONS_FAILING}]


async def test_what_cannot_be_recorded_is_decided_again(tmp_path: Path) -> None:
    """A disk that is full for a moment costs nothing but time."""
    async with desk(tmp_path / "a.sqlite", equipment({ONCALL: FakeNotifier()}), running=False) as it:
        registry = CollectorRegistry()
        health = replace(it.sender.health()[0], waiting=3, is_open=True)
        reach = Reach(())
        watch = SelfWatch(
            reach, lambda: (health,), recorder=it.dispatcher, clock=it.clock, metrics=DispatchMetrics(registry)
        )
        writer = it.memory._writer
        assert isinstance(writer, InlineWriter)
        writer.faults.append(sqlite3.OperationalError("disk is full"))
        await watch.look()
        assert not reach.active
        await watch.look()
        assert [alert.labels for alert in reach.active] == [labels_of(SUBJECT)]
        assert registry.get_sample_value("tocsin_alerting_notifiers_failing") == 1
