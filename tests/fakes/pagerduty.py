"""A PagerDuty that enforces the rules of its Events API v2 and keeps incidents by dedup key."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from tests.fakes.service import FakeService

ACTIONS = {"trigger", "acknowledge", "resolve"}
SEVERITIES = {"critical", "error", "warning", "info"}
TOP = {"routing_key", "event_action", "dedup_key", "payload", "client", "client_url", "links", "images"}
PAYLOAD = {"summary", "source", "severity", "timestamp", "component", "group", "class", "custom_details"}
EVENT_BYTES = 512_000


@dataclass
class Incident:
    """An incident: open from its first trigger to its resolve; a trigger after that opens a new one.

    People are notified when it opens; while it is acknowledged no trigger notifies anybody.
    """

    dedup_key: str
    open: bool = True
    acknowledged: bool = False
    events: list[dict[str, Any]] = field(default_factory=list)


class FakePagerDuty(FakeService):
    """Strict where the real service is: what it would refuse is refused with 400 and a list of errors."""

    path = "/v2/enqueue"

    def __init__(self) -> None:
        super().__init__()
        self.events: list[dict[str, Any]] = []
        self.incidents: list[Incident] = []
        self.refusals: list[list[str]] = []

    def opened(self) -> list[Incident]:
        return [incident for incident in self.incidents if incident.open]

    async def judge(self, request: web.Request) -> web.Response:
        raw = await request.read()
        errors = list(_faults(request.content_type, raw))
        if errors:
            self.refusals.append(errors)
            body = {"status": "invalid event", "message": "Event object is invalid", "errors": errors}
            return web.json_response(body, status=400)
        event = json.loads(raw)
        key = self._keep(event)
        body = {"status": "success", "message": "Event processed", "dedup_key": key}
        return web.json_response(body, status=202)

    def _keep(self, event: dict[str, Any]) -> str:
        key = event.get("dedup_key") or f"made-up-{len(self.events)}"
        self.events.append(event)
        running = next((incident for incident in self.opened() if incident.dedup_key == key), None)
        if event["event_action"] == "trigger" and running is None:
            running = Incident(key)
            self.incidents.append(running)
        if running is not None:
            running.events.append(event)
            running.open = event["event_action"] != "resolve"
            running.acknowledged = running.acknowledged or event["event_action"] == "acknowledge"
        return key


def _faults(content_type: str, raw: bytes) -> Iterator[str]:
    if content_type != "application/json":
        yield "Content-Type must be application/json"
    if len(raw) > EVENT_BYTES:
        yield f"event exceeds {EVENT_BYTES} bytes"
    try:
        event = json.loads(raw, parse_constant=_refuse_constant)
    except ValueError:
        yield "body is not JSON"
        return
    if not isinstance(event, dict):
        yield "body is not an object"
        return
    yield from (f"'{key}' is not known" for key in set(event) - TOP)
    yield from _top_faults(event)
    if event.get("event_action") == "trigger" or "payload" in event:
        yield from _payload_faults(event.get("payload"))


def _top_faults(event: dict[str, Any]) -> Iterator[str]:
    routing_key = event.get("routing_key")
    if not isinstance(routing_key, str) or len(routing_key) != 32:
        yield "'routing_key' must be 32 characters"
    if event.get("event_action") not in ACTIONS:
        yield f"'event_action' must be one of {sorted(ACTIONS)}"
    dedup_key = event.get("dedup_key")
    if dedup_key is not None and (not isinstance(dedup_key, str) or not 0 < len(dedup_key) <= 255):
        yield "'dedup_key' must be 1 to 255 characters"
    if dedup_key is None and event.get("event_action") in ("acknowledge", "resolve"):
        yield "'dedup_key' is required"
    if "client_url" in event and not _is_url(event["client_url"]):
        yield "'client_url' is not a URL"
    for link in event.get("links", []):
        if not isinstance(link, dict) or not _is_url(link.get("href")) or set(link) - {"href", "text"}:
            yield "'links' must be objects of href, text"


def _payload_faults(payload: Any) -> Iterator[str]:
    if not isinstance(payload, dict):
        yield "'payload' is missing"
        return
    yield from (f"'payload.{key}' is not known" for key in set(payload) - PAYLOAD)
    for key in ("summary", "source"):
        if not isinstance(payload.get(key), str) or not payload[key].strip():
            yield f"'payload.{key}' is missing or blank"
    if len(str(payload.get("summary", ""))) > 1024:
        yield "'payload.summary' is longer than 1024 characters"
    if payload.get("severity") not in SEVERITIES:
        yield f"'payload.severity' must be one of {sorted(SEVERITIES)}"
    if "timestamp" in payload:
        try:
            aware = datetime.fromisoformat(payload["timestamp"]).tzinfo is not None
        except (TypeError, ValueError):
            aware = False
        if not aware:
            yield "'payload.timestamp' must be ISO 8601"
    if not isinstance(payload.get("custom_details", {}), dict):
        yield "'payload.custom_details' must be an object"


def _is_url(text: Any) -> bool:
    return isinstance(text, str) and urlsplit(text).scheme in ("http", "https") and bool(urlsplit(text).hostname)


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
