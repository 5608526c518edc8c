"""PagerDuty by its Events API v2: a trigger opens or updates an incident, an acknowledge takes it, a resolve ends it.

The dedup key is the message's incident, so a message sent twice leaves one incident, and nothing but its own resolve
can close it. PagerDuty notifies nobody of an incident that is acknowledged, whatever triggers follow; so one that
nobody has in hand any more is resolved before it is triggered again, as the manner HOLDS asks for (`plugin`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from alerting.notify.contract import AlertView, Message, Status
from alerting.notify.endpoint import Endpoint, check_url
from alerting.notify.plugin import Deps
from alerting.notify.render import cut, hands, lateness, moment, number, one_line, span, title, worst
from foundation.secret import Secret

ENQUEUE_URL = "https://events.pagerduty.com/v2/enqueue"
KEY_CHARACTERS = 32
SUMMARY_CHARACTERS = 1024
EVENT_BYTES = 512_000
_SOURCES = ("host", "device", "instance", "service", "alertname")
_SEVERITIES = frozenset({"critical", "error", "warning", "info"})
_MOST_ALERTS = 64
_TRIGGER, _ACKNOWLEDGE, _RESOLVE = "trigger", "acknowledge", "resolve"
_TAKEN = "acknowledged"
_TEXT_CHARACTERS = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class PagerDutyConfig:
    """A service's Events API v2 integration. `url` replaces the whole endpoint (EU: events.eu.pagerduty.com)."""

    routing_key: Secret
    url: str = ENQUEUE_URL

    def __post_init__(self) -> None:
        check_url(self.url)
        length = len(self.routing_key.reveal())
        if self.url == ENQUEUE_URL and length != KEY_CHARACTERS:
            raise ValueError(
                f"routing_key has {length} characters, an integration key of Events API v2 has {KEY_CHARACTERS}; "
                "copy it from the service's Integrations page"
            )


class PagerDuty:
    """Sends events with one routing key."""

    def __init__(self, config: PagerDutyConfig, deps: Deps) -> None:
        self._routing_key = config.routing_key
        self._endpoint = Endpoint(
            "PagerDuty", Secret(config.url), timeout_s=deps.timeout_s, secrets=(config.routing_key,)
        )

    async def send(self, message: Message, *, now: datetime) -> str:
        """Enqueue what it takes; the receipt is the last action. Raises Unreachable (try again) or Refusal (never)."""
        key = orjson.dumps(self._routing_key.reveal())
        taken = actions(message)
        for action in taken:
            _, told = _fitting(message, now, action)
            await self._endpoint.post_bytes(b'{"routing_key":%b,%b' % (key, told[1:]), headers={}, now=now)
        return taken[-1]

    async def close(self) -> None:
        """Release connections."""
        await self._endpoint.close()


def actions(message: Message) -> tuple[str, ...]:
    """The actions that a message comes to, in order; done twice they leave what they leave when they are done once.

    An incident that was never triggered here, or was resolved, cannot be acknowledged: it is triggered before.
    """
    if message.status is Status.RESOLVED:
        return (_RESOLVE,)
    if not message.is_acknowledged:
        return (_TRIGGER,)
    if message.why == _TAKEN and message.receipt in (_TRIGGER, _ACKNOWLEDGE):
        return (_ACKNOWLEDGE,)
    return (_TRIGGER, _ACKNOWLEDGE)


def event(message: Message, now: datetime) -> dict[str, Any]:
    """The last event of a message without its key, cut until it fits PagerDuty's 512 kB."""
    return _fitting(message, now, actions(message)[-1])[0]


def _fitting(message: Message, now: datetime, action: str) -> tuple[dict[str, Any], bytes]:
    """`event`, and its JSON."""
    shown = min(len(message.alerts), _MOST_ALERTS)
    while True:
        built = _event(message, now, shown, action)
        told = orjson.dumps(built)
        if shown == 0 or len(told) <= EVENT_BYTES - KEY_CHARACTERS - len('"routing_key":"",'):
            return built, told
        shown //= 2


def _event(message: Message, now: datetime, shown: int, action: str) -> dict[str, Any]:
    spokesman = worst(message)
    return {
        "event_action": action,
        "dedup_key": message.incident,
        "client": "Tocsin",
        **({"client_url": message.url} if _is_link(message.url) else {}),
        "links": _links(message, spokesman),
        "payload": {
            "summary": cut(title(spokesman), SUMMARY_CHARACTERS),
            "source": _source(spokesman),
            "severity": message.severity if message.severity in _SEVERITIES else "warning",
            **({"timestamp": spokesman.since.isoformat()} if spokesman else {}),
            "custom_details": _custom_details(message, spokesman, now, shown),
        },
    }


def _source(view: AlertView | None) -> str:
    labels = view.labels if view else {}
    return next((named for key in _SOURCES if (named := one_line(labels.get(key, "")))), "tocsin")


def _links(message: Message, view: AlertView | None) -> list[dict[str, str]]:
    links = [(view.runbook_url, "Runbook")] if view else []
    links.append((message.url, "Open in Tocsin"))
    return [{"href": href, "text": text} for href, text in links if _is_link(href)]


def _is_link(text: str) -> bool:
    return text.startswith(("https://", "http://")) and one_line(text) == text


def _custom_details(message: Message, spokesman: AlertView | None, now: datetime, shown: int) -> dict[str, Any]:
    late = lateness(message, now)
    details: dict[str, Any] = {"group": _plain(message.group_labels), "firing": message.count(Status.FIRING)}
    alerts = [_alert(view) for view in message.alerts[:shown]]
    if spokesman is not None and alerts:
        spoken = alerts[0] if spokesman is message.alerts[0] else _alert(spokesman)
        details |= {"labels": spoken["labels"], "value": _value(spokesman)}
        details |= {"reason": _text(spokesman.reason)} if spokesman.reason else {}
        details |= {"runbook": _text(spokesman.runbook_url)} if spokesman.runbook_url else {}
    details["alerts"] = alerts
    if shown < (total := sum(message.count(status) for status in Status)):
        details["left_out"] = f"{total - shown} of {total} alerts, for size"
    if in_hand := hands(message):
        details["acknowledged"] = [_text(words) for words in in_hand]
    if message.note:
        details["passed_on"] = _text(message.note)
    if message.muted:
        details["muted"] = [_text(words) for words in message.muted]
    if late is not None:
        details["late"] = f"sent {span(late)} late, decided at {moment(message.decided_at)}"
    return details


def _alert(view: AlertView) -> dict[str, Any]:
    told = {
        "status": view.status.value,
        "summary": _text(view.summary),
        "labels": _plain(view.labels),
        "value": _value(view),
        "since": moment(view.since),
        "description": _text(view.description),
        "ended": moment(view.ended) if view.ended else "",
        "reason": _text(view.reason),
    }
    return {name: value for name, value in told.items() if value not in ("", None)}


def _value(view: AlertView) -> float | str | None:
    if view.value is None or not math.isfinite(view.value):
        return None if view.value is None else number(view.value)
    return int(view.value) if view.value.is_integer() else view.value


def _plain(labels: Any) -> dict[str, str]:
    return {_text(name): _text(value) for name, value in sorted(labels.items())}


def _text(text: str) -> str:
    return one_line(text, _TEXT_CHARACTERS)


def preview(_config: PagerDutyConfig, message: Message, now: datetime) -> str:
    """The event, without its key."""
    return orjson.dumps(event(message, now), option=orjson.OPT_INDENT_2).decode() + "\n"
