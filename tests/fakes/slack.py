"""Slack's incoming webhook and its web API. They enforce what the real ones do, and refuse what mentions people."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from aiohttp import web

from tests.fakes.service import FakeService

TEXT_CHARACTERS = 40_000
_BRACKET = re.compile(r"<([^<>]*)>")
_ENTITY = re.compile(r"&(?!(amp|lt|gt);)")
_KEYS = {"text", "blocks", "attachments", "link_names", "unfurl_links", "unfurl_media", "mrkdwn", "parse"}


class FakeSlack(FakeService):
    """Answers `ok` as text, or 400 with Slack's word for what is wrong. `messages` are the JSON bodies it took."""

    path = "/services/T00000000/B00000000/webhook-secret"

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[dict[str, Any]] = []
        self.refusals: list[str] = []

    async def judge(self, request: web.Request) -> web.Response:
        raw = await request.read()
        fault = next(_faults(request.content_type, raw), None)
        if fault is not None:
            self.refusals.append(fault)
            return web.Response(status=400, text=fault)
        self.messages.append(json.loads(raw))
        return web.Response(text="ok")


def _faults(content_type: str, raw: bytes) -> Iterator[str]:
    try:
        message = json.loads(raw)
    except ValueError:
        yield "invalid_payload"
        return
    if content_type != "application/json" or not isinstance(message, dict) or set(message) - _KEYS:
        yield "invalid_payload"
        return
    text = message.get("text", "")
    if not isinstance(text, str) or not text.strip():
        yield "no_text"
        return
    if len(text) > TEXT_CHARACTERS:
        yield "msg_too_long"
    if message.get("link_names") or message.get("parse") == "full":
        yield "names_would_be_linked"
    yield from _smuggled(text)


class FakeSlackApi(FakeService):
    """chat.postMessage and chat.update for one bot that is a member of one channel.

    `channel` holds the messages as they stand now, by `ts`; `threads` the replies, by the `ts` of their message, and
    `broadcast` those that the channel sees, too. `refusals` are Slack's words for what was wrong; `noes` are answered
    with `ok: false` before anything is judged. Source: the two methods' pages at https://docs.slack.dev/reference/methods
    """

    path = "/api/{method}"
    channel_id = "C0123ALERTS"
    channel_name = "#alerts"

    def __init__(self, token: str) -> None:
        super().__init__()
        self.channel: dict[str, dict[str, Any]] = {}
        self.threads: dict[str, list[dict[str, Any]]] = {}
        self.broadcast: list[dict[str, Any]] = []
        self.calls: list[str] = []
        self.refusals: list[str] = []
        self.noes: list[str | None] = []
        self.headers: dict[str, str] = {}
        self._token = token
        self._count = 0

    @property
    def api_url(self) -> str:
        """What stands as `api_url` in notify.yml."""
        return self.url.removesuffix("/{method}")

    async def judge(self, request: web.Request) -> web.Response:
        method = request.match_info["method"]
        self.calls.append(method)
        no = self.noes.pop(0) if self.noes else None
        if no is not None:
            return web.json_response({"ok": False, "error": no}, headers=self.headers)
        raw = await request.read()
        fault = next(self._api_faults(request, method, raw), None)
        if fault is not None:
            self.refusals.append(fault)
            return web.json_response({"ok": False, "error": fault})
        message = json.loads(raw)
        ts = self._update(message) if method == "chat.update" else self._post(message)
        return web.json_response({"ok": True, "channel": self.channel_id, "ts": ts, "message": message})

    def delete(self, ts: str) -> None:
        """As somebody does by hand."""
        del self.channel[ts]

    def _post(self, message: dict[str, Any]) -> str:
        self._count += 1
        ts = f"1764000000.{self._count:06}"
        if "thread_ts" not in message:
            self.channel[ts] = message
            return ts
        self.threads.setdefault(message["thread_ts"], []).append(message)
        if message.get("reply_broadcast"):
            self.broadcast.append(message)
        return ts

    def _update(self, message: dict[str, Any]) -> str:
        self.channel[message["ts"]] |= message
        return str(message["ts"])

    def _api_faults(self, request: web.Request, method: str, raw: bytes) -> Iterator[str]:
        if method not in _METHOD_KEYS:
            yield "unknown_method"
            return
        if request.headers.get("Authorization") != f"Bearer {self._token}":
            yield "invalid_auth"
            return
        try:
            message = json.loads(raw)
        except ValueError:
            yield "invalid_json"
            return
        if request.content_type != "application/json" or set(message) - _METHOD_KEYS[method]:
            yield "invalid_arguments"
        names = {self.channel_id} if method == "chat.update" else {self.channel_id, self.channel_name}
        if message.get("channel") not in names:
            yield "channel_not_found"
        if method == "chat.update" and message.get("ts") not in self.channel:
            yield "message_not_found"
        if "thread_ts" in message and message["thread_ts"] not in self.channel:
            yield "thread_not_found"
        yield from _message_faults(message)


_PLAIN_KEYS = {"channel", "text", "attachments", "parse", "link_names", "unfurl_links", "unfurl_media"}
_METHOD_KEYS = {
    "chat.postMessage": _PLAIN_KEYS | {"thread_ts", "reply_broadcast"},
    "chat.update": _PLAIN_KEYS | {"ts"},
}
BLOCKS_CHARACTERS = 13_200
SECTION_CHARACTERS = 3_000
MOST_BLOCKS = 50
_COLOUR = re.compile(r"#[0-9a-f]{6}")


def _message_faults(message: dict[str, Any]) -> Iterator[str]:
    text = message.get("text", "")
    if not isinstance(text, str) or not text.strip():
        yield "no_text"
        return
    if len(text) > TEXT_CHARACTERS:
        yield "msg_too_long"
    if message.get("link_names") is not False or message.get("parse") != "none":
        yield "names_would_be_linked"
    yield from _smuggled(text)
    yield from _attachment_faults(message.get("attachments", []))


def _attachment_faults(attachments: list[dict[str, Any]]) -> Iterator[str]:
    total = 0
    for attachment in attachments:
        blocks = attachment.get("blocks", [])
        if set(attachment) != {"color", "fallback", "blocks"} or not _COLOUR.fullmatch(attachment["color"]):
            yield "invalid_attachments"
        if not 0 < len(blocks) <= MOST_BLOCKS:
            yield "invalid_attachments"
        yield from _smuggled(attachment.get("fallback", ""))
        for block in blocks:
            yield from _block_faults(block)
            total += len(block["text"]["text"])
    if total > BLOCKS_CHARACTERS:
        yield "msg_blocks_too_long"


def _block_faults(block: dict[str, Any]) -> Iterator[str]:
    words = block["text"]["text"]
    if block["type"] != "section" or not 0 < len(words) <= SECTION_CHARACTERS:
        yield "invalid_blocks"
    if block["text"]["type"] != "mrkdwn" or block["text"].get("verbatim") is not True:
        yield "links_would_be_made"
    yield from _smuggled(words)


def _smuggled(text: str) -> Iterator[str]:
    if _ENTITY.search(text) or "<" in _BRACKET.sub("", text) or ">" in _BRACKET.sub("", text):
        yield "unescaped_text"
    if any(not inner.startswith(("http://", "https://")) for inner in _BRACKET.findall(text)):
        yield "mention_smuggled_in"
