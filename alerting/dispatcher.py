"""From an evaluation to messages: routes what changed, stores it, flushes groups when they are due.

The evaluator calls `record`, the composition root `open`, `equip` and `run`. The invariants: what `record` returned
from is on the disk together with the fact that somebody is to be told, and when; the book in memory is what the file
holds, because it changes only after the file did; one decision is made at a time.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from alerting.acknowledgement import Acknowledgement, draw_up
from alerting.alert import Alert, Evaluation, Transition
from alerting.chronicle import entry, given_back, outgrown, taken
from alerting.events import EventLog
from alerting.fallback import Fallback
from alerting.flush import drafts, withheld
from alerting.lane import ChannelKey
from alerting.memory.contract import (
    Committed,
    Decision,
    Draft,
    HistoryEntry,
    Memory,
    MemoryFailed,
    Notification,
    Outcome,
    Suppression,
    Words,
)
from alerting.metrics import DispatchMetrics, count
from alerting.muting.calendar import Calendar
from alerting.muting.inhibition import InhibitRule
from alerting.muting.mutes import Mute
from alerting.muting.silence import Silence
from alerting.notify.contract import Notifier
from alerting.notify.plugin import Manner
from alerting.passing import PassingOn
from alerting.portion import MOST_ALERTS, portion
from alerting.quiet import Quiet
from alerting.recording import Recording
from alerting.routing.book import Book, GroupChange, member_now
from alerting.routing.group import Group, Notice, decide, rouse, wake
from alerting.routing.taken import reconsider, reopens
from alerting.routing.tree import Node
from alerting.send import Sender, given_up
from alerting.taking import Takings, attuned
from foundation.clock import Clock
from foundation.logs import logger

_log = logger("alerting.dispatcher")
_MOST_GROUPS = 256
_LOOK_AGAIN_S = 5.0
_MEMORY_AGAIN_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Equipment:
    """What notify.yml comes to. Without a `tree` nobody is told, and what waits goes on waiting.

    `manners` is how the notifiers take acknowledgements; one that is not named ignores them.
    """

    tree: Node | None = None
    receivers: frozenset[str] = frozenset()
    fallbacks: Mapping[str, Fallback] = field(default_factory=dict)
    inhibit_rules: tuple[InhibitRule, ...] = ()
    calendars: Mapping[str, Calendar] = field(default_factory=dict)
    notifiers: Mapping[ChannelKey, Notifier] = field(default_factory=dict)
    manners: Mapping[ChannelKey, Manner] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Flush:
    """What looking at a group that was due came to."""

    notice: Notice
    drafts: tuple[Draft, ...]
    change: GroupChange


class Dispatcher:
    """Decides who is told what, and remembers it. `url` is where people look at incidents."""

    def __init__(
        self,
        memory: Memory,
        sender: Sender,
        *,
        clock: Clock,
        metrics: DispatchMetrics,
        events: EventLog | None = None,
        url: str = "",
    ) -> None:
        self._memory = memory
        self._sender = sender
        self._clock = clock
        self._metrics = metrics
        self._events = events
        self._url = url
        self._tree: Node | None = None
        self._book = Book()
        self._quiet = Quiet()
        self._takings = Takings()
        self._manners: Mapping[ChannelKey, Manner] = {}
        self._passing = PassingOn(memory, sender, clock=clock, metrics=metrics)
        self._deciding = asyncio.Lock()
        self._recording = Recording(self._deciding, self._record_together)
        self._wake = asyncio.Event()

    async def open(self, equipment: Equipment) -> Mapping[str, Alert]:
        """Go on where the file stands: open groups, messages that wait. Call once, before `run`.

        Returns the alerts that the file holds, by their ids.
        """
        now = self._clock.now()
        kept = await self._memory.recall()
        self._book = Book(wake(group, now) for group in kept.groups)
        self._quiet.open(await self._memory.silences(), kept.alerts)
        self._takings = Takings(await self._memory.acknowledgements())
        async with self._deciding:
            await self._send_through(equipment)
            await self._follow(equipment)
        return kept.alerts

    def link_to(self, url: str) -> None:
        """Messages that are decided from now on name `url` as the place to look."""
        self._url = url

    async def equip(self, equipment: Equipment) -> None:
        """Route and send by `equipment` from now on. Raises MemoryFailed."""
        async with self._deciding:
            await self._send_through(equipment)
            await self._follow(equipment)

    async def record(self, evaluation: Evaluation, *, now: datetime) -> None:
        """Store an evaluation and what follows from it; when this returns it survives a crash.

        Evaluations that come together share a transaction. Raises MemoryFailed: nothing was stored.
        """
        if evaluation.saved or evaluation.forgotten or evaluation.transitions:
            await self._recording.record(evaluation, now)

    def incidents(self, alert_id: str) -> tuple[Group, ...]:
        """The groups that hold an alert."""
        return self._book.holding(alert_id)

    def incidents_like(self, start: str) -> tuple[Group, ...]:
        """The groups whose incident's name begins so."""
        return tuple(group for group in self._book.groups() if group.incident.startswith(start))

    def silences(self) -> tuple[Silence, ...]:
        """All silences that are kept, the one that ends last first."""
        return self._quiet.silences()

    @property
    def tree(self) -> Node | None:
        """The routes in force; None where nobody is told."""
        return self._tree

    def notifiers(self, receiver: str) -> tuple[str, ...]:
        """The notifiers of a receiver."""
        return self._sender.notifiers(receiver)

    def silenced(self, silence: Silence) -> int:
        """How many open alerts match a silence, whenever it is in force."""
        return self._quiet.matched(silence)

    def mute_of(self, group: Group, alert_id: str) -> Mute | None:
        """Why nobody hears of this alert of the group now; None where they do, or it is not open."""
        return self._quiet.mute_of(group, alert_id, self._clock.now())

    async def silence(self, silence: Silence) -> None:
        """Mute by this silence from now on, in the place of one with its id. Raises MemoryFailed."""
        async with self._deciding:
            now = self._clock.now()
            old = self._quiet.old(now)
            groups = tuple(self._book.roused((), now))
            await self._store(Decision(silences=(silence,), unsilenced=old, groups=groups), now)
            self._quiet.keep((silence,), old)

    def acknowledgement(self, alert_id: str) -> Acknowledgement | None:
        """Who has an alert in hand."""
        return self._takings.of(alert_id)

    async def acknowledge(
        self, alert_ids: Collection[str], *, author: str, comment: str
    ) -> tuple[Acknowledgement, ...]:
        """`author` has these alerts in hand from now on; those that are not open are passed over.

        Raises ValueError for words that will not do, and MemoryFailed.
        """
        async with self._deciding:
            now = self._clock.now()
            kept = await self._memory.alerts(alert_ids)
            made = {
                one.alert.fingerprint: draw_up(one.alert, author=author, comment=comment, now=now)
                for one in kept
                if one.alert.state.is_open
            }
            history = [
                taken(one, made[one.alert.fingerprint], self._incident(one.alert.fingerprint))
                for one in kept
                if one.alert.fingerprint in made
            ]
            await self._hand_on(tuple(made.values()), (), history, now)
            return tuple(made.values())

    async def release(self, alert_ids: Iterable[str]) -> tuple[Acknowledgement, ...]:
        """Nobody has these alerts in hand from now on. Returns the acknowledgements that this ends.

        Raises MemoryFailed.
        """
        async with self._deciding:
            now = self._clock.now()
            ends = {one: known for one in alert_ids if (known := self._takings.of(one)) is not None}
            history = [
                given_back(one, ends[one.alert.fingerprint], now, self._incident(one.alert.fingerprint))
                for one in await self._memory.alerts(ends)
            ]
            await self._hand_on((), tuple(ends), history, now)
            return tuple(ends.values())

    async def run(self) -> None:
        """Flush groups when they are due, until cancelled."""
        while True:
            self._wake.clear()
            try:
                flushed = await self._flush_due()
                await self._pass_on()
            except MemoryFailed as error:
                self._metrics.memory_failures.inc()
                _log.error("memory fails; flushing waits for it", reason=str(error))
                await asyncio.sleep(_MEMORY_AGAIN_S)
                continue
            if not flushed:
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._idle_s()):
                        await self._wake.wait()

    async def _hand_on(
        self,
        made: tuple[Acknowledgement, ...],
        ended: tuple[str, ...],
        history: Sequence[HistoryEntry],
        now: datetime,
    ) -> None:
        """Store who has what in hand, and that those who were told of it are to hear so."""
        touched = (*(one.alert_id for one in made), *ended)
        if not touched:
            return
        held = (group for alert_id in touched for group in self._book.holding(alert_id))
        groups = {group.key: rouse(group, now) for group in held if group.said_at is not None}
        changes = tuple(GroupChange(group=group) for group in groups.values())
        decision = Decision(acknowledged=made, released=ended, history=tuple(history), groups=changes)
        await self._store(decision, now)
        self._takings.take(made, ended)
        if self._events is not None:
            self._events.offer(history)

    async def _send_through(self, equipment: Equipment) -> None:
        """What waits for a receiver that is gone is given up; where nobody is configured, it waits in the file."""
        orphans = self._sender.equip(equipment.notifiers)
        if equipment.tree is None:
            return
        await self._give_up(orphans)
        if self._tree is None:
            pending = await self._memory.notifications(Outcome.PENDING)
            await self._give_up([row for row in pending if not self._sender.knows(row)])
            self._sender.offer(row for row in pending if self._sender.knows(row))

    async def _follow(self, equipment: Equipment) -> None:
        self._tree = equipment.tree
        self._manners = equipment.manners
        self._passing.adopt(equipment.fallbacks)
        self._quiet.adopt(equipment.inhibit_rules, equipment.calendars)
        if self._tree is None:
            return
        now = self._clock.now()
        wanted = self._book.misplaced(self._quiet.open_alerts(), self._tree, equipment.receivers)
        kept = await self._memory.alerts(wanted) if wanted else ()
        members = [member_now(one.alert, one.words.annotations, one.words.reason, now) for one in kept]
        changes = self._book.roused(self._book.reroute(members, self._tree, equipment.receivers, now), now)
        if changes:
            await self._store(Decision(groups=tuple(changes)), now)

    async def _give_up(self, rows: Iterable[Notification]) -> None:
        """The receivers of `rows` are no more."""
        for row in rows:
            await self._memory.mark(given_up(row, self._clock.now()))
            self._metrics.suppressed.labels(Suppression.RECEIVER_REMOVED.value).inc()

    async def _record_together(self, evaluations: Sequence[Evaluation], now: datetime) -> None:
        transitions = [change for evaluation in evaluations for change in evaluation.transitions]
        changes = self._book.route(transitions, self._tree, now)
        if self._quiet.frees(transitions):
            changes = self._book.roused(changes, now)
        holders = self._holders(changes)
        history = tuple(
            entry(one, holders.get(one.alert.fingerprint) or self._holder(one.alert.fingerprint)) for one in transitions
        )
        ended = self._takings.ended_by(transitions)
        history += self._outgrown(ended, transitions)
        decision = Decision(
            alerts=tuple(alert for evaluation in evaluations for alert in evaluation.saved),
            words={change.alert.fingerprint: _words(change) for change in transitions},
            forgotten=tuple(alert_id for evaluation in evaluations for alert_id in evaluation.forgotten),
            history=history,
            groups=tuple(changes),
            released=tuple(one.alert_id for one in ended),
        )
        await self._store(decision, now)
        self._quiet.take(transitions)
        self._takings.take((), decision.released)
        count(self._metrics.transitions, (transition.change for transition in transitions))
        if self._events is not None and history:
            self._events.offer(history)

    def _outgrown(
        self, ended: Sequence[Acknowledgement], transitions: Sequence[Transition]
    ) -> tuple[HistoryEntry, ...]:
        """That acknowledgements end with alerts that are worse now; with those that are over nobody wonders."""
        last = {one.alert.fingerprint: one for one in transitions} if ended else {}
        found = ((last[one.alert_id], one) for one in ended if last[one.alert_id].alert.state.is_open)
        return tuple(outgrown(worse, one, self._incident(one.alert_id)) for worse, one in found)

    def _incident(self, alert_id: str) -> str:
        """The incident that stands for an alert in its history."""
        holder = self._holder(alert_id)
        return holder.incident if holder else ""

    def _holders(self, changes: Sequence[GroupChange]) -> dict[str, Group]:
        """The group whose incident stands for each alert that `changes` touch: the first by the receiver's name."""
        groups = sorted((change.group for change in changes), key=lambda group: group.key.receiver, reverse=True)
        touched = {change.group.key: change.members for change in changes}
        return {alert_id: group for group in groups for alert_id in touched[group.key]}

    def _holder(self, alert_id: str) -> Group | None:
        """The same of an alert that no change touches."""
        return next(iter(self._book.holding(alert_id)), None)

    async def _flush_due(self) -> bool:
        async with self._deciding:
            now = self._clock.now()
            groups = self._book.take_due(now, _MOST_GROUPS)
            if not groups:
                return False
            due = [self._flush(group, now) for group in portion(groups, lambda group: len(group.members), MOST_ALERTS)]
            messages = tuple(draft for flush in due for draft in flush.drafts)
            changes = tuple(flush.change for flush in due)
            with self._sender.hold({draft.message.incident for draft in messages}) as in_flight:
                await self._store(Decision(groups=changes, drafts=messages, in_flight=in_flight), now)
            count(self._metrics.flushes, (flush.notice for flush in due))
            return True

    def _flush(self, group: Group, now: datetime) -> _Flush:
        """What a group that is due has to say, and what is kept from its receiver."""
        notifiers = self._sender.notifiers(group.key.receiver)
        hush, names = self._quiet.hush(group, now)
        in_hand = self._takings.among(group)
        notice = reconsider(group, decide(group, now, hush), now, hush, in_hand)
        said = drafts(group, notice, hush, notifiers, now, self._url, in_hand)
        if not notice.silent:
            again = reopens(group, notice, hush, in_hand)
            said = tuple(attuned(self._passing.with_others(group, said), notice, self._manners, reopens=again))
        kept = withheld(group, hush, names, notifiers, now)
        return _Flush(notice, (*said, *kept), self._book.settled(group, notice, now, hush, in_hand))

    async def _pass_on(self) -> None:
        """Tell somebody else of incidents whose receiver cannot be reached."""
        async with self._deciding:
            found = await self._passing.due(group.incident for group in self._book.groups())
            if found:
                await self._store(Decision(drafts=found), self._clock.now())

    async def _store(self, decision: Decision, now: datetime) -> None:
        committed = await self._memory.commit(decision, now=now)
        self._book.take(decision.groups)
        self._hand_over(decision, committed)
        self._wake.set()

    def _hand_over(self, decision: Decision, committed: Committed) -> None:
        if committed.withdrawn:
            ids = frozenset(row_id for row_id, _ in committed.withdrawn)
            for incident in {draft.message.incident for draft in decision.drafts}:
                self._sender.withdraw(incident, ids)
        for _, reason in committed.withdrawn:
            self._metrics.suppressed.labels(reason.value).inc()
        for row in committed.suppressed:
            self._metrics.suppressed.labels(row.reason).inc()
        self._sender.offer(committed.pending)

    def _idle_s(self) -> float:
        due = self._book.next_due()
        wait_s = (due - self._clock.now()).total_seconds() if due else _LOOK_AGAIN_S
        return min(max(wait_s, 0.0), _LOOK_AGAIN_S)


def _words(transition: Transition) -> Words:
    return Words(annotations=dict(transition.annotations), reason=transition.reason)
