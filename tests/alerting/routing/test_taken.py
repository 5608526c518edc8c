"""What a group says and spares while somebody has alerts of it in hand: the truth table, and its timers."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from alerting.acknowledgement import Acknowledgement
from alerting.alert import Level, State, labels_of
from alerting.routing.group import NO_HUSH, Group, GroupKey, Heard, Hush, Member, Notice, decide
from alerting.routing.taken import Taken, is_taken, reconsider, reopens, settle_taken
from alerting.routing.tree import Timers

NOW = datetime(2026, 1, 1, tzinfo=UTC)
REPEAT = Timers().repeat
LATELY, LONG_AGO = timedelta(seconds=60), REPEAT
HEARD = Heard(Level.CRITICAL, State.FIRING)
MUTED_A = Hush({"a": "silenced"}, NOW + timedelta(hours=9))


def ack(alert_id: str, at: datetime = NOW - timedelta(minutes=1)) -> Acknowledgement:
    return Acknowledgement(alert_id=alert_id, level=Level.CRITICAL, author="ann", comment="", at=at)


def taken(names: str) -> Taken:
    return {name: ack(name) for name in names}


def group(*, heard: str = "", new: str = "", said_ago: timedelta = LATELY, known: str = "") -> Group:
    """A group with open alerts that were heard of or are new; `known` of them its receiver knows to be in hand."""
    members = {
        name: Member(
            alert_id=name,
            labels=labels_of({"alertname": "Slow", "endpoint": name}),
            state=State.FIRING,
            level=Level.CRITICAL,
            since=NOW,
            heard=HEARD if name in heard else None,
        )
        for name in heard + new
    }
    said_at = NOW - said_ago
    return Group(
        key=GroupKey("oncall", labels_of({"alertname": "Slow"})),
        timers=Timers(),
        opened_at=NOW - timedelta(days=1),
        due=NOW,
        flushed_at=said_at,
        said_at=said_at,
        members=members,
        taken={name: ack(name).at.isoformat() for name in known},
    )


def notice(one: Group, hands: Taken, hush: Hush = NO_HUSH, now: datetime = NOW) -> Notice:
    return reconsider(one, decide(one, now, hush), now, hush, hands)


@pytest.mark.parametrize(
    ("one", "hands", "expected"),
    [
        (group(heard="a"), "", Notice.NOTHING),
        (group(heard="a"), "a", Notice.TAKEN),
        (group(heard="a", known="a"), "a", Notice.NOTHING),
        (group(heard="a", known="a"), "", Notice.RELEASED),
        (group(heard="ab", known="a"), "ab", Notice.TAKEN),
        (group(heard="ab", known="a"), "b", Notice.TAKEN),
        (group(heard="ab", known="ab"), "b", Notice.RELEASED),
        (group(heard="a", new="b"), "a", Notice.NEW_ALERTS),
        (group(heard="a", new="b"), "b", Notice.NEW_ALERTS),
        (group(heard="a", said_ago=LONG_AGO), "a", Notice.TAKEN),
        (group(heard="a", said_ago=LONG_AGO, known="a"), "a", Notice.SPARED),
        (group(heard="a", said_ago=LONG_AGO, known="a"), "", Notice.REPEAT),
        (group(heard="ab", said_ago=LONG_AGO, known="a"), "a", Notice.REPEAT),
        (group(heard="ab", said_ago=LONG_AGO), "a", Notice.REPEAT),
        (replace(group(heard="a", known="a"), said_at=None), "", Notice.FIRST),
    ],
)
def test_truth_table(one: Group, hands: str, expected: Notice) -> None:
    """News comes before hands; a reminder is spared only where all that it is about is in hand, and says hands, too."""
    assert notice(one, taken(hands)) is expected


def test_who_takes_an_alert_over_is_told() -> None:
    """Another acknowledgement of the same alert is news; the same one is not."""
    later = {"a": ack("a", NOW)}
    assert notice(group(heard="a", known="a"), later) is Notice.TAKEN


def test_what_is_muted_is_not_reminded_of_and_its_hands_are_told_all_the_same() -> None:
    """Of a silenced alert and one in hand nobody is reminded; whoever heard of an alert hears who has it."""
    both = group(heard="ab", said_ago=LONG_AGO, known="b")
    assert notice(both, taken("b"), MUTED_A) is Notice.SPARED
    assert notice(both, {}, MUTED_A) is Notice.REPEAT
    assert notice(group(heard="a"), taken("a"), MUTED_A) is Notice.TAKEN


def flushed(one: Group, hands: Taken, now: datetime) -> tuple[Notice, Group]:
    said = notice(one, hands, now=now)
    after = settle_taken(one, said, now, NO_HUSH, hands)
    assert after is not None
    return said, after


def test_reminders_are_spared_one_by_one_and_come_back_at_once() -> None:
    """One is due each repeat interval, from the last word or the last spared one on; given back, it is told now."""
    hands = taken("a")
    said, one = flushed(group(heard="a"), hands, NOW)
    assert (said, one.due, one.said_at) == (Notice.TAKEN, NOW - LATELY + REPEAT, NOW - LATELY)
    first = one.due
    said, one = flushed(one, hands, first)
    assert (said, one.due, one.spared_at) == (Notice.SPARED, first + REPEAT, first)
    said, one = flushed(one, hands, first + LATELY)
    assert (said, one.due) == (Notice.NOTHING, first + REPEAT)
    said, one = flushed(one, hands, first + REPEAT)
    assert (said, one.due) == (Notice.SPARED, first + 2 * REPEAT)
    said, one = flushed(one, {}, first + REPEAT + LATELY)
    assert (said, one.taken, one.said_at) == (Notice.REPEAT, {}, first + REPEAT + LATELY)


def test_an_acknowledgement_puts_off_no_reminder() -> None:
    """Taken and given back within the interval, the reminder comes when it would have come."""
    _, one = flushed(group(heard="a"), taken("a"), NOW)
    said, one = flushed(one, {}, NOW + LATELY)
    assert (said, one.due, one.taken) == (Notice.RELEASED, NOW - LATELY + REPEAT, {})


@pytest.mark.parametrize(
    ("one", "hands", "whole", "again"),
    [
        (group(heard="a"), "a", True, False),
        (group(heard="a", known="a"), "a", True, False),
        (group(heard="a", known="a"), "", False, True),
        (group(heard="a", known="a", new="b"), "a", False, True),
        (group(heard="a", known="a", new="b"), "ab", True, False),
        (group(heard="ab", known="a"), "a", False, False),
        (group(heard="ab", known="a"), "", False, False),
        (group(heard="ab", known="ab"), "b", False, True),
    ],
)
def test_an_incident_is_in_hand_as_a_whole_or_not(one: Group, hands: str, *, whole: bool, again: bool) -> None:
    """All that is open is in hand, or the incident is not; it is reopened where it was said to be."""
    assert is_taken(one, NO_HUSH, taken(hands)) is whole
    assert reopens(one, Notice.CHANGED, NO_HUSH, taken(hands)) is again
    for silent in (Notice.NOTHING, Notice.MUTED, Notice.ALL_RESOLVED):
        assert not reopens(one, silent, NO_HUSH, taken(hands))


def test_what_is_hidden_from_the_receiver_does_not_count() -> None:
    """A silenced alert that the receiver never heard of keeps no incident out of hand."""
    assert is_taken(group(heard="b", new="a"), MUTED_A, taken("b"))
