"""What receivers hear over random histories of alerts, silences, inhibition and calendars. Pure: no file, no loop.

Routing and muting are put together here as the dispatcher puts them together. The oracle knows neither groups nor
timers: it keeps what was told, and looks up in the plain lists of the history what is open and what is muted.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from alerting.alert import Alert, Change, Labels, Level, State, Transition, labels_of
from alerting.flush import compose
from alerting.muting.calendar import Calendar, CalendarConfig, IntervalConfig, TimeRangeConfig
from alerting.muting.inhibition import InhibitRule
from alerting.muting.silence import Silence, draw_up
from alerting.notify.contract import AlertView, Message, Status
from alerting.quiet import Quiet
from alerting.routing.book import Book
from alerting.routing.group import decide
from alerting.routing.matchers import parse
from alerting.routing.tree import Node, Timers

ZERO = datetime(2026, 1, 1, tzinfo=UTC)
REPEAT, LONG = timedelta(minutes=20), timedelta(hours=3)
ALERTS = tuple(labels_of({"alertname": name, "site": site}) for name in ("Down", "Slow", "Full") for site in ("a", "b"))
INHIBIT = InhibitRule(
    source=parse('alertname="Down", severity="critical"'), target=parse('alertname="Slow"'), equal=("site",)
)
"""An open Down of level critical mutes Slow at its site."""
Move = tuple[tuple[Any, ...], timedelta]
SILENCED = ('site="a"', 'alertname="Full"', 'severity="warning"', 'alertname=~"Slow|Down"')
NIGHT = range(10, 25)
"""The minutes of each hour in which the calendar of the route is."""


def seconds(count: int) -> timedelta:
    return timedelta(seconds=count)


@cache
def night() -> Calendar:
    times = tuple(
        TimeRangeConfig(start_time=f"{hour:02}:{NIGHT.start:02}", end_time=f"{hour:02}:{NIGHT.stop:02}")
        for hour in range(24)
    )
    return Calendar(CalendarConfig(name="night", time_intervals=(IntervalConfig(times=times),)))


@dataclass
class Receiver:
    """Keeps what it is told, and complains of what nobody should be told."""

    known: dict[Labels, tuple[str, bool]] = field(default_factory=dict)
    open_incident: str = ""
    told_at: datetime = ZERO

    def hear(self, message: Message, muted: frozenset[Labels], now: datetime) -> None:
        firing = {_identity(view): _shown(view) for view in message.alerts if view.status is Status.FIRING}
        ended = [_identity(view) for view in message.alerts if view.status is Status.RESOLVED]
        for labels in firing.keys() & muted:
            assert labels in self.known, "news of a muted alert that the receiver never heard of"
        for labels in ended:
            assert labels in self.known, "a resolve of what was never announced"
        if message.status is Status.RESOLVED:
            assert self.open_incident == message.incident, "an all-clear of an incident that was never told"
        after = {**{labels: how for labels, how in self.known.items() if labels not in ended}, **firing}
        is_news = after != self.known or self.open_incident != message.incident
        assert is_news or now - self.told_at >= REPEAT, "the same told twice before the repeat interval"
        self.known, self.told_at = after, now
        self.open_incident = "" if message.status is Status.RESOLVED else message.incident


def _identity(view: AlertView) -> Labels:
    return labels_of({name: value for name, value in view.labels.items() if name != "severity"})


def _shown(view: AlertView) -> tuple[str, bool]:
    return view.labels["severity"], view.value is None


@dataclass
class Story:
    """A history as it goes on. `mute`: the route is told nothing at night."""

    timers: Timers
    by_site: bool
    now: datetime = ZERO
    book: Book = field(default_factory=Book)
    quiet: Quiet = field(default_factory=Quiet)
    alerts: dict[Labels, Alert] = field(default_factory=dict)
    silences: list[Silence] = field(default_factory=list)
    receivers: dict[Labels, Receiver] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.quiet.adopt((INHIBIT,), {"night": night()})

    @property
    def tree(self) -> Node:
        return Node(receiver="oncall", group_by=("site",) if self.by_site else ("alertname",), timers=self.timers)

    def be(self, labels: Labels, level: Level, state: State) -> None:
        """The alert is like this from now on; level OK: it has ended."""
        before = self.alerts.get(labels)
        state = State.INACTIVE if level is Level.OK else state
        if (before is None and level is Level.OK) or (before and (before.level, before.state) == (level, state)):
            return
        after = Alert(rule="r", labels=labels, state=state, level=level, value=1.0, since=self.now, fired_at=self.now)
        change = Transition(
            alert=after,
            before=before.state if before else State.INACTIVE,
            change=_change(before, after),
            at=self.now,
            reason="because",
        )
        changes = self.book.route([change], self.tree, self.now)
        if self.quiet.frees([change]):
            changes = self.book.roused(changes, self.now)
        self.book.take(changes)
        self.quiet.take([change])
        if level is Level.OK:
            self.alerts.pop(labels)
        else:
            self.alerts[labels] = after

    def silence(self, matchers: str, begins_s: int, lasts_s: int) -> None:
        """Somebody silences what meets the matchers, for a time that begins now or later."""
        begins = self.now + timedelta(seconds=begins_s)
        one = draw_up(
            f"s{len(self.silences)}",
            [matchers],
            starts_at=begins,
            ends_at=begins + timedelta(seconds=lasts_s),
            author="ann",
            comment="moving house",
            now=self.now,
        )
        self.silences.append(one)
        self._keep(one)

    def expire(self, number: int) -> None:
        """A silence is called off."""
        if self.silences:
            number %= len(self.silences)
            self.silences[number] = self.silences[number].expired(self.now)
            self._keep(self.silences[number])

    def _keep(self, one: Silence) -> None:
        self.book.take(self.book.roused((), self.now))
        self.quiet.keep((one,), ())

    def wait(self, span: timedelta) -> None:
        """Time passes; groups are flushed when they are due."""
        until = self.now + span
        while (due := self.book.next_due()) is not None and due <= until:
            self.now = max(due, self.now)
            self.flush()
        self.now = until

    def flush(self) -> None:
        """Every group that is due speaks, or not."""
        for group in self.book.take_due(self.now, 100):
            hush, _ = self.quiet.hush(group, self.now)
            notice = decide(group, self.now, hush)
            if not notice.silent:
                receiver = self.receivers.setdefault(group.key.labels, Receiver())
                receiver.hear(compose(group, self.now, "", notice.value, hush), self.muted(self.now), self.now)
            self.book.take([self.book.settled(group, notice, self.now, hush)])

    def muted(self, now: datetime) -> frozenset[Labels]:
        """The oracle: what is muted at a moment since the last move, looked up without any of the machinery."""
        return frozenset(labels for labels, alert in self.alerts.items() if self._is_muted(dict(labels), alert, now))

    def _is_muted(self, labels: Mapping[str, str], alert: Alert, now: datetime) -> bool:
        if self.timers.mute and now.minute in NIGHT:
            return True
        active = [one for one in self.silences if one.starts_at <= now < one.ends_at]
        told = {**labels, "severity": alert.level.severity}
        if any(all(matcher.matches(told) for matcher in one.matchers) for one in active):
            return True
        source = self.alerts.get(labels_of({"alertname": "Down", "site": labels["site"]}))
        return labels["alertname"] == "Slow" and source is not None and source.level is Level.CRITICAL

    def known(self) -> dict[Labels, tuple[str, bool]]:
        """What all receivers together believe."""
        return {labels: how for receiver in self.receivers.values() for labels, how in receiver.known.items()}


def _change(before: Alert | None, after: Alert) -> Change:
    if after.level is Level.OK:
        return Change.RESOLVED
    if before is None:
        return Change.FIRED
    if before.state is not after.state:
        return Change.DATA_LOST if after.state is State.NO_DATA else Change.DATA_BACK
    return Change.RAISED if after.level > before.level else Change.LOWERED


BE = st.tuples(
    st.just("be"),
    st.sampled_from(ALERTS),
    st.sampled_from(Level),
    st.sampled_from([State.FIRING, State.FIRING, State.NO_DATA]),
)
SILENCE = st.tuples(
    st.just("silence"), st.sampled_from(SILENCED), st.sampled_from([0, 0, 60, 700]), st.integers(1, 3000)
)
EXPIRE = st.tuples(st.just("expire"), st.integers(0, 5))
MOVES = st.tuples(st.one_of(BE, BE, BE, SILENCE, EXPIRE), st.sampled_from([0, 1, 20, 100, 100, 700]).map(seconds))
"""What happens, and for how long nothing does then."""
TIMERS = st.builds(
    Timers,
    wait=st.sampled_from([timedelta(0), timedelta(seconds=45)]),
    interval=st.just(timedelta(seconds=30)),
    repeat=st.just(REPEAT),
    mute=st.sampled_from([(), ("night",)]),
)


def live(story: Story, moves: list[Move]) -> None:
    """The history as it was drawn. Whenever nothing moved for as long as groups wait, everything that is open and not
    muted is known as it is, and nothing that is over is still believed.
    """
    for (name, *arguments), span in moves:
        getattr(story, name)(*arguments)
        story.wait(span)
        if span >= seconds(100):
            _check_beliefs(story)


@settings(max_examples=300, deadline=None)
@given(TIMERS, st.booleans(), st.lists(MOVES, min_size=20, max_size=50))
def test_receivers_believe_what_is_true(timers: Timers, by_site: bool, moves: list[Move]) -> None:
    """No news of a muted alert that was not heard of, no resolve of what was not announced, nothing twice, and soon the
    truth of all that is not muted.
    """
    live(Story(timers, by_site), moves)


def _check_beliefs(story: Story) -> None:
    soon = story.timers.wait + story.timers.interval + timedelta(seconds=1)
    is_open = {labels: (alert.level.severity, alert.state is State.NO_DATA) for labels, alert in story.alerts.items()}
    audible = is_open.keys() - _muted_since(story, story.now - soon)
    known = story.known()
    assert {labels: known.get(labels) for labels in audible} == {labels: is_open[labels] for labels in audible}
    assert known.keys() <= is_open.keys()


def _muted_since(story: Story, begin: datetime) -> frozenset[Labels]:
    """What was muted at some time since then: what was let go only just now may still have to be told."""
    full = story.now.replace(second=0, microsecond=0)
    edges = {begin, story.now, full, full - timedelta(minutes=1)}
    edges |= {moment for one in story.silences for moment in (one.starts_at, one.ends_at)}
    moments = (moment for edge in edges for moment in (edge, edge - timedelta(microseconds=1)))
    return frozenset().union(*(story.muted(moment) for moment in moments if begin <= moment <= story.now))


@settings(max_examples=150, deadline=None)
@given(TIMERS, st.booleans(), st.lists(MOVES, min_size=10, max_size=30))
def test_everything_that_still_fires_is_heard_when_all_mutes_are_over(
    timers: Timers,
    by_site: bool,
    moves: list[Move],
) -> None:
    """Silences end, the night ends, what inhibits ends: whoever was not told is told then, and of all ends."""
    story = Story(timers, by_site)
    live(story, moves)
    story.wait(LONG)
    for labels in ALERTS[:2]:
        story.be(labels, Level.OK, State.FIRING)
    story.wait(timedelta(minutes=60 - story.now.minute))
    assert not story.muted(story.now)
    assert story.known().keys() == story.alerts.keys()
    for labels in ALERTS:
        story.be(labels, Level.OK, State.FIRING)
    story.wait(timedelta(hours=1))
    assert story.known() == {}
    assert not list(story.book.groups())
