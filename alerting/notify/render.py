"""The plain words of a message: its headline, the lines about each alert, and how late it is.

Every notifier calls this, so that Slack, a mail and a pager say the same thing. Pure: `now` is an argument. Labels and
values come from outside and may be hostile; whatever leaves here is free of control characters, and what is meant to be
one line is one line. Escaping for a service (Slack's `&<>`, JSON, mail headers) is that notifier's.
"""

from __future__ import annotations

import math
import unicodedata
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from alerting.notify.contract import AlertView, Message, Status
from foundation import durations

LATE_AFTER = timedelta(seconds=60)
"""A message that is older than this when it goes out says so."""
MOST_ALERTS = 20
"""How many alerts of a group are told one by one; the rest are counted."""
_LINE_CHARACTERS = 1_000
_TO_THE_SECOND = len("2026-11-22 14:03:10")
_DESCRIPTION_LINES = 20
_REPEAT = "repeat"
_RELEASED = "released"
_MOST_HANDS = 5
_BREAKS = frozenset({"Cc", "Zl", "Zp"})
_UNSEEN = frozenset({"Cf", "Cs", "Co", "Cn"})


def headline(message: Message) -> str:
    """One line: how bad it is, whether somebody has it, what the worst alert says, and how many more there are."""
    told = message.count(Status.FIRING) or message.count(Status.RESOLVED)
    word = message.severity if message.status is Status.FIRING else message.status.value
    word = f"{word}, acknowledged" if message.is_acknowledged else word
    more = f" (and {told - 1} more)" if told > 1 else ""
    return f"[{one_line(word).upper()}] {title(worst(message))}{more}"


def body(message: Message, now: datetime) -> str:
    """The whole message as plain text, ending in a newline."""
    paragraphs = [
        "\n".join((f"{heading(view)}: {title(view)}", *(f"  {line}" for line in details(view, now))))
        for view in message.alerts[:MOST_ALERTS]
    ]
    paragraphs += footer(message, now)
    if message.url:
        paragraphs.append(f"Console: {one_line(message.url)}")
    return "\n\n".join(paragraphs) + "\n"


def footer(message: Message, now: datetime) -> list[str]:
    """What stands below the alerts: who has them, what is left out and why, that it is a reminder, how late it is."""
    lines = [f"Passed on: {one_line(message.note)}."] if message.note else []
    lines += [f"{line}." for line in hands(message)]
    lines += [*_untold(message), *(f"Left out: {one_line(words)}." for words in message.muted)]
    spokesman = worst(message)
    if message.why == _REPEAT and spokesman is not None:
        open_for = span(now - spokesman.since)
        lines.append(f"A reminder: open for {open_for}; values are those of each alert's last change.")
    late = lateness(message, now)
    if late is not None:
        lines.append(f"This message is {span(late)} late: it was decided at {moment(message.decided_at)}.")
    return lines


def hands(message: Message) -> list[str]:
    """Who has the alerts of a message in hand, or that nobody has any more: a line each, without a full stop."""
    counts = Counter([view.acknowledged.words for view in message.alerts if view.acknowledged is not None])
    if message.why == _RELEASED and not message.is_acknowledged:
        return ["Given back: nobody has it in hand any more", *_counted(counts)]
    if message.is_acknowledged and len(counts) == 1:
        return [f"Acknowledged {one_line(words)}" for words in counts]
    return _counted(counts)


def _counted(counts: Mapping[str, int]) -> list[str]:
    lines = [
        f"{count} alert{'s' if count > 1 else ''} acknowledged {one_line(words)}" for words, count in counts.items()
    ]
    return [*lines[:_MOST_HANDS], *([f"and {len(lines) - _MOST_HANDS} more"] if len(lines) > _MOST_HANDS else [])]


def _untold(message: Message) -> list[str]:
    shown = message.alerts[:MOST_ALERTS]
    untold = {status: message.count(status) - sum(view.status is status for view in shown) for status in Status}
    total, ended = sum(untold.values()), untold[Status.RESOLVED]
    if not total:
        return []
    is_mixed = 0 < ended < total
    return [f"... and {total} more alerts{f', {ended} of them resolved' if is_mixed else ''}."]


def lateness(message: Message, now: datetime) -> timedelta | None:
    """How long the message waited to go out, if that is long enough to be told."""
    waited = now - message.decided_at
    return waited if waited > LATE_AFTER else None


def worst(message: Message) -> AlertView | None:
    """The alert that speaks for the message: the first firing one, else the first."""
    told = concerned(message)
    return told[0] if told else None


def concerned(message: Message) -> Sequence[AlertView]:
    """The alerts that the headline counts: those firing, or all of a message that says it is over."""
    firing = [view for view in message.alerts if view.status is Status.FIRING]
    return firing or message.alerts


def heading(view: AlertView) -> str:
    """`CRITICAL`, `WARNING` or `RESOLVED`."""
    word = view.status.value if view.status is Status.RESOLVED else view.labels.get("severity", view.status.value)
    return one_line(word).upper()


def title(view: AlertView | None) -> str:
    """The summary of an alert in one line; its name where it has none."""
    if view is None:
        return "alert"
    return one_line(view.summary) or one_line(view.labels.get("alertname", "")) or "alert"


def details(view: AlertView, now: datetime) -> list[str]:
    """What is known about one alert, a fact a line: times, value and threshold, labels, description, runbook."""
    lines = [_times(view, now)]
    lines += _value(view)
    labels = ", ".join(
        f"{one_line(name)}={one_line(value)}"
        for name, value in sorted(view.labels.items())
        if name != "severity" and (name != "alertname" or view.summary)
    )
    lines += [one_line(labels)] if labels else []
    lines += [line for text in view.description.splitlines() if (line := one_line(text))][:_DESCRIPTION_LINES]
    lines += [f"runbook: {one_line(view.runbook_url)}"] if view.runbook_url else []
    return lines


def _value(view: AlertView) -> list[str]:
    """The value against its threshold, in the words of the state table; a number where there is no reason to give."""
    if view.status is Status.FIRING and view.reason and view.reason != view.summary:
        return [f"value: {one_line(view.reason)}"]
    return [f"value: {number(view.value)}"] if view.value is not None else []


def _times(view: AlertView, now: datetime) -> str:
    if view.status is Status.RESOLVED and view.ended is not None:
        reason = f": {one_line(view.reason)}" if view.reason else ""
        return f"over since {moment(view.ended)}, after {span(view.ended - view.since)}{reason}"
    return f"since {moment(view.since)} ({span(now - view.since)})"


def moment(at: datetime) -> str:
    """A time as people read it: `2026-11-22 14:03:10 UTC`."""
    return at.isoformat(" ", "seconds")[:_TO_THE_SECOND] + " UTC"


def span(length: timedelta) -> str:
    """A length of time in whole seconds, never negative: `2m10s`."""
    return durations.render(timedelta(seconds=max(0, round(length.total_seconds()))))


def number(value: float) -> str:
    """A number as short as it can be said: no trailing `.0`, three decimals at most above one."""
    if not math.isfinite(value):
        return str(value)
    if value == int(value) and abs(value) < 1e15:  # noqa: PLR2004 - above it a float no longer holds every integer
        return str(int(value))
    return f"{value:.3f}".rstrip("0").rstrip(".") if 1 <= abs(value) < 1e15 else f"{value:.4g}"  # noqa: PLR2004 - as above


def one_line(text: str, most: int = _LINE_CHARACTERS) -> str:
    """`text` in one line of at most `most` characters: breaks and controls become blanks, invisible marks go."""
    if len(text) <= most and text.isprintable() and "  " not in text and text == text.strip(" "):
        return text  # as most are: a blank is the only white space that is printable
    start = text[: 4 * most]
    return cut(" ".join((start if start.isprintable() else _seen(start)).split()), most)


def _seen(text: str) -> str:
    kept = ((character, unicodedata.category(character)) for character in text)
    return "".join(" " if kind in _BREAKS else character for character, kind in kept if kind not in _UNSEEN)


def cut(text: str, most: int) -> str:
    """`text`, or its beginning and an ellipsis, `most` characters at most."""
    return text if len(text) <= most else text[: most - 1] + "…"
