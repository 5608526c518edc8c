"""A webhook: the message as JSON to an address of your own, signed; as ours, as Alertmanager's, or by your template.

`format: alertmanager` is version 4 of its webhook payload, so tools that were made for it just work. With a `secret`
every request carries `X-Tocsin-Signature: t=SECONDS,v1=HEX`, HEX being the HMAC-SHA256 of `SECONDS.BODY`: who checks it
and the age of SECONDS takes nothing that was forged or replayed. `X-Tocsin-Delivery` names the message and is the same
when it is tried again.

Source of the format: https://prometheus.io/docs/alerting/latest/configuration/#webhook_config
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

import orjson
from jinja2 import StrictUndefined, Template, TemplateError, Undefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from alerting.notify.contract import AlertView, Message, Refusal, Status
from alerting.notify.endpoint import Endpoint, check_url
from alerting.notify.payload import MOST_ALERTS, SAMPLE, moment, plain
from alerting.notify.plugin import Deps, Manner
from foundation.secret import Secret

_MOST_BYTES = 1 << 20
_NO_END = "0001-01-01T00:00:00Z"
"""What Alertmanager writes for an alert that has not ended."""
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_OWN_HEADERS = frozenset({"content-length", "content-type", "host", "transfer-encoding"})


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookConfig:
    """Where to post, and what: `format` is `tocsin` or `alertmanager`; `body`, a Jinja2 template that comes to JSON,
    wins. It sees `message`, the object that `tocsin` sends, and the filter `tojson`. `headers` are added as they are.
    """

    url: Secret
    format: Literal["tocsin", "alertmanager"] = "tocsin"
    body: str | None = None
    secret: Secret | None = None
    headers: Mapping[str, Secret] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_url(self.url.reveal())
        for name, value in self.headers.items():
            if not _HEADER.fullmatch(name) or not value.reveal().isprintable():
                raise ValueError(f"headers: {name!r} is no header; write a name and one line of text")
            if name.lower() in _OWN_HEADERS:
                raise ValueError(f"headers: {name} is set by Tocsin; leave it out")
        if self.body is not None:
            try:
                _ = render(self.body, SAMPLE)
            except (TemplateError, ValueError, TypeError, ArithmeticError, AttributeError) as error:
                raise ValueError(f"body: does not come to JSON: {error}") from error


class Webhook:
    """Posts to one address."""

    def __init__(self, config: WebhookConfig, deps: Deps) -> None:
        self._config = config
        secrets = (*config.headers.values(), *((config.secret,) if config.secret else ()))
        self._endpoint = Endpoint("the webhook", config.url, timeout_s=deps.timeout_s, secrets=secrets)

    async def send(self, message: Message, *, now: datetime) -> None:
        """Post one message. Raises Unreachable (try again) or Refusal (never)."""
        try:
            payload = _payload(self._config, message, now)
        except (TemplateError, ValueError, TypeError, ArithmeticError, AttributeError) as error:
            raise Refusal(f"the webhook's body cannot be rendered: {error}") from error
        await self._endpoint.post_bytes(payload, headers=self._headers(message, payload, now), now=now)

    async def close(self) -> None:
        """Release connections."""
        await self._endpoint.close()

    def _headers(self, message: Message, payload: bytes, now: datetime) -> Mapping[str, str]:
        headers = {name: value.reveal() for name, value in self._config.headers.items()}
        headers["X-Tocsin-Delivery"] = delivery(message)
        if self._config.secret is not None:
            headers["X-Tocsin-Signature"] = signature(self._config.secret, payload, now)
        return headers


def _payload(config: WebhookConfig, message: Message, now: datetime) -> bytes:
    if config.body is not None:
        return render(config.body, plain(message, now))
    return _fitting(alertmanager if config.format == "alertmanager" else plain, message, now)


def signature(secret: Secret, payload: bytes, now: datetime) -> str:
    """`t=SECONDS,v1=HEX` over the seconds and the payload."""
    seconds = int(now.timestamp())
    digest = hmac.new(secret.reveal().encode(), b"%d." % seconds + payload, hashlib.sha256).hexdigest()
    return f"t={seconds},v1={digest}"


def delivery(message: Message) -> str:
    """Names the message: 32 hex digits, the same for every attempt to send it."""
    text = f"{message.incident}\xff{message.status.value}\xff{message.decided_at.isoformat()}"
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _fitting(shape: Callable[[Message, datetime, int], Any], message: Message, now: datetime) -> bytes:
    """The JSON of the shape, with fewer alerts until it is at most a mebibyte."""
    most = MOST_ALERTS
    while len(payload := orjson.dumps(shape(message, now, most))) > _MOST_BYTES and most:
        most //= 2
    return payload


def alertmanager(message: Message, _now: datetime, most: int = MOST_ALERTS) -> dict[str, Any]:
    """Version 4 of Alertmanager's payload."""
    shown = message.alerts[:most]
    told = sum(message.count(status) for status in Status)
    labels = [dict(view.labels) for view in shown]
    group = ", ".join(f"{name}={_quoted(text)}" for name, text in sorted(message.group_labels.items()))
    annotations = [_annotations(view) for view in shown]
    return {
        "version": "4",
        "groupKey": f"{{}}:{{{group}}}",
        "truncatedAlerts": told - len(shown),
        "status": message.status.value,
        "receiver": message.receiver,
        "groupLabels": dict(message.group_labels),
        "commonLabels": _common(labels),
        "commonAnnotations": _common(annotations),
        "externalURL": message.url,
        "alerts": [
            {
                "status": view.status.value,
                "labels": dict(view.labels),
                "annotations": _annotations(view),
                "startsAt": moment(view.since),
                "endsAt": moment(view.ended) if view.ended else _NO_END,
                "generatorURL": message.url,
                "fingerprint": _fingerprint(view),
            }
            for view in shown
        ],
    }


def render(template: str, payload: Mapping[str, Any]) -> bytes:
    """The template's text, which has to be JSON. Raises ValueError and TemplateError."""
    text = _compiled(template).render(message=payload)
    return orjson.dumps(orjson.loads(text))


def _compiled(template: str) -> Template:
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
    environment.globals.clear()
    environment.filters["tojson"] = _to_json
    return environment.from_string(template)


def _to_json(value: Any) -> str:
    """Jinja2's own writes HTML's escapes, and does not name what is undefined."""
    return orjson.dumps(str(value) if isinstance(value, Undefined) else value).decode()


def _annotations(view: AlertView) -> dict[str, str]:
    told = {"summary": view.summary, "description": view.description, "runbook_url": view.runbook_url}
    return {name: text for name, text in told.items() if text}


def _common(many: list[dict[str, str]]) -> dict[str, str]:
    if not many:
        return {}
    return {name: text for name, text in many[0].items() if all(other.get(name) == text for other in many)}


def _fingerprint(view: AlertView) -> str:
    text = "\xff".join(f"{name}\xfe{value}" for name, value in sorted(view.labels.items()) if name != "severity")
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _quoted(text: str) -> str:
    return orjson.dumps(text).decode()


def manner(config: WebhookConfig) -> Manner:
    """Alertmanager's payload has no word for an acknowledgement, and what reads it would take it for an alarm."""
    return Manner.TELLS if config.body is not None or config.format == "tocsin" else Manner.IGNORES


def preview(config: WebhookConfig, message: Message, now: datetime) -> str:
    """The body of the request. Raises ValueError and TemplateError where it cannot be rendered."""
    return orjson.dumps(orjson.loads(_payload(config, message, now)), option=orjson.OPT_INDENT_2).decode() + "\n"
