"""What a pager like PagerDuty believes over random histories of alerts that people take and give back. Pure.

The oracle is a plain list: what is open, who has what in hand, and how bad it was then. The pager is one that pages
when an incident opens, and nobody while it is acknowledged, whatever triggers come.
"""

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from alerting.acknowledgement import Acknowledgement, draw_up
from alerting.alert import Alert, Change, Labels, Level, State, Transition
from alerting.flush import drafts
from alerting.lane import ChannelKey
from alerting.notify.contract import Message
from alerting.notify.pagerduty import actions
from alerting.notify.plugin import Manner
from alerting.routing.book import GroupChange
from alerting.routing.group import NO_HUSH, decide, rouse
from alerting.routing.taken import reconsider, reopens
from alerting.routing.tree import Node, Timers
from alerting.taking import Takings, attuned
from tests.alerting.test_hearing import ALERTS, REPEAT, Move, Story, seconds

SOME = ALERTS[:3]
PAGER = ChannelKey("oncall", "pagerduty[0]")
BE = st.tuples(
    st.just("be"), st.sampled_from(SOME), st.sampled_from(Level), st.sampled_from([State.FIRING, State.NO_DATA])
)
HANDS = st.tuples(st.sampled_from(["take", "give_back"]), st.sampled_from(SOME))
PAUSES = st.sampled_from([0, 1, 20, 100, 100, 700, 1300]).map(seconds)


@dataclass
class Pager:
    """The one incident, as the service keeps it."""

    open: bool = False
    acknowledged: bool = False
    receipt: str = ""
    pages: int = 0
    reminders: int = 0

    def hear(self, message: Message) -> None:
        for action in actions(message):
            if action == "trigger" and not self.open:
                self.open, self.acknowledged = True, False
                self.pages += 1
            elif action == "resolve":
                self.open = self.acknowledged = False
            elif action == "acknowledge":
                assert self.open, "what is not open cannot be acknowledged"
                self.acknowledged = True
            self.receipt = action
        self.reminders += message.why == "repeat"


@dataclass
class Hands(Story):
    """A history of one group in which nothing is muted."""

    takings: Takings = field(default_factory=Takings)
    in_hand: dict[Labels, Level] = field(default_factory=dict)
    pager: Pager = field(default_factory=Pager)

    @property
    def tree(self) -> Node:
        return Node(receiver="oncall", group_by=(), timers=self.timers)

    @property
    def is_in_hand(self) -> bool:
        """The oracle: somebody has all that is open."""
        return bool(self.alerts) and self.alerts.keys() <= self.in_hand.keys()

    def be(self, labels: Labels, level: Level, state: State) -> None:
        super().be(labels, level, state)
        after = self.alerts.get(labels) or Alert(rule="r", labels=labels)
        change = Change.RESOLVED if level is Level.OK else Change.RAISED
        said = Transition(alert=after, before=State.FIRING, change=change, at=self.now, reason="because")
        self.takings.take((), [one.alert_id for one in self.takings.ended_by([said])])
        if level is Level.OK or level > self.in_hand.get(labels, Level.CRITICAL):
            self.in_hand.pop(labels, None)

    def take(self, labels: Labels) -> None:
        alert = self.alerts.get(labels)
        if alert is not None:
            self._hand(draw_up(alert, author="ann", comment="", now=self.now), "")
            self.in_hand[labels] = alert.level

    def give_back(self, labels: Labels) -> None:
        if self.in_hand.pop(labels, None) is not None:
            self._hand(None, self.alerts[labels].fingerprint)

    def _hand(self, made: Acknowledgement | None, ended: str) -> None:
        self.takings.take((made,) if made else (), (ended,) if ended else ())
        told = [group for group in self.book.groups() if group.said_at is not None]
        self.book.take([GroupChange(group=rouse(group, self.now)) for group in told])

    def flush(self) -> None:
        """As the dispatcher does it for a notifier that keeps incidents."""
        for group in self.book.take_due(self.now, 100):
            taken = self.takings.among(group)
            notice = reconsider(group, decide(group, self.now, NO_HUSH), self.now, NO_HUSH, taken)
            said = drafts(group, notice, NO_HUSH, (PAGER.notifier,), self.now, "", taken)
            again = reopens(group, notice, NO_HUSH, taken)
            for draft in () if notice.silent else attuned(said, notice, {PAGER: Manner.HOLDS}, reopens=again):
                self.pager.hear(draft.message)
            self.book.take([self.book.settled(group, notice, self.now, NO_HUSH, taken)])


@settings(max_examples=150, deadline=None)
@given(
    st.builds(Timers, wait=st.sampled_from([seconds(0), seconds(45)]), repeat=st.just(REPEAT)),
    st.lists(st.tuples(st.one_of(BE, BE, HANDS, HANDS), PAUSES), min_size=10, max_size=30),
)
def test_a_pager_believes_what_is_true(timers: Timers, moves: list[Move]) -> None:
    """It is acknowledged exactly while somebody has all that is open, so it pages again when that is over; reminders
    come exactly while somebody has not.
    """
    story = Hands(timers, by_site=False)
    for (name, *arguments), span in moves:
        getattr(story, name)(*arguments)
        before = story.pager.reminders
        story.wait(span)
        if story.is_in_hand or not story.alerts:
            assert story.pager.reminders == before
        elif span > REPEAT + seconds(75):
            assert story.pager.reminders > before
        if span >= seconds(100):
            assert (story.pager.open, story.pager.acknowledged) == (bool(story.alerts), story.is_in_hand)
