"""Slack by its web API: one living message per incident, edited as the incident goes on, what matters in its thread.

The receipt is where the message stands (channel and `ts`) and what people last noticed. The invariants: a message that
is gone or was lost track of is posted anew, so news is never lost; an edit makes nobody look, so what people must
notice is also said in the thread, a rise to critical in the channel, too, even where another message swallowed it.

Source: https://docs.slack.dev/reference/methods/chat.postMessage and chat.update
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any

import orjson

from alerting.notify.contract import Message, Refusal, Status, Unanswered, Unreachable
from alerting.notify.endpoint import Answer, Endpoint, check_url
from alerting.notify.plugin import Deps
from alerting.notify.slack_text import attachment, escape_all, first_line, reply
from alerting.notify.wording import Wording
from foundation.errors import Permanent
from foundation.secret import Secret

API_URL = "https://slack.com/api"
_CHANNEL = re.compile(r"#?[^\s#,<>@:]{1,80}")
_TOKEN = re.compile(r"[!-~]{8,}")
_POST, _UPDATE = "chat.postMessage", "chat.update"
_NOTICED = frozenset({"raised", "all-resolved", "new-alerts", "released", "repeat", "fallback"})
_RANKS: Mapping[str, int] = MappingProxyType({"warning": 1, "critical": 2})
_BUSY = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded", "service_unavailable", "team_added_to_org"})
_UNSURE = frozenset({"fatal_error", "internal_error", "request_timeout"})
_GONE = frozenset(
    {
        "message_not_found",
        "thread_not_found",
        "cant_update_message",
        "edit_window_closed",
        "channel_not_found",
        "is_archived",
        "not_in_channel",
        "cannot_reply_to_message",
    }
)
_LONG = frozenset(
    {"msg_too_long", "msg_blocks_too_long", "invalid_blocks", "invalid_attachments", "too_many_attachments"}
)
_HINTS: Mapping[str, str] = MappingProxyType(
    {
        "not_in_channel": "invite the bot to the channel",
        "channel_not_found": "is the channel's name right, and is the bot a member of it?",
        "invalid_auth": "is the token right?",
        "missing_scope": "the bot needs the scope chat:write",
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where messages are posted, as whom, and in which words if not the usual ones. Raises ValueError."""

    token: Secret
    channel: str
    api_url: str
    text: str | None = None

    def __post_init__(self) -> None:
        check_url(self.api_url)
        if not _TOKEN.fullmatch(self.token.reveal()):
            raise ValueError("token is none that Slack gives; copy the bot's token, xoxb-..., best as ${SLACK_TOKEN}")
        if not _CHANNEL.fullmatch(self.channel):
            raise ValueError(f"channel: {self.channel!r} is no channel; write its id or name, as in '#alerts'")


class _No(Permanent):
    """Slack's word for why it did not do it."""

    def __init__(self, word: str) -> None:
        super().__init__(word)
        self.word = word


@dataclass(frozen=True, slots=True)
class _Spot:
    """Where a message stands."""

    channel: str
    ts: str


@dataclass(frozen=True, slots=True)
class _Receipt:
    spot: _Spot
    severity: str = ""
    firing: int = 0

    def text(self) -> str:
        return orjson.dumps(
            {"channel": self.spot.channel, "ts": self.spot.ts, "severity": self.severity, "firing": self.firing}
        ).decode()

    def is_raised_by(self, message: Message) -> bool:
        return message.status is Status.FIRING and _RANKS.get(message.severity, 0) > _RANKS.get(self.severity, 0) > 0

    def is_news(self, message: Message) -> bool:
        """Whether people must notice the message."""
        is_more = message.count(Status.FIRING) > self.firing or self.is_raised_by(message)
        return message.why in _NOTICED or message.status is Status.RESOLVED or is_more


class LivingSlack:
    """Keeps one message per incident in one channel."""

    def __init__(self, place: Place, deps: Deps) -> None:
        self._place = place
        self._wording = wording_of(place.text)
        self._methods = {
            method: Endpoint(
                "Slack",
                Secret(f"{place.api_url.rstrip('/')}/{method}"),
                timeout_s=deps.timeout_s,
                secrets=(place.token,),
            )
            for method in (_POST, _UPDATE)
        }

    async def send(self, message: Message, *, now: datetime) -> str | None:
        """Post or edit the incident's message; returns where it stands. Raises Unreachable or Refusal."""
        try:
            spot = await self._tell(message, now)
        except _No as no:
            hint = _HINTS.get(no.word)
            raise Refusal(f"Slack refused the message: {no.word}{f'; {hint}' if hint else ''}") from None
        return _Receipt(spot, message.severity, message.count(Status.FIRING)).text()

    async def close(self) -> None:
        """Release connections."""
        for endpoint in self._methods.values():
            await endpoint.close()

    async def _tell(self, message: Message, now: datetime) -> _Spot:
        standing = _read(message.receipt)
        if standing is not None:
            try:
                await self._go_on(standing, message, now)
            except _No as no:
                if no.word not in _GONE:
                    raise
            else:
                return standing.spot
        return await self._write(_POST, {"channel": self._place.channel}, message, now)

    async def _go_on(self, standing: _Receipt, message: Message, now: datetime) -> None:
        spot = standing.spot
        await self._write(_UPDATE, {"channel": spot.channel, "ts": spot.ts}, message, now)
        if standing.is_news(message):
            thread = {"channel": spot.channel, "thread_ts": spot.ts, "text": reply(message, now)}
            is_loud = standing.is_raised_by(message)
            await self._call(_POST, {**thread, **_UNPARSED, "reply_broadcast": is_loud}, now)

    async def _write(self, method: str, where: Mapping[str, str], message: Message, now: datetime) -> _Spot:
        """Write the message; where Slack finds it too long its headline alone, so that it gets through."""
        try:
            return await self._call(method, {**where, **living(message, now, self._wording)}, now)
        except _No as no:
            if no.word not in _LONG:
                raise
            brief = {"text": first_line(message), "attachments": [], **_UNPARSED}
            return await self._call(method, {**where, **brief}, now)

    async def _call(self, method: str, payload: Mapping[str, Any], now: datetime) -> _Spot:
        headers = {"Authorization": f"Bearer {self._place.token.reveal()}"}
        endpoint = self._methods[method]
        answer = await endpoint.exchange(orjson.dumps(payload), headers=headers, now=now)
        return _judge(answer, endpoint)


_UNPARSED: Mapping[str, Any] = MappingProxyType(
    {"parse": "none", "link_names": False, "unfurl_links": False, "unfurl_media": False}
)
"""Slack is to make nothing of what it finds in the text."""


def living(message: Message, now: datetime, wording: Wording | None) -> dict[str, Any]:
    """The message without its place."""
    return {"text": first_line(message), "attachments": [attachment(message, now, wording)], **_UNPARSED}


def wording_of(text: str | None) -> Wording | None:
    """The template of the key `text`, if there is one; what it is given is escaped for Slack. Raises ValueError."""
    return Wording("text", text, escape=escape_all) if text is not None else None


def opening(place: Place, message: Message, now: datetime) -> dict[str, Any]:
    """The whole message, as it is first posted."""
    return {"channel": place.channel, **living(message, now, wording_of(place.text))}


def _judge(answer: Answer, endpoint: Endpoint) -> _Spot:
    """Where the message stands. Raises _No, Unreachable or Unanswered."""
    try:
        verdict = orjson.loads(answer.text)
    except orjson.JSONDecodeError:
        verdict = None
    if not isinstance(verdict, dict) or not isinstance(verdict.get("ok"), bool):
        raise Unanswered("Slack's address was answered by something else; is there a proxy or a portal in between?")
    if verdict["ok"]:
        return _Spot(str(verdict.get("channel", "")), str(verdict.get("ts", "")))
    word = endpoint.redact(str(verdict.get("error")))
    if word in _BUSY:
        raise Unreachable(f"Slack is busy: {word}", retry_after_s=answer.retry_after_s)
    if word in _UNSURE:
        raise Unanswered(f"Slack failed: {word}", retry_after_s=answer.retry_after_s)
    raise _No(word)


def _read(receipt: str) -> _Receipt | None:
    """What `_Receipt.text` made; None for anything else, such as the receipt of another notifier in this place."""
    try:
        found = orjson.loads(receipt)
        spot = _Spot(found["channel"], found["ts"])
        standing = _Receipt(spot, str(found.get("severity", "")), int(found.get("firing", 0)))
    except (ValueError, KeyError, TypeError):
        return None
    return standing if spot.channel and spot.ts else None
