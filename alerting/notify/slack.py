"""Slack by an incoming webhook: one message for each thing to say, nothing edited afterwards.

Whatever comes from labels and templates is escaped (`&`, `<`, `>`), so no `<!channel>`, `<@user>` or link can be
smuggled in; `link_names` stays off, so a plain @name mentions nobody.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from alerting.notify.contract import AlertView, Message, Refusal, Status, Unreachable
from alerting.notify.endpoint import Endpoint, check_url
from alerting.notify.plugin import Deps
from alerting.notify.render import MOST_ALERTS, cut, details, footer, heading, headline, one_line, title
from foundation.secret import Secret

TEXT_CHARACTERS = 4_000
_LINE_CHARACTERS = 300
_LINK_CHARACTERS = 1_000
_MARKS = {"critical": ":rotating_light:", "resolved": ":white_check_mark:"}


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackConfig:
    """An incoming webhook; `url` does the same and wins, as on every receiver."""

    webhook: Secret | None = None
    url: Secret | None = None

    def __post_init__(self) -> None:
        check_url(self.address.reveal())

    @property
    def address(self) -> Secret:
        """Where to post. Raises ValueError if nothing is given."""
        address = self.url or self.webhook
        if address is None:
            raise ValueError("webhook is missing; give the address of an incoming webhook, best as ${SLACK_WEBHOOK}")
        return address


class Slack:
    """Posts to one incoming webhook."""

    def __init__(self, config: SlackConfig, deps: Deps) -> None:
        self._endpoint = Endpoint("Slack", config.address, timeout_s=deps.timeout_s)

    async def send(self, message: Message, *, now: datetime) -> None:
        """Post one message. Raises Unreachable (try again) or Refusal (never)."""
        answer = await self._endpoint.post(post(message, now), now=now)
        self._judge(answer)

    def _judge(self, answer: str) -> None:
        """A 2xx is not always a yes: `{"ok": false}` is a no, and a page of HTML came from something in between."""
        if answer.lstrip().startswith("<"):
            raise Unreachable("Slack's address was answered by a web page; is there a proxy or a portal in between?")
        try:
            verdict = orjson.loads(answer)
        except orjson.JSONDecodeError:
            return
        if isinstance(verdict, dict) and verdict.get("ok") is False:
            raise Refusal(f"Slack refused the message: {self._endpoint.redact(str(verdict.get('error')))}")

    async def close(self) -> None:
        """Release connections."""
        await self._endpoint.close()


def post(message: Message, now: datetime) -> dict[str, Any]:
    """The JSON that Slack is sent."""
    return {"text": text(message, now), "link_names": False, "unfurl_links": False, "unfurl_media": False}


def text(message: Message, now: datetime) -> str:
    """The message in Slack's mrkdwn, at most TEXT_CHARACTERS long; what is too long loses its middle, not its links."""
    word = message.severity if message.status is Status.FIRING else message.status.value
    first = f"{_MARKS.get(word, ':warning:')} *{escape(headline(message))}*"
    last = [f"_{escape(line)}_" for line in footer(message, now)]
    last += [_link(message.url, "Open in Tocsin")] if message.url else []
    room = TEXT_CHARACTERS - len(first) - sum(len(line) + 1 for line in last) - len("\n…")
    told = []
    for line in _alert_lines(message, now):
        room -= len(line) + 1
        if room < 0:
            told.append("…")
            break
        told.append(line)
    return "\n".join((first, *told, *last))


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
    address = one_line(url, _LINK_CHARACTERS)
    if not address.startswith(("https://", "http://")) or set(address) & set("<>| "):
        return f"{words}: {escape(address)}"
    return f"<{address.replace('&', '&amp;')}|{words}>"


def escape(words: str) -> str:
    """One line that Slack shows as it is written."""
    shortened = cut(words, _LINE_CHARACTERS)
    return shortened.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def preview(_config: SlackConfig, message: Message, now: datetime) -> str:
    """The text, in Slack's mrkdwn."""
    return text(message, now) + "\n"
