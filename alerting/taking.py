"""Who has which alert in hand, and what follows: what an end of it is, and who is told of it in which way. Pure.

The dispatcher keeps one `Takings` and changes it after the file. The invariant: an acknowledgement ends with its alert,
and where that gets worse than it was when somebody took it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from alerting.acknowledgement import Acknowledgement
from alerting.alert import Change, Transition
from alerting.lane import ChannelKey
from alerting.memory.contract import Draft
from alerting.notify.contract import Status
from alerting.notify.plugin import Manner
from alerting.routing.group import Group, Notice
from alerting.routing.taken import NOBODY, REOPENED, Taken


class Takings:
    """The acknowledgements in force."""

    def __init__(self, kept: Iterable[Acknowledgement] = ()) -> None:
        self._by_alert = {one.alert_id: one for one in kept}

    def of(self, alert_id: str) -> Acknowledgement | None:
        """Who has an alert in hand."""
        return self._by_alert.get(alert_id)

    def among(self, group: Group) -> Taken:
        """Those of a group's alerts."""
        if not self._by_alert:
            return NOBODY
        return {alert_id: one for alert_id, one in self._by_alert.items() if alert_id in group.members}

    def ended_by(self, transitions: Sequence[Transition]) -> tuple[Acknowledgement, ...]:
        """Those that are over after `transitions`."""
        if not self._by_alert:
            return ()
        ends = (one.alert.fingerprint for one in transitions if not self._lasts(one))
        return tuple(self._by_alert[alert_id] for alert_id in dict.fromkeys(ends))

    def take(self, acknowledged: Iterable[Acknowledgement], released: Iterable[str]) -> None:
        """These were stored, and those forgotten."""
        for alert_id in released:
            self._by_alert.pop(alert_id, None)
        self._by_alert |= {one.alert_id: one for one in acknowledged}

    def _lasts(self, transition: Transition) -> bool:
        known = self._by_alert.get(transition.alert.fingerprint)
        return known is None or (transition.change is not Change.RESOLVED and known.covers(transition.alert))


def attuned(
    said: Sequence[Draft], notice: Notice, manners: Mapping[ChannelKey, Manner], *, reopens: bool
) -> Iterator[Draft]:
    """What is `said`, as each notifier is to hear it.

    News about who has alerts in hand goes to those alone that tell it. `reopens`: the incident was told to be in hand
    and is so no more. A service that keeps incidents itself would page nobody, so it hears first that it is over.
    """
    for draft in said:
        manner = manners.get(ChannelKey(draft.message.receiver, draft.notifier), Manner.IGNORES)
        if notice.is_about_hands and manner is Manner.IGNORES:
            continue
        if reopens and manner is Manner.HOLDS and draft.suppression is None:
            over = replace(draft.message, status=Status.RESOLVED, why=REOPENED)
            yield replace(draft, why=REOPENED, message=over)
        yield draft
