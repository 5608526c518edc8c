"""When a group speaks and why: the truth table, and its timers."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from alerting.alert import Level, State, labels_of
from alerting.routing.group import (
    Group,
    GroupKey,
    Heard,
    Hush,
    Member,
    Notice,
    admit,
    decide,
    open_group,
    rouse,
    settle,
    told,
    wake,
)
from alerting.routing.tree import Timers

NOW = datetime(2026, 1, 1, tzinfo=UTC)
KEY = GroupKey("oncall", labels_of({"alertname": "Slow"}))
TIMERS = Timers()
WARNING, CRITICAL = Level.WARNING, Level.CRITICAL
FIRING, NO_DATA, RESOLVED = State.FIRING, State.NO_DATA, State.INACTIVE


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


def member(
    name: str, state: State = FIRING, level: Level = CRITICAL, heard: Heard | None = None, since: datetime = NOW
) -> Member:
    labels = labels_of({"alertname": "Slow", "endpoint": name})
    return Member(alert_id=name, labels=labels, state=state, level=level, since=since, heard=heard)


def group(*members: Member, said_ago: timedelta | None = None) -> Group:
    """A group opened a day ago; `said_ago` None was never told."""
    said_at = None if said_ago is None else NOW - said_ago
    return Group(
        key=KEY,
        timers=TIMERS,
        opened_at=NOW - timedelta(days=1),
        due=NOW + timedelta(days=1),
        flushed_at=said_at,
        said_at=said_at,
        members={one.alert_id: one for one in members},
    )


HEARD = Heard(CRITICAL, FIRING)
JUST_SAID = seconds(60)


@pytest.mark.parametrize(
    ("members", "said_ago", "expected"),
    [
        ([member("a")], None, Notice.FIRST),
        ([member("a", NO_DATA)], None, Notice.FIRST),
        ([member("a", RESOLVED)], None, Notice.NEVER_ANNOUNCED),
        ([member("a"), member("b", RESOLVED)], None, Notice.FIRST),
        ([member("a", heard=HEARD)], JUST_SAID, Notice.NOTHING),
        ([member("a", heard=HEARD), member("b")], JUST_SAID, Notice.NEW_ALERTS),
        ([member("a", RESOLVED, heard=HEARD)], JUST_SAID, Notice.ALL_RESOLVED),
        ([member("a", RESOLVED, heard=HEARD), member("b", RESOLVED)], JUST_SAID, Notice.ALL_RESOLVED),
        ([member("a", heard=HEARD), member("b", RESOLVED, heard=HEARD)], JUST_SAID, Notice.SOME_RESOLVED),
        ([member("a", heard=HEARD), member("b", RESOLVED)], JUST_SAID, Notice.NOTHING),
        ([member("a", RESOLVED, heard=HEARD), member("b")], JUST_SAID, Notice.NEW_ALERTS),
        ([member("a", heard=Heard(WARNING, FIRING))], JUST_SAID, Notice.RAISED),
        ([member("a", level=WARNING, heard=HEARD)], JUST_SAID, Notice.CHANGED),
        ([member("a", NO_DATA, heard=HEARD)], JUST_SAID, Notice.CHANGED),
        ([member("a", heard=Heard(CRITICAL, NO_DATA))], JUST_SAID, Notice.CHANGED),
        ([member("a", heard=HEARD)], timedelta(hours=4) - seconds(1), Notice.NOTHING),
        ([member("a", heard=HEARD)], timedelta(hours=4), Notice.REPEAT),
        ([member("a", RESOLVED, heard=HEARD)], timedelta(hours=9), Notice.ALL_RESOLVED),
    ],
)
def test_truth_table(members: list[Member], said_ago: timedelta | None, expected: Notice) -> None:
    """What there is to say follows from what fires, what ended and what the receiver heard, as in Alertmanager."""
    assert decide(group(*members, said_ago=said_ago), NOW) is expected


@pytest.mark.parametrize("notice", list(Notice))
def test_only_four_notices_are_silent(notice: Notice) -> None:
    """Every notice but `spared`, `never-announced`, `muted` and `nothing` is told."""
    assert notice.silent is (notice.value in ("spared", "never-announced", "muted", "nothing"))


@pytest.mark.parametrize(
    ("members", "muted", "said_ago", "expected"),
    [
        ([member("a")], "a", None, Notice.MUTED),
        ([member("a"), member("b")], "a", None, Notice.FIRST),
        ([member("a", RESOLVED)], "a", None, Notice.NEVER_ANNOUNCED),
        ([member("a", heard=HEARD)], "a", JUST_SAID, Notice.NOTHING),
        ([member("a", heard=HEARD), member("b")], "b", JUST_SAID, Notice.MUTED),
        ([member("a", heard=Heard(WARNING, FIRING))], "a", JUST_SAID, Notice.MUTED),
        ([member("a", heard=HEARD)], "a", timedelta(hours=4), Notice.NOTHING),
        ([member("a", heard=HEARD), member("b")], "b", timedelta(hours=4), Notice.REPEAT),
        ([member("a", RESOLVED, heard=HEARD)], "a", JUST_SAID, Notice.ALL_RESOLVED),
        ([member("a", RESOLVED, heard=HEARD), member("b")], "b", JUST_SAID, Notice.ALL_RESOLVED),
        ([member("a", RESOLVED, heard=HEARD), member("b", heard=HEARD)], "b", JUST_SAID, Notice.SOME_RESOLVED),
    ],
)
def test_muted_alerts_are_no_news(
    members: list[Member], muted: str, said_ago: timedelta | None, expected: Notice
) -> None:
    """A mute holds news of an open alert back and nothing else: an end is told to whoever was told the beginning."""
    hush = Hush(dict.fromkeys(muted, "silenced"), NOW + seconds(60))
    assert decide(group(*members, said_ago=said_ago), NOW, hush) is expected


def test_who_heard_of_nothing_that_is_open_gets_the_all_clear() -> None:
    """What is left of the group is muted and unknown to its receiver; it goes on as an incident of its own."""
    before = group(member("a", RESOLVED, heard=HEARD), member("b"), said_ago=seconds(10))
    hush = Hush({"b": "silenced"}, NOW + seconds(60))
    after = settle(before, Notice.ALL_RESOLVED, NOW, hush)
    assert after is not None
    assert (set(after.members), after.said_at, after.due) == ({"b"}, None, NOW + seconds(60))
    assert after.incident != before.incident
    assert [one.alert_id for one in told(before, hush)] == ["a"]


def test_muted_group_is_looked_at_when_the_mute_ends() -> None:
    """At the latest when the first mute may be over; one that ends with another alert waits for that."""
    silenced = settle(group(member("a")), Notice.MUTED, NOW, Hush({"a": "silenced"}, NOW + seconds(90)))
    assert silenced is not None
    assert silenced.due == NOW + seconds(90)
    assert silenced.members["a"].muted == "silenced"
    inhibited = settle(group(member("a")), Notice.MUTED, NOW, Hush({"a": "inhibited"}))
    assert inhibited is not None
    assert inhibited.due == NOW + timedelta(hours=4)
    assert rouse(inhibited, NOW + seconds(1)).due == NOW + seconds(1)


def test_first_alert_waits_for_group_wait() -> None:
    """A new group is due after group_wait, at once with the default of 0s."""
    opened = admit(open_group(KEY, TIMERS, NOW), [member("a")], TIMERS, NOW)
    assert opened.due == NOW
    slow = Timers(wait=seconds(30))
    waiting = admit(open_group(KEY, slow, NOW), [member("a")], slow, NOW)
    assert waiting.due == NOW + seconds(30)
    assert admit(waiting, [member("b")], slow, NOW + seconds(20)).due == NOW + seconds(30)


def test_rise_while_waiting_is_due_at_once() -> None:
    """A rise to critical does not wait for group_wait."""
    slow = Timers(wait=seconds(30))
    waiting = admit(open_group(KEY, slow, NOW), [member("a", level=WARNING)], slow, NOW)
    assert admit(waiting, [member("a")], slow, NOW + seconds(5)).due == NOW + seconds(5)


@pytest.mark.parametrize(
    ("news", "level_said", "due_in_s"),
    [
        (member("b"), CRITICAL, 20),
        (member("a", level=WARNING), CRITICAL, 20),
        (member("a", NO_DATA), CRITICAL, 20),
        (member("a"), WARNING, 0),
        (member("b"), WARNING, 0),
        (member("b", level=WARNING), WARNING, 20),
    ],
)
def test_news_waits_for_the_group_interval_unless_it_is_worse(news: Member, level_said: Level, due_in_s: float) -> None:
    """Ten seconds after a message, news is due at its 30th second; what makes the incident critical is due now."""
    said = group(member("a", level=level_said, heard=Heard(level_said, FIRING)), said_ago=seconds(10))
    assert admit(said, [news], TIMERS, NOW).due == NOW + seconds(due_in_s)


def test_news_after_the_interval_is_due_at_once() -> None:
    """The group interval is counted from the last flush, not from the news."""
    said = group(member("a", heard=HEARD), said_ago=seconds(31))
    assert admit(said, [member("b")], TIMERS, NOW).due == NOW


def test_clock_that_was_set_back_puts_off_nothing_for_longer_than_the_timers() -> None:
    """News waits one group interval from now at most, and a group that was kept is due within its own timer."""
    said = group(member("a", heard=HEARD), said_ago=seconds(-3600))
    assert admit(said, [member("b")], TIMERS, NOW).due == NOW + seconds(30)
    untold = replace(group(member("a")), due=NOW + seconds(3600))
    assert wake(untold, NOW).due == NOW
    assert wake(said, NOW).due == NOW + timedelta(hours=4)


def test_clock_that_was_set_back_puts_off_news_for_no_longer_than_the_interval() -> None:
    """An alert that joined an open incident is told after the group interval, however far the clock went back."""
    joined = replace(group(member("a", heard=HEARD), member("b"), said_ago=JUST_SAID), due=NOW + timedelta(hours=1))
    assert wake(joined, NOW).due == NOW + TIMERS.interval


def test_last_resolve_is_due_at_once_and_an_earlier_one_waits() -> None:
    """A group whose last alert resolves says so at once; while others fire, it waits for the interval."""
    said = group(member("a", heard=HEARD), member("b", heard=HEARD), said_ago=seconds(10))
    one_left = admit(said, [member("a", RESOLVED)], TIMERS, NOW)
    assert one_left.due == NOW + seconds(20)
    assert admit(one_left, [member("b", RESOLVED)], TIMERS, NOW + seconds(1)).due == NOW + seconds(1)


def test_alert_that_resolves_and_fires_again_between_flushes_is_no_news() -> None:
    """What the receiver heard is compared with how things stand, not with what happened in between."""
    said = group(member("a", heard=HEARD), member("b", heard=HEARD), said_ago=seconds(10))
    flapped = admit(said, [member("a", RESOLVED), member("a")], TIMERS, NOW)
    assert decide(flapped, NOW) is Notice.NOTHING


def test_resolved_alert_keeps_its_last_bad_level() -> None:
    """A resolve is told with the severity that the alert had."""
    said = group(member("a", heard=HEARD), said_ago=seconds(10))
    ended = admit(said, [member("a", RESOLVED, level=Level.OK)], TIMERS, NOW)
    assert ended.level is CRITICAL


def test_settled_group_remembers_what_was_said() -> None:
    """After a message open alerts are heard, ended ones are gone, and the next look is at the repeat interval."""
    before = group(member("a"), member("b", RESOLVED, heard=HEARD), said_ago=seconds(40))
    after = settle(before, Notice.NEW_ALERTS, NOW)
    assert after is not None
    assert dict(after.members) == {"a": member("a", heard=HEARD)}
    assert (after.said_at, after.flushed_at, after.due) == (NOW, NOW, NOW + timedelta(hours=4))


def test_silent_flush_does_not_put_off_the_repeat() -> None:
    """A flush with nothing to say leaves the repeat where it was."""
    before = group(member("a", heard=HEARD), member("b", RESOLVED), said_ago=seconds(600))
    after = settle(before, Notice.NOTHING, NOW)
    assert after is not None
    assert (after.said_at, after.due) == (NOW - seconds(600), NOW - seconds(600) + timedelta(hours=4))
    assert list(after.members) == ["a"]


@pytest.mark.parametrize("notice", [Notice.ALL_RESOLVED, Notice.NEVER_ANNOUNCED])
def test_group_whose_alerts_all_ended_is_over(notice: Notice) -> None:
    """The incident ends with the flush that says so, or that has nobody to say it to."""
    assert settle(group(member("a", RESOLVED)), notice, NOW) is None


def test_told_shows_open_alerts_first_and_the_worst_before() -> None:
    """Open before ended, critical before warning, older before newer; what was never announced does not end."""
    shown = told(
        group(
            member("ended", RESOLVED, heard=HEARD),
            member("spike", RESOLVED),
            member("mild", level=WARNING),
            member("new", since=NOW + seconds(1)),
            member("old"),
        )
    )
    assert [one.alert_id for one in shown] == ["old", "new", "mild", "ended"]


def test_incident_is_stable_and_of_its_episode() -> None:
    """The dedup key follows from receiver, group and start of the episode, and from nothing else."""
    first = group(member("a"))
    assert first.incident == replace(first, due=NOW, said_at=NOW, members={}).incident
    assert len(first.incident) == 32
    others = {
        replace(first, opened_at=NOW).incident,
        replace(first, key=GroupKey("night", KEY.labels)).incident,
        replace(first, key=GroupKey("oncall", labels_of({"alertname": "Other"}))).incident,
    }
    assert len(others | {first.incident}) == 4
