"""Who hears of an incident when its own receiver cannot be reached. Pure; the dispatcher calls it.

The invariants: an incident is passed on once; whoever heard of it that way hears of its end as well; a receiver that
was reached by any of its notifiers was reached.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from alerting.memory.contract import Draft, Notification, Outcome
from alerting.notify.contract import Status
from alerting.notify.render import span

WHY = "fallback"


@dataclass(frozen=True, slots=True)
class Fallback:
    """The receiver that is told instead, when a message was not taken for so long."""

    receiver: str
    after: timedelta


def overdue(
    waiting: Iterable[tuple[Notification, timedelta]],
    refused: Iterable[Notification],
    fallbacks: Mapping[str, Fallback],
    now: datetime,
) -> dict[tuple[str, str], tuple[Notification, timedelta]]:
    """Of the rows that wait, each with for how long its notifier has heard nothing, and of those that were refused,
    those of which somebody else is to hear now: (incident, receiver) -> the first of them, and how long it waited.
    """
    found: dict[tuple[str, str], tuple[Notification, timedelta]] = {}
    lost = ((row, max(now - row.message.decided_at, timedelta(0))) for row in refused)
    for row, waited in (*waiting, *lost):
        message = row.message
        fallback = fallbacks.get(message.receiver)
        if fallback is None or message.status is not Status.FIRING or row.why == WHY:
            continue
        if row.state is Outcome.FAILED or waited >= fallback.after:
            found.setdefault((message.incident, message.receiver), (row, waited))
    return found


def is_needed(row: Notification, told: Iterable[Notification], fallback: Fallback) -> bool:
    """Whether nobody was reached: `told` is all that was said about the row's incident."""
    for other in told:
        if other.message.receiver == fallback.receiver:
            return False
        reached = other.state is Outcome.SENT and other.message.status is Status.FIRING
        if reached and other.message.receiver == row.message.receiver:
            return False
    return True


def passed_on(row: Notification, waited: timedelta, fallback: Fallback, notifiers: Sequence[str]) -> tuple[Draft, ...]:
    """The row's message for each notifier of the fallback, saying whom it was meant for."""
    message = row.message
    problem = f": {row.last_error}" if row.last_error else ""
    told = replace(
        message,
        receiver=fallback.receiver,
        why=WHY,
        note=f"{message.receiver} could not be told for {span(waited)}{problem}",
    )
    return tuple(Draft(notifier=notifier, why=WHY, message=told) for notifier in notifiers)


def echoes(said: Iterable[Draft], fallback: Fallback, notifiers: Sequence[str]) -> tuple[Draft, ...]:
    """The same messages for the fallback: they are kept only where it was told of the incident."""
    once = {id(draft.message): draft for draft in said if draft.suppression is None}
    return tuple(
        Draft(notifier=notifier, why=draft.why, message=replace(draft.message, receiver=fallback.receiver), echo=True)
        for draft in once.values()
        for notifier in notifiers
    )
