"""Alerting stops and starts at every stage of an alert, and rules and routes are edited while one fires."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alerting.dispatcher import Equipment
from alerting.lane import ChannelKey
from alerting.muting.calendar import Calendar, CalendarConfig, IntervalConfig
from alerting.notify.contract import Status, Unreachable
from alerting.routing.tree import Node, Timers
from alerting.rules.rule import Rule
from tests.alerting.alarm import VIRTUAL, Alarm, a_rule, alarm
from tests.alerting.desk import ONCALL, equipment
from tests.fakes.loop_clock import LoopClock
from tests.fakes.pager import Pager
from tests.fakes.reader import Answer, FakeReader

pytestmark = VIRTUAL

START = datetime(2026, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
NIGHT = ChannelKey("night", "pagerduty[0]")
RULE = a_rule(for_=2 * MINUTE, keep_firing_for=2 * MINUTE, critical="> 98")
TREE = Node(receiver="oncall", group_by=("alertname",), timers=Timers(wait=MINUTE, repeat=11 * MINUTE))
ENDS_AT = START + 25 * MINUTE


def world(at: datetime) -> Answer:
    """Bad from 1:00, critical from 12:00, well from 20:00 on."""
    minutes = (at - START) / MINUTE
    return {"a": 95.0 if 1 <= minutes < 12 else 99.0 if 12 <= minutes < 20 else 5.0}


def heard(pager: Pager) -> list[tuple[int, str, str]]:
    """(minute, status, why) of each message."""
    return [(round((at - START) / MINUTE), message.status.value, message.why) for at, message in pager.heard]


STORY = [
    (1, "pending"),
    (3, "fired"),
    (12, "raised"),
    (22, "resolved"),
]
TOLD = [
    (4, "firing", "first"),
    (12, "firing", "raised"),
    (22, "resolved", "all-resolved"),
]


@pytest.mark.parametrize(
    "seconds",
    [90, 179, 181, 200, 239, 241, 500, 719, 721, 1190, 1250, 1319, 1321],
    ids=lambda seconds: f"{seconds // 60}:{seconds % 60:02d}",
)
async def test_a_restart_at_any_stage_changes_nothing(tmp_path: Path, seconds: int) -> None:
    """Pending, in the group's wait, told, raised, calm, over: the next process goes on as if it were the same."""
    pager, clock = Pager(), LoopClock(START)
    for until in (START + timedelta(seconds=seconds), ENDS_AT):
        async with alarm(
            tmp_path / "a.sqlite", [RULE], FakeReader(world), equipment({ONCALL: pager}, TREE), clock=clock
        ) as it:
            await it.until(until)
            story = [(round((one.at - START) / MINUTE), one.change) for one in await it.story()]
    assert story == STORY
    assert heard(pager) == TOLD
    assert pager.story() == [("Hot", True)]


async def test_a_restart_while_it_waits_to_repeat(tmp_path: Path) -> None:
    """A reminder comes when it would have come."""
    pager, clock = Pager(), LoopClock(START)
    for until in (6, 11, 20):
        equipped = equipment({ONCALL: pager}, TREE)
        async with alarm(
            tmp_path / "a.sqlite", [a_rule()], FakeReader(lambda _: {"a": 95.0}), equipped, clock=clock
        ) as it:
            await it.until(START + until * MINUTE)
    assert heard(pager) == [(1, "firing", "first"), (12, "firing", "repeat")]


async def test_what_went_by_while_it_was_down_counts_for_nothing(tmp_path: Path) -> None:
    """A rule that was removed in the meantime ends with that reason, a level that changed is told once."""
    pager, clock = Pager(), LoopClock(START)
    rules = [a_rule("Kept", critical="> 98"), a_rule("Gone")]
    equipped = equipment({ONCALL: pager})
    async with alarm(tmp_path / "a.sqlite", rules, FakeReader(lambda _: {"a": 95.0}), equipped, clock=clock) as it:
        await it.until(START + MINUTE)
    await it.desk.settle(3600)
    async with alarm(tmp_path / "a.sqlite", rules[:1], FakeReader(lambda _: {"a": 99.0}), equipped, clock=clock) as it:
        await it.rest(minutes=2)
        assert it.states() == {"Kept/a": "firing"}
    assert pager.story() == [("Gone", True), ("Kept", False)]
    assert [status.value for _, status in pager.told("Kept")] == ["firing", "firing"]
    (ended,) = (message for _, message in pager.heard if message.status is Status.RESOLVED)
    assert ended.alerts[0].reason == "the rule was removed"


FIRING = a_rule(warn="> 90", summary="{{ value }}")
EDITS: Mapping[str, tuple[tuple[Rule, ...], list[tuple[str, bool]], str, dict[str, str]]] = {
    "a threshold that is not reached": ((a_rule(warn="> 96"),), [("Hot", True)], "95, no longer > 96", {}),
    "a threshold that is": ((a_rule(warn="> 94"),), [("Hot", False)], "", {"Hot/a": "firing"}),
    "a longer for": ((a_rule(for_=60 * MINUTE),), [("Hot", False)], "", {"Hot/a": "firing"}),
    "words": ((a_rule(summary="too hot"),), [("Hot", False)], "", {"Hot/a": "firing"}),
    "another query": (
        (a_rule(query="SELECT max(cpu) FROM m GROUP BY host"),),
        [("Hot", False)],
        "",
        {"Hot/a": "firing"},
    ),
    "labels": (
        (a_rule(labels={"team": "ops"}),),
        [("Hot", False), ("Hot", True)],
        "the rule was edited and no longer covers this series",
        {"Hot/a": "firing"},
    ),
    "a name": (
        (a_rule("Heat"),),
        [("Heat", False), ("Hot", True)],
        "the rule was removed",
        {"Heat/a": "firing"},
    ),
    "no rule any more": ((), [("Hot", True)], "the rule was removed", {}),
}


@pytest.mark.parametrize("edit", EDITS)
@pytest.mark.parametrize("is_down", [False, True], ids=["running", "between two runs"])
async def test_a_rule_is_edited_while_it_fires(tmp_path: Path, edit: str, *, is_down: bool) -> None:
    """What the edited rule still covers goes on in its incident; what it does not ends, saying why."""
    rules, incidents, reason, states = EDITS[edit]
    pager, clock, store = Pager(), LoopClock(START), FakeReader(lambda _: {"a": 95.0})
    equipped = equipment({ONCALL: pager})
    async with alarm(tmp_path / "a.sqlite", [FIRING], store, equipped, clock=clock) as it:
        await it.rest(minutes=3)
        if not is_down:
            await it.evaluator.replace(rules)
            await it.rest(minutes=3)
            assert it.states() == states
    if is_down:
        async with alarm(tmp_path / "a.sqlite", rules, store, equipped, clock=clock) as it:
            await it.rest(minutes=3)
            assert it.states() == states
    assert pager.story() == incidents
    assert [one.alerts[0].reason for _, one in pager.heard if one.status is Status.RESOLVED] == [reason] * bool(reason)
    assert len(pager.heard) == len(incidents) + bool(reason)


async def test_a_rule_that_is_removed_while_the_store_is_away_ends(tmp_path: Path) -> None:
    """That nobody sees is no reason to keep what nobody watches."""

    def away(_: datetime) -> Answer:
        raise ConnectionError("away")

    pager, store = Pager(), FakeReader(lambda _: {"a": 95.0})
    async with alarm(tmp_path / "a.sqlite", [FIRING], store, equipment({ONCALL: pager})) as it:
        await it.rest(minutes=1)
        store.answer = away
        await it.evaluator.replace([])
        await it.rest(seconds=10)
        assert pager.story() == [("Hot", True)]


def with_calendar(*routes: Node, receivers: Mapping[ChannelKey, Pager]) -> Equipment:
    """Equipment with a calendar that covers all times, `always`."""
    calendars = {"always": Calendar(CalendarConfig(name="always", time_intervals=(IntervalConfig(),)))}
    return Equipment(
        tree=Node(receiver="oncall", group_by=("alertname",), children=routes),
        receivers=frozenset(key.receiver for key in receivers),
        calendars=calendars,
        notifiers=receivers,
    )


async def follow(it: Alarm, equipped: Equipment) -> None:
    """Take up what notify.yml says now, and give it time."""
    await it.desk.dispatcher.equip(equipped)
    await it.rest(minutes=2)


async def test_a_route_to_another_receiver_while_it_fires(tmp_path: Path) -> None:
    """Who knows of the incident hears of its end, and who is new hears of all of it."""
    old, new = Pager(), Pager()
    both: dict[ChannelKey, Pager] = {ONCALL: old, NIGHT: new}
    store = FakeReader(lambda at: {"a": 95.0 if at < START + 10 * MINUTE else 5.0})
    async with alarm(tmp_path / "a.sqlite", [a_rule()], store, equipment(both)) as it:
        await it.rest(minutes=2)
        await follow(it, equipment(both, Node(receiver="night", group_by=("host",))))
        assert (old.is_open(), len(new.is_open())) == (["Hot"], 1)
        await it.until(START + 12 * MINUTE)
        assert [len(one.heard) for one in (old, new)] == [2, 2]
        assert old.is_open() == new.is_open() == []


async def test_a_receiver_is_removed_while_messages_wait_for_it(tmp_path: Path) -> None:
    """They are kept by that name, the receiver of the new route hears, and one that comes back hears of what is new."""
    old, new = Pager(), Pager()

    async def away() -> None:
        raise Unreachable("away")

    old.trouble = away
    store = FakeReader(lambda at: {"a": 95.0 if at < START + 10 * MINUTE or at >= START + 15 * MINUTE else 5.0})
    async with alarm(tmp_path / "a.sqlite", [a_rule()], store, equipment({ONCALL: old})) as it:
        await it.rest(minutes=2)
        await follow(it, equipment({NIGHT: new}, Node(receiver="night", group_by=("alertname",))))
        old.trouble = None
        await it.until(START + 12 * MINUTE)
        assert old.heard == []
        assert [status.value for _, status in new.told("Hot")] == ["firing", "resolved"]
        await follow(it, equipment({ONCALL: old}))
        await it.until(START + 16 * MINUTE)
        assert [status.value for _, status in old.told("Hot")] == ["firing"]
        assert old.stray == []


MUTED = Node(receiver="oncall", group_by=("alertname",), timers=Timers(mute=("always",)))
OPEN = Node(receiver="oncall", group_by=("alertname",))


@pytest.mark.parametrize("is_down", [False, True], ids=["running", "between two runs"])
async def test_a_route_that_is_muted_no_more_tells_at_once(tmp_path: Path, *, is_down: bool) -> None:
    """The calendar is still there; the route does not name it any more."""
    pager, clock, store = Pager(), LoopClock(START), FakeReader(lambda _: {"a": 95.0})
    muted, opened = (with_calendar(route, receivers={ONCALL: pager}) for route in (MUTED, OPEN))
    async with alarm(tmp_path / "a.sqlite", [a_rule()], store, muted, clock=clock) as it:
        await it.rest(minutes=2)
        assert pager.tried == []
        if not is_down:
            await follow(it, opened)
    if is_down:
        async with alarm(tmp_path / "a.sqlite", [a_rule()], store, opened, clock=clock) as it:
            await it.rest(minutes=1)
    assert pager.story() == [("Hot", False)]


async def test_a_shorter_interval_of_reminders_holds_for_what_is_open(tmp_path: Path) -> None:
    """Timers of a route are those that are written there now; a group that waits for company goes on waiting."""
    pager, store = Pager(), FakeReader(lambda _: {"a": 95.0})
    trees: list[Node] = [
        Node(receiver="oncall", group_by=("alertname",), timers=timers)
        for timers in (Timers(wait=10 * MINUTE), Timers(wait=5 * MINUTE), Timers(repeat=7 * MINUTE, wait=5 * MINUTE))
    ]
    async with alarm(tmp_path / "a.sqlite", [a_rule()], store, equipment({ONCALL: pager}, trees[0])) as it:
        await it.rest(minutes=1)
        await follow(it, equipment({ONCALL: pager}, trees[1]))
        assert heard(pager) == []
        await it.until(START + 6 * MINUTE)
        assert heard(pager) == [(5, "firing", "first")]
        await follow(it, equipment({ONCALL: pager}, trees[2]))
        await it.until(START + 13 * MINUTE)
        assert heard(pager)[1:] == [(12, "firing", "repeat")]
