"""A Slack incoming webhook that enforces what the real one enforces, and refuses what would mention people."""

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
    if _ENTITY.search(text) or "<" in _BRACKET.sub("", text) or ">" in _BRACKET.sub("", text):
        yield "unescaped_text"
    if any(not inner.startswith(("http://", "https://")) for inner in _BRACKET.findall(text)):
        yield "mention_smuggled_in"
