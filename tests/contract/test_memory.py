"""What every Memory promises."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from alerting.alert import Alert, Change, Datapoint, Level, State, labels_of
from alerting.memory.contract import (
    Attempt,
    Decision,
    KeptAlert,
    Memory,
    Outcome,
    Suppression,
    Words,
)
from alerting.memory.sqlite import SqliteMemory
from alerting.routing.book import Book, GroupChange
from alerting.routing.group import Notice
from tests.alerting.desk import change
from tests.alerting.memory.keeping import LANE, NOW, TREE, entry, fired, firing, in_hand, resolved, silenced


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "alerting.sqlite"


@pytest.fixture
async def memory(path: Path) -> AsyncIterator[Memory]:
    memory = SqliteMemory(path, history_rows=5)
    await memory.open()
    yield memory
    await memory.close()


async def states(memory: Memory) -> list[tuple[int, str, str]]:
    rows = [row for outcome in Outcome for row in await memory.notifications(outcome)]
    return sorted((row.id, row.state.value, row.reason) for row in rows)


async def test_alert_comes_back_as_it_was(memory: Memory, path: Path) -> None:
    """Every field of an alert, and its last words, survive the end of the process."""
    alert = Alert(
        rule="Slow",
        labels=labels_of({"alertname": "Slow", "endpoint": "/päy", "odd": 'a"b\n'}),
        state=State.FIRING,
        level=Level.CRITICAL,
        value=912.5,
        threshold=800.0,
        since=NOW,
        fired_at=NOW + timedelta(seconds=1),
        calm_since=NOW + timedelta(seconds=2),
        seen_at=NOW + timedelta(seconds=3),
        quiet_s=4.5,
        recent=(Datapoint(NOW, 1.0), Datapoint(NOW, None)),
    )
    words = Words(annotations={"summary": "slow"}, reason="because")
    await memory.commit(Decision(alerts=(alert,), words={alert.fingerprint: words}), now=NOW)
    await memory.close()
    again = SqliteMemory(path)
    await again.open()
    assert list(await again.alerts()) == [KeptAlert(alert=alert, words=words)]
    assert await again.words([alert.fingerprint, "another"]) == {alert.fingerprint: words}
    await again.close()


async def test_words_outlive_a_save_without_words(memory: Memory) -> None:
    """An alert that is saved again without a transition keeps its last words; a forgotten one is gone."""
    alert = change(Change.FIRED).alert
    words = Words(annotations={"summary": "slow"})
    await memory.commit(Decision(alerts=(alert,), words={alert.fingerprint: words}), now=NOW)
    await memory.commit(Decision(alerts=(replace(alert, value=2.0),)), now=NOW)
    assert list(await memory.alerts()) == [KeptAlert(alert=replace(alert, value=2.0), words=words)]
    await memory.commit(Decision(forgotten=(alert.fingerprint,)), now=NOW)
    assert list(await memory.alerts()) == []


async def test_group_comes_back_as_it_was(memory: Memory, path: Path) -> None:
    """A group and its members survive; a group that closed does not come back."""
    book = Book()
    opened = book.route([change(Change.FIRED, endpoint="/a"), change(Change.FIRED, endpoint="/b")], TREE, NOW)
    await memory.commit(Decision(groups=tuple(opened)), now=NOW)
    book.take(opened)
    settled = book.settled(opened[0].group, Notice.FIRST, NOW)
    await memory.commit(Decision(groups=(settled, fired("Other"))), now=NOW)
    await memory.commit(Decision(groups=(replace(fired("Other"), closed=True),)), now=NOW)
    await memory.close()
    again = SqliteMemory(path)
    await again.open()
    assert list((await again.recall()).groups) == [settled.group]
    await again.close()


async def test_member_that_left_is_gone(memory: Memory) -> None:
    """A resolved alert that was told leaves its group on the disk, too."""
    opened = Book().route([change(Change.FIRED, endpoint="/a"), change(Change.FIRED, endpoint="/b")], TREE, NOW)[0]
    await memory.commit(Decision(groups=(opened,)), now=NOW)
    left, gone = opened.members
    group = replace(opened.group, members={left: opened.group.members[left]})
    await memory.commit(Decision(groups=(GroupChange(group=group, gone=(gone,)),)), now=NOW)
    assert list((await memory.recall()).groups) == [group]


async def test_message_comes_back_as_it_was(memory: Memory) -> None:
    """A stored message equals the one that was decided."""
    draft = firing(fired(endpoint="/päy").group)
    await memory.commit(Decision(drafts=(draft,)), now=NOW)
    (row,) = await memory.notifications(Outcome.PENDING)
    assert (row.message, row.notifier, row.why) == (draft.message, "pagerduty[0]", "first")


async def test_attempts_are_noted(memory: Memory) -> None:
    """A failed attempt leaves the row waiting with its error and plan; success ends it."""
    committed = await memory.commit(Decision(drafts=(firing(fired().group),)), now=NOW)
    (row,) = committed.pending
    soon = NOW + timedelta(seconds=9)
    retry = Attempt(id=row.id, outcome=Outcome.PENDING, at=NOW, error="away", next_attempt_at=soon, not_before=soon)
    await memory.mark(retry)
    (waiting,) = await memory.notifications(Outcome.PENDING)
    assert (waiting.attempts, waiting.last_error, waiting.next_attempt_at, waiting.not_before) == (
        1,
        "away",
        soon,
        soon,
    )
    await memory.mark(Attempt(id=row.id, outcome=Outcome.SENT, at=soon))
    (sent,) = await memory.notifications(Outcome.SENT)
    assert (sent.attempts, sent.done_at, sent.last_error) == (2, soon, "")
    assert await memory.count(Outcome.SENT, since=NOW) == 1
    assert await memory.count(Outcome.SENT, since=soon + timedelta(seconds=1)) == 0
    assert await memory.count(Outcome.PENDING) == 0


async def test_the_newest_receipt_of_a_lane_is_kept(memory: Memory, path: Path) -> None:
    """A notifier gets its own last receipt of the incident, over a restart, and no other's."""
    group = fired().group
    for receipt in ("one", "two", None):
        (row,) = (await memory.commit(Decision(drafts=(firing(group),)), now=NOW)).pending
        await memory.mark(Attempt(id=row.id, outcome=Outcome.SENT, at=NOW, receipt=receipt))
    await memory.close()
    again = SqliteMemory(path)
    await again.open()
    assert await again.receipt(group.incident, *LANE) == "two"
    assert await again.receipt(group.incident, LANE[0], "slack[0]") is None
    assert await again.receipt("another", *LANE) is None
    await again.close()


async def test_what_was_sent_stays_sent(memory: Memory) -> None:
    """No later word takes a sent message back, and a withdrawn one that did arrive is sent."""
    group = fired().group
    (first,) = (await memory.commit(Decision(drafts=(firing(group),)), now=NOW)).pending
    await memory.mark(Attempt(id=first.id, outcome=Outcome.SENT, at=NOW))
    await memory.mark(Attempt(id=first.id, outcome=Outcome.PENDING, at=NOW, error="late"))
    assert await states(memory) == [(first.id, "sent", "")]


async def test_resolve_waits_where_the_incident_was_announced(memory: Memory) -> None:
    """After a sent trigger the resolve waits to be sent."""
    group = fired().group
    (first,) = (await memory.commit(Decision(drafts=(firing(group),)), now=NOW)).pending
    assert not await memory.announced(group.incident, *LANE)
    await memory.mark(Attempt(id=first.id, outcome=Outcome.SENT, at=NOW))
    assert await memory.announced(group.incident, *LANE)
    committed = await memory.commit(Decision(drafts=(resolved(group),)), now=NOW)
    assert [row.message.status.value for row in committed.pending] == ["resolved"]


async def test_resolve_collapses_with_a_trigger_that_waits(memory: Memory) -> None:
    """A trigger that waits is withdrawn by its resolve, which is itself suppressed: both are named."""
    group = fired().group
    (first,) = (await memory.commit(Decision(drafts=(firing(group),)), now=NOW)).pending
    committed = await memory.commit(Decision(drafts=(resolved(group),)), now=NOW)
    assert committed.pending == ()
    assert committed.withdrawn == ((first.id, "resolved-before-sent"),)
    assert [row.reason for row in committed.suppressed] == ["never-announced"]


@pytest.mark.parametrize("notifier", ["slack[0]", "pagerduty[1]"])
async def test_collapse_is_for_each_notifier(memory: Memory, notifier: str) -> None:
    """What one notifier has heard says nothing about another."""
    group = fired().group
    drafts = (firing(group), firing(group, notifier))
    first, _ = (await memory.commit(Decision(drafts=drafts), now=NOW)).pending
    await memory.mark(Attempt(id=first.id, outcome=Outcome.SENT, at=NOW))
    committed = await memory.commit(Decision(drafts=(resolved(group), resolved(group, notifier))), now=NOW)
    assert [row.notifier for row in committed.pending] == ["pagerduty[0]"]
    assert [row.notifier for row in committed.suppressed] == [notifier]


async def test_trigger_in_flight_is_left_alone(memory: Memory) -> None:
    """A trigger that is being sent is not withdrawn, and its resolve waits behind it."""
    group = fired().group
    (first,) = (await memory.commit(Decision(drafts=(firing(group),)), now=NOW)).pending
    decision = Decision(drafts=(resolved(group),), in_flight=frozenset({first.id}))
    committed = await memory.commit(decision, now=NOW)
    assert (committed.withdrawn, len(committed.pending)) == ((), 1)


async def test_history_is_bounded_and_newest_first(memory: Memory) -> None:
    """Only the newest transitions are kept (5 here), and they can be asked for by rule and alert."""
    for number in range(7):
        await memory.commit(Decision(history=(entry(number, "Odd" if number % 2 else "Even"),)), now=NOW)
    assert [found.value for found in await memory.history(10)] == [6.0, 5.0, 4.0, 3.0, 2.0]
    assert await memory.history(1) == [entry(6, "Even")]
    assert [found.value for found in await memory.history(10, rule="Odd")] == [5.0, 3.0]
    assert [found.value for found in await memory.history(10, alert_id="id-Even")] == [6.0, 4.0, 2.0]


async def test_decision_that_fails_leaves_nothing(memory: Memory) -> None:
    """A decision is stored whole or not at all, and those that share its transaction are unharmed."""
    broken = replace(entry(1), value=object())  # type: ignore[arg-type]  # what no file can hold
    with pytest.raises(TypeError):
        await memory.commit(Decision(alerts=(change(Change.FIRED).alert,), history=(broken,)), now=NOW)
    assert list(await memory.alerts()) == []


async def test_silences_come_back(memory: Memory, path: Path) -> None:
    """As they were, matchers with quotes and backslashes too; a newer one takes the place of that with its id."""
    await memory.commit(Decision(silences=(silenced(), silenced("s2"))), now=NOW)
    await memory.commit(Decision(silences=(silenced(comment="done"),), unsilenced=("s2",)), now=NOW)
    await memory.close()
    again = SqliteMemory(path)
    await again.open()
    assert list(await again.silences()) == [silenced(comment="done")]
    await again.close()


async def test_acknowledgements_come_back(memory: Memory, path: Path) -> None:
    """As they were; a newer one takes the place of that of the same alert, and what was released is gone."""
    await memory.commit(Decision(acknowledged=(in_hand(), in_hand("a2"))), now=NOW)
    await memory.commit(Decision(acknowledged=(in_hand(author="bob"),), released=("a2",)), now=NOW)
    await memory.close()
    again = SqliteMemory(path)
    await again.open()
    assert list(await again.acknowledgements()) == [in_hand(author="bob")]
    await again.close()


async def test_what_a_group_knows_of_acknowledgements_comes_back(memory: Memory, path: Path) -> None:
    """Who has what in hand as far as its receiver heard, when a reminder was spared, and the same of a message."""
    group = replace(fired().group, taken={"a1": NOW.isoformat()}, spared_at=NOW)
    draft = firing(group)
    views = tuple(replace(view, acknowledged=in_hand()) for view in draft.message.alerts)
    draft = replace(draft, message=replace(draft.message, alerts=views, is_acknowledged=True))
    await memory.commit(Decision(groups=(replace(fired(), group=group),), drafts=(draft,)), now=NOW)
    await memory.close()
    again = SqliteMemory(path)
    await again.open()
    assert list((await again.recall()).groups) == [group]
    assert [row.message for row in await again.notifications(Outcome.PENDING)] == [draft.message]
    await again.close()


async def test_alerts_are_found_by_their_ids(memory: Memory) -> None:
    """With their last words; what is not there is passed over."""
    alert = change(Change.FIRED).alert
    words = Words(annotations={"summary": "slow"})
    await memory.commit(Decision(alerts=(alert,), words={alert.fingerprint: words}), now=NOW)
    await memory.commit(Decision(alerts=(change(Change.FIRED, "Other").alert,)), now=NOW)
    assert list(await memory.alerts(["another", alert.fingerprint])) == [KeptAlert(alert=alert, words=words)]
    assert list(await memory.alerts([])) == []


async def test_an_id_is_found_by_its_beginning(memory: Memory) -> None:
    """One, several (of which two are enough) or none; nothing but an id's own digits begins it."""
    alerts = tuple(change(Change.FIRED, name=f"Slow{number}").alert for number in range(20))
    await memory.commit(Decision(alerts=alerts), now=NOW)
    ids = sorted(alert.fingerprint for alert in alerts)
    assert [await memory.ids(one) for one in ids] == [[one] for one in ids]
    assert [await memory.ids(ids[0] + more) for more in ("0", "g", "%")] == [[], [], []]
    for start in sorted({one[:1] for one in ids}):
        assert await memory.ids(start) == [one for one in ids if one.startswith(start)][:2]
    assert [await memory.ids(start) for start in ("%", "g", "ﬀ")] == [[], [], []]


async def test_what_comes_back_at_a_start_shares_what_is_equal(memory: Memory) -> None:
    """The labels of an alert and of the member that stands for it are one object, as are pairs and times of several."""
    moves = [change(Change.FIRED, endpoint=name, team="web") for name in ("/a", "/b")]
    opened = Book().route(moves, TREE, NOW)[0]
    await memory.commit(Decision(alerts=tuple(one.alert for one in moves), groups=(opened,)), now=NOW)
    kept = await memory.recall()
    first, second = (kept.alerts[move.alert.fingerprint] for move in moves)
    assert [first, second] == [move.alert for move in moves]
    assert all(member.labels is kept.alerts[member.alert_id].labels for member in kept.groups[0].members.values())
    assert len({id(pair) for pair in (*first.labels, *second.labels)}) == 4  # name, team and two endpoints
    assert first.since is second.since


async def test_what_is_held_back_by_name_is_never_sent(memory: Memory) -> None:
    """A draft with a suppression is kept under its name; it withdraws nothing, and nobody has heard of it."""
    opened = fired().group
    await memory.commit(Decision(drafts=(firing(opened),)), now=NOW)
    held = replace(firing(opened), why="muted", suppression=Suppression.SILENCED)
    committed = await memory.commit(Decision(drafts=(held,)), now=NOW)
    assert [(row.state, row.reason, row.done_at) for row in committed.suppressed] == [
        (Outcome.SUPPRESSED, "silenced", NOW)
    ]
    assert (committed.pending, committed.withdrawn) == ((), ())
    assert len(await memory.notifications(Outcome.PENDING)) == 1
    assert not await memory.announced(opened.incident, *LANE)
