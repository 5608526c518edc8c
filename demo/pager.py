"""A stand-in for PagerDuty and Slack: takes what they take, says it on the terminal, and shows it on a page.

Nothing leaves the machine. The last pages are kept in memory; `/` shows them, `/pages` gives them as JSON.
"""

from __future__ import annotations

import html
import secrets
from collections import deque
from dataclasses import asdict, dataclass
from typing import Any

import orjson
from aiohttp import web

from foundation.clock import Clock
from foundation.logs import logger
from foundation.web import answer

_KEPT = 500
_BODY_BYTES = 1024 * 1024
_log = logger("demo.pager")


@dataclass(frozen=True, slots=True)
class Page:
    """One message that somebody would have got. `action`: trigger, acknowledge, resolve or message."""

    at: str
    service: str
    action: str
    severity: str
    summary: str
    incident: str


class Pager:
    """Keeps pages, newest first."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._pages: deque[Page] = deque(maxlen=_KEPT)

    def app(self) -> web.Application:
        """What it serves."""
        app = web.Application(client_max_size=_BODY_BYTES)
        app.router.add_post("/v2/enqueue", self._enqueue)
        app.router.add_post("/slack", self._slack)
        app.router.add_get("/", self._show)
        app.router.add_get("/pages", self._list)
        return app

    async def _enqueue(self, request: web.Request) -> web.Response:
        event = await _object(request)
        if event is None or event.get("event_action") not in ("trigger", "acknowledge", "resolve"):
            return answer({"status": "invalid event", "message": "event_action is missing"}, status=400)
        payload = event.get("payload")
        said = payload if isinstance(payload, dict) else {}
        key = str(event.get("dedup_key") or secrets.token_hex(8))
        self._keep("pagerduty", event["event_action"], str(said.get("severity", "")), str(said.get("summary", "")), key)
        return answer({"status": "success", "message": "Event processed", "dedup_key": key}, status=202)

    async def _slack(self, request: web.Request) -> web.Response:
        message = await _object(request)
        if message is None or not message.get("text"):
            return web.Response(status=400, text="invalid_payload")
        text = html.unescape(str(message["text"]))
        self._keep("slack", "message", "", text, "")
        return web.Response(text="ok")

    def _keep(self, service: str, action: str, severity: str, summary: str, incident: str) -> None:
        at = self._clock.now().isoformat(timespec="seconds")
        self._pages.appendleft(Page(at, service, action, severity, summary, incident))
        told = _log.info if action in ("acknowledge", "resolve") else _log.warning
        told(f"{service} {action}", summary=summary.partition("\n")[0], incident=incident[:12])

    async def _list(self, request: web.Request) -> web.Response:
        del request
        return answer([asdict(page) for page in self._pages])

    async def _show(self, request: web.Request) -> web.Response:
        del request
        rows = "".join(
            f"<tr><td>{_cell(page.at)}<td>{_cell(page.service)}<td class={_cell(page.action)}>{_cell(page.action)}"
            f"<td>{_cell(page.severity)}<td>{_cell(page.summary)}<td><code>{_cell(page.incident[:12])}</code></tr>"
            for page in self._pages
        )
        return web.Response(text=_PAGE.replace("ROWS", rows or _NOTHING), content_type="text/html")


async def _object(request: web.Request) -> dict[str, Any] | None:
    try:
        content = orjson.loads(await request.read())
    except orjson.JSONDecodeError:
        return None
    return content if isinstance(content, dict) else None


def _cell(text: str) -> str:
    return html.escape(text).replace("\n", "<br>")


_NOTHING = "<tr><td colspan=6>Nobody was paged. Break something: <code>tocsin demo fault latency</code></tr>"
_PAGE = """<!doctype html><html lang=en><meta charset=utf-8><title>Demo pager</title><meta http-equiv=refresh content=5>
<style>body{font:15px system-ui;margin:2rem auto;max-width:72rem;padding:0 1rem;color-scheme:light dark}
table{border-collapse:collapse;width:100%}td,th{padding:.4rem .6rem;text-align:left;vertical-align:top;
border-bottom:1px solid #8884}
td:first-child{white-space:nowrap}.trigger{color:#d33;font-weight:600}.resolve{color:#292;font-weight:600}</style>
<h1>Demo pager</h1><p>What PagerDuty and Slack would have got; newest first. Nothing left this machine.</p>
<table><tr><th>When<th>Service<th>Action<th>Severity<th>What<th>Incident</tr>ROWS</table></html>
"""
