"""Acknowledgements over the whole sending half: a real SQLite file, notifiers that only remember, virtual time."""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest

from alerting.acknowledgement import Acknowledgement
from alerting.alert import NOTIFICATIONS_FAILING, Change, Level
from alerting.dispatcher import Equipment
from alerting.fallback import Fallback
from alerting.lane import ChannelKey
from alerting.memory.contract import Outcome
from alerting.muting.silence import draw_up
from alerting.notify.contract import Unreachable
from alerting.notify.plugin import Manner
from alerting.routing.tree import Node, Timers
from tests.alerting.desk import ONCALL, Desk, change, desk, equipment
from tests.fakes.notifier import FakeNotifier

pytestmark = pytest.mark.looptime

CHAT, MAIL = ChannelKey("oncall", "slack[0]"), ChannelKey("oncall", "email[0]")
MANNERS = {ONCALL: Manner.HOLDS, CHAT: Manner.TELLS}
SLOW = change(Change.FIRED).alert.fingerprint
REPEAT_S = 600
TREE = Node(receiver="oncall", group_by=("alertname",), timers=Timers(repeat=timedelta(seconds=REPEAT_S)))
FIRED, TAKEN = ("first", "firing"), ("acknowledged", "firing")


@dataclass
class Room:
    """A pager that keeps incidents, a chat that tells who has one, and mail that does not."""

    pager: FakeNotifier = field(default_factory=FakeNotifier)
    chat: FakeNotifier = field(default_factory=FakeNotifier)
    mail: FakeNotifier = field(default_factory=FakeNotifier)

    @property
    def equipped(self) -> Equipment:
        notifiers = {ONCALL: self.pager, CHAT: self.chat, MAIL: self.mail}
        return replace(equipment(notifiers, TREE), manners=MANNERS)

    def heard(self) -> list[list[tuple[str, str]]]:
        """(why, status) of what each was told, in order."""
        return [
            [(message.why, message.status.value) for _, message in one.sent]
            for one in (self.pager, self.chat, self.mail)
        ]


async def take(it: Desk, alert_id: str = SLOW, author: str = "ann") -> None:
    made = await it.dispatcher.acknowledge([alert_id], author=author, comment="on it")
    assert [one.alert_id for one in made] == [alert_id]
    await it.settle(1)


async def reasons(it: Desk) -> list[str]:
    return [row.reason for row in await it.memory.notifications(Outcome.SUPPRESSED)]


async def changes(it: Desk) -> list[str]:
    return [entry.change for entry in reversed(await it.memory.history(100))]


async def test_it_is_told_by_those_that_tell_and_ends_with_its_alert(tmp_path: Path) -> None:
    """Pager and chat say who has it, mail says nothing; after the end the next incident is nobody's."""
    room = Room()
    async with desk(tmp_path / "a.sqlite", room.equipped) as it:
        await it.say(change(Change.FIRED))
        await it.settle(1)
        await take(it)
        assert room.heard() == [[FIRED, TAKEN], [FIRED, TAKEN], [FIRED]]
        message = room.chat.sent[-1][1]
        known = Acknowledgement(
            alert_id=SLOW, level=Level.CRITICAL, author="ann", comment="on it", at=message.decided_at
        )
        assert (message.is_acknowledged, message.alerts[0].acknowledged) == (True, known)
        assert it.dispatcher.acknowledgement(SLOW) == known
        await it.say(change(Change.RESOLVED))
        await it.settle(1)
        assert [one[-1] for one in room.heard()] == [("all-resolved", "resolved")] * 3
        assert it.dispatcher.acknowledgement(SLOW) is None
        assert await it.memory.acknowledgements() == []
        await it.say(change(Change.FIRED))
        await it.settle(1)
        assert not room.pager.sent[-1][1].is_acknowledged
        assert await changes(it) == ["fired", "acknowledged", "resolved", "fired"]


async def test_reminders_are_kept_by_name_instead_of_sent(tmp_path: Path) -> None:
    """Each that would have gone is counted and kept for each notifier; given back, the one that is overdue goes now."""
    room = Room()
    async with desk(tmp_path / "a.sqlite", room.equipped) as it:
        await it.say(change(Change.FIRED))
        await it.settle(1)
        await take(it)
        await it.settle(2 * REPEAT_S)
        assert room.heard() == [[FIRED, TAKEN], [FIRED, TAKEN], [FIRED]]
        assert await reasons(it) == ["acknowledged"] * 6
        assert it.count("tocsin_alerting_suppressed_total", reason="acknowledged") == 6
        assert it.count("tocsin_alerting_flushes_total", notice="spared") == 2
        await it.dispatcher.release([SLOW])
        await it.settle(1)
        repeat = ("repeat", "firing")
        reopened = ("reopened", "resolved")
        assert room.heard() == [[FIRED, TAKEN, reopened, repeat], [FIRED, TAKEN, repeat], [FIRED, repeat]]


async def test_given_back_soon_it_is_told_so(tmp_path: Path) -> None:
    """A service that keeps incidents pages again: it hears of an end first; mail has nothing to hear."""
    room = Room()
    async with desk(tmp_path / "a.sqlite", room.equipped) as it:
        await it.say(change(Change.FIRED))
        await it.settle(1)
        await take(it)
        (ended,) = await it.dispatcher.release([SLOW])
        await it.settle(1)
        assert ended.author == "ann"
        released = ("released", "firing")
        assert room.heard() == [
            [FIRED, TAKEN, ("reopened", "resolved"), released],
            [FIRED, TAKEN, released],
            [FIRED],
        ]
        assert await it.dispatcher.release([SLOW]) == ()
        assert await changes(it) == ["fired", "acknowledged", "released"]


async def test_what_gets_worse_pages_and_is_nobodys(tmp_path: Path) -> None:
    """A warning that was taken and turns critical is told at once to all; reminders come again."""
    room = Room()
    async with desk(tmp_path / "a.sqlite", room.equipped) as it:
        await it.say(change(Change.FIRED, level=Level.WARNING))
        await it.settle(1)
        await take(it)
        await it.say(change(Change.RAISED))
        await it.settle(1)
        raised = ("raised", "firing")
        assert room.heard() == [
            [FIRED, TAKEN, ("reopened", "resolved"), raised],
            [FIRED, TAKEN, raised],
            [FIRED, raised],
        ]
        assert not room.chat.sent[-1][1].is_acknowledged
        assert await it.memory.acknowledgements() == []
        assert await changes(it) == ["fired", "acknowledged", "raised", "released"]
        await it.settle(REPEAT_S)
        assert [one[-1] for one in room.heard()] == [("repeat", "firing")] * 3


async def test_what_falls_and_comes_back_stays_in_hand(tmp_path: Path) -> None:
    """Whoever took it as critical knows it as critical: news of it is told, and the acknowledgement lasts."""
    room = Room()
    async with desk(tmp_path / "a.sqlite", room.equipped) as it:
        await it.say(change(Change.FIRED))
        await it.settle(1)
        await take(it)
        await it.say(change(Change.LOWERED, level=Level.WARNING))
        await it.settle(60)
        await it.say(change(Change.RAISED))
        await it.settle(60)
        assert room.heard()[0] == [FIRED, TAKEN, ("changed", "firing"), ("raised", "firing")]
        assert all(message.is_acknowledged for _, message in room.pager.sent[1:])
        assert len(await it.memory.acknowledgements()) == 1


async def test_a_new_alert_of_the_incident_pages(tmp_path: Path) -> None:
    """It is nobody's; the other stays in hand, and the incident is so again when both are."""
    room = Room()
    other = change(Change.FIRED, endpoint="/b")
    async with desk(tmp_path / "a.sqlite", room.equipped) as it:
        await it.say(change(Change.FIRED))
        await it.settle(1)
        await take(it)
        await it.say(other)
        await it.settle(60)
        assert room.heard()[0][2:] == [("reopened", "resolved"), ("new-alerts", "firing")]
        message = room.mail.sent[-1][1]
        assert [view.acknowledged is not None for view in message.alerts] == [True, False]
        assert not message.is_acknowledged
        await take(it, other.alert.fingerprint, "bob")
        assert room.heard()[0][4:] == [TAKEN]
        assert room.pager.sent[-1][1].is_acknowledged


async def test_taken_over_by_another(tmp_path: Path) -> None:
    """The last who takes it has it, and that is told."""
    room = Room()
    async with desk(tmp_path / "a.sqlite", room.equipped) as it:
        await it.say(change(Change.FIRED))
        await it.settle(1)
        await take(it)
        await take(it, author="bob")
        assert room.heard()[1] == [FIRED, TAKEN, TAKEN]
        (known,) = await it.memory.acknowledgements()
        assert known.author == "bob"


async def test_only_what_is_open_can_be_taken(tmp_path: Path) -> None:
    """A pending alert, one that has ended and one that never was are passed over, and nothing is stored."""
    async with desk(tmp_path / "a.sqlite", Room().equipped) as it:
        await it.say(change(Change.PENDING))
        assert await it.dispatcher.acknowledge([SLOW, "never"], author="ann", comment="") == ()
        await it.say(change(Change.FIRED))
        await it.say(change(Change.RESOLVED))
        assert await it.dispatcher.acknowledge([SLOW], author="ann", comment="") == ()
        assert await it.memory.acknowledgements() == []


async def test_it_outlives_a_restart(tmp_path: Path) -> None:
    """Who has it, and that this was told: nothing is said again, and reminders stay spared."""
    before, after = Room(), Room()
    async with desk(tmp_path / "a.sqlite", before.equipped) as it:
        await it.say(change(Change.FIRED))
        await it.settle(1)
        await take(it)
        clock = it.clock
    async with desk(tmp_path / "a.sqlite", after.equipped, clock=clock) as it:
        await it.settle(REPEAT_S)
        assert after.heard() == [[], [], []]
        assert set(await reasons(it)) == {"acknowledged"}
        assert it.dispatcher.acknowledgement(SLOW) is not None


async def test_before_the_first_word_it_delays_nothing(tmp_path: Path) -> None:
    """An alert that is taken while a silence hides it is told when the silence ends, as one that somebody has."""
    room = Room()
    async with desk(tmp_path / "a.sqlite", room.equipped) as it:
        now = it.clock.now()
        words = {"author": "ann", "comment": "moving house"}
        until = now + timedelta(seconds=100)
        await it.dispatcher.silence(draw_up("s1", ["alertname=Slow"], starts_at=now, ends_at=until, now=now, **words))
        await it.say(change(Change.FIRED))
        await take(it)
        assert room.heard() == [[], [], []]
        await it.settle(120)
        assert room.heard() == [[FIRED], [FIRED], [FIRED]]
        assert room.pager.sent[0][1].is_acknowledged


async def test_a_group_that_waits_for_company_goes_on_waiting(tmp_path: Path) -> None:
    """Whoever takes an alert within group_wait hastens nothing: the first message comes when it would have come."""
    room = Room()
    timers = Timers(wait=timedelta(seconds=30))
    tree = Node(receiver="oncall", group_by=("alertname",), timers=timers)
    async with desk(tmp_path / "a.sqlite", replace(room.equipped, tree=tree)) as it:
        await it.say(change(Change.FIRED))
        await take(it)
        await it.settle(20)
        assert room.heard() == [[], [], []]
        await it.settle(20)
        assert room.heard() == [[FIRED], [FIRED], [FIRED]]


async def test_what_is_said_around_a_notifier_that_fails_is_spared_too(tmp_path: Path) -> None:
    """The fallback hears of it in the notifier's place, and of no reminder while somebody has it."""
    spare = ChannelKey("spare", "email[0]")
    pager, mail = FakeNotifier(), FakeNotifier()
    fallbacks = {"oncall": Fallback("spare", timedelta(hours=9))}
    failing = change(Change.FIRED, NOTIFICATIONS_FAILING, receiver="oncall", notifier="pagerduty[0]")
    equipped = replace(equipment({ONCALL: pager, spare: mail}, TREE), fallbacks=fallbacks)
    async with desk(tmp_path / "a.sqlite", equipped) as it:
        await it.say(failing)
        await it.settle(1)
        assert (pager.told, len(mail.told)) == ([], 1)
        await take(it, failing.alert.fingerprint)
        await it.settle(REPEAT_S)
        assert (pager.told, len(mail.told)) == ([], 1)
        assert "acknowledged" in await reasons(it)


async def test_a_fallback_hears_of_no_end_that_is_none(tmp_path: Path) -> None:
    """Who was told in another's place hears what it would hear itself: the pager's second page is not its business."""
    spare = ChannelKey("spare", "email[0]")
    pager, mail = FakeNotifier(faults=[Unreachable("away") for _ in range(12)]), FakeNotifier()
    equipped = replace(
        equipment({ONCALL: pager, spare: mail}),
        fallbacks={"oncall": Fallback("spare", timedelta(seconds=20))},
        manners={ONCALL: Manner.HOLDS},
    )
    async with desk(tmp_path / "a.sqlite", equipped) as it:
        await it.say(change(Change.FIRED, level=Level.WARNING))
        await it.settle(200)
        await take(it)
        await it.say(change(Change.RAISED))
        await it.settle(60)
        assert [message.why for _, message in mail.sent] == ["fallback", "raised"]
        assert [message.why for _, message in pager.sent][-2:] == ["reopened", "raised"]


async def test_words_that_will_not_do(tmp_path: Path) -> None:
    """Nobody is no author, and a novel is no comment: nothing is stored."""
    async with desk(tmp_path / "a.sqlite", Room().equipped) as it:
        await it.say(change(Change.FIRED))
        with pytest.raises(ValueError, match="author is missing"):
            await it.dispatcher.acknowledge([SLOW], author=" ", comment="")
        with pytest.raises(ValueError, match="comment is longer than 1000"):
            await it.dispatcher.acknowledge([SLOW], author="ann", comment="x" * 1001)
        assert await it.memory.acknowledgements() == []
