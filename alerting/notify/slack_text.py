"""A message in Slack's mrkdwn: its text, and the blocks of a message that is edited as its incident goes on.

`slack` and `slack_api` call it. Pure. The invariant: whatever comes from labels and templates is escaped (`&`, `<`,
`>`), so no `<!channel>`, `<@user>` or link can be smuggled in; links are made here, and only of plain web addresses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from alerting.notify.contract import AlertView, Message, Status
from alerting.notify.render import MOST_ALERTS, cut, details, footer, heading, headline, one_line, title, worst
from alerting.notify.wording import Unsaid, Wording

TEXT_CHARACTERS = 4_000
SECTION_CHARACTERS = 3_000
_LINE_CHARACTERS = 300
_LINK_CHARACTERS = 1_000
_MARKS = {"critical": ":rotating_light:", "resolved": ":white_check_mark:"}
_IN_HAND = ":eyes:"
_COLOURS = {"critical": "#d92d20", "resolved": "#2e9e5b"}
_COLOUR = "#e8930c"
_BROKEN_END = re.compile(r"(&[a-z]{0,3}|<[^>]*)…$")


def text(message: Message, now: datetime, wording: Wording | None = None) -> str:
    """The message in Slack's mrkdwn, at most TEXT_CHARACTERS long; what is too long loses its middle, not its links.

    `wording` says what stands between the headline and the end.
    """
    first = first_line(message)
    return "\n".join((first, *_lines(message, now, TEXT_CHARACTERS - len(first), wording)))


def first_line(message: Message) -> str:
    """The headline, with the mark of how bad it is, or of somebody who looks at it."""
    mark = _IN_HAND if message.is_acknowledged else _MARKS.get(_word(message), ":warning:")
    return f"{mark} *{escape(headline(message))}*"


def attachment(message: Message, now: datetime, wording: Wording | None = None) -> dict[str, Any]:
    """What stands below the headline, beside a bar in the colour of how bad it is."""
    lines = _lines(message, now, TEXT_CHARACTERS, wording)
    return {
        "color": _COLOURS.get(_word(message), _COLOUR),
        "fallback": first_line(message),
        "blocks": [section(words) for words in _pages(lines or [first_line(message)])],
    }


def section(words: str) -> dict[str, Any]:
    """A block of mrkdwn in which Slack makes no links of its own."""
    return {"type": "section", "text": {"type": "mrkdwn", "verbatim": True, "text": words}}


def reply(message: Message, now: datetime) -> str:
    """What is said in the thread about a change that people must notice: the headline, and when and why it is so."""
    told = [first_line(message)]
    spokesman = worst(message)
    if spokesman is not None:
        told += [f"    {escape(line)}" for line in details(spokesman, now)[:2]]
    return "\n".join((*told, *(f"_{escape(line)}_" for line in footer(message, now))))


def _word(message: Message) -> str:
    return message.severity if message.status is Status.FIRING else message.status.value


def _lines(message: Message, now: datetime, room: int, wording: Wording | None) -> list[str]:
    """What stands below the headline, in `room` characters."""
    last = [f"_{escape(line)}_" for line in footer(message, now)]
    last += [_link(message.url, "Open in Tocsin")] if message.url else []
    room -= sum(len(line) + 1 for line in last) + len("\n…")
    told = []
    for line in _said(message, now, wording):
        room -= len(line) + 1
        if room < 0:
            told.append("…")
            break
        told.append(line)
    return [*told, *last]


def _said(message: Message, now: datetime, wording: Wording | None) -> Iterator[str]:
    if wording is not None:
        try:
            lines = wording.lines(message, now)
        except Unsaid as error:
            yield f"_{escape(str(error))}_"
        else:
            yield from (_BROKEN_END.sub("…", line) for line in lines)
            return
    yield from _alert_lines(message, now)


def _pages(lines: list[str]) -> Iterator[str]:
    page = ""
    for line in lines:
        if page and len(page) + 1 + len(line) > SECTION_CHARACTERS:
            yield page
            page = ""
        page = f"{page}\n{line}" if page else line
    if page:
        yield page


def _alert_lines(message: Message, now: datetime) -> Iterator[str]:
    alone = len(message.alerts) == 1
    for view in message.alerts[:MOST_ALERTS]:
        if not alone:
            yield f"• *{escape(heading(view))}* {escape(title(view))}"
        yield from _details(view, now)


def _details(view: AlertView, now: datetime) -> Iterator[str]:
    for line in details(view, now):
        if not line.startswith("runbook: "):
            yield f"    {escape(line)}"
    if view.runbook_url:
        yield f"    {_link(view.runbook_url, 'Runbook')}"


def _link(url: str, words: str) -> str:
    """`<url|words>` for a web address that cannot break out of the brackets; anything else as escaped text."""
    address = one_line(url)
    linked = address.replace("&", "&amp;")
    is_plain = address == url and address.startswith(("https://", "http://")) and not set(address) & set("<>| ")
    return f"<{linked}|{words}>" if is_plain and len(linked) <= _LINK_CHARACTERS else f"{words}: {escape(address)}"


def escape(words: str) -> str:
    """One line that Slack shows as it is written."""
    return escape_all(cut(words, _LINE_CHARACTERS))


def escape_all(words: str) -> str:
    """Text of any length that Slack shows as it is written."""
    return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
