"""What alerting looks like over HTTP; docs/alerting-api.md has the exact shapes.

The composition root builds it, with the routes of other rooms; console and people ask it. It decides nothing. The
invariant: what it shows is what the evaluator and the file hold at that moment.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from aiohttp import web
from prometheus_client import CollectorRegistry

from alerting import openapi, shapes
from alerting.alert import Alert, State
from alerting.dispatcher import Dispatcher
from alerting.memory.contract import Memory, MemoryFailed, Outcome, Words
from alerting.muting.mutes import Mute
from alerting.routing.group import Group
from alerting.send import Sender
from alerting.watch import Health, RuleStatus
from foundation.clock import Clock
from foundation.standing import Standing
from foundation.web import answer, metrics_response

_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_STATES = (State.PENDING, State.FIRING, State.NO_DATA)
_MOST_ROWS = 1000
_FAILED_LATELY = timedelta(hours=1)
_WAITED_LONG_S = 60.0
_BARE_404 = "404: Not Found"
"""What aiohttp says where there is no route."""
_KEPT = ("Allow", "WWW-Authenticate")


class Rules(Protocol):
    """What the API asks the evaluator."""

    def statuses(self) -> tuple[RuleStatus, ...]:
        """Every rule with its health."""

    def alerts(self) -> tuple[Alert, ...]:
        """Every alert that is pending, firing or without data."""


@dataclass(slots=True, kw_only=True)
class ConfigStatus:
    """How the configuration stands: `errors` are those of the files on disk, the last good ones stay in force.

    `process` says the same of the configuration that this role shares with the others of its process.
    """

    started_at: datetime
    loaded_at: datetime
    errors: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    notify: str | None = None
    receivers: tuple[str, ...] = field(default=())
    process: Standing = field(default_factory=Standing)

    @property
    def all_errors(self) -> tuple[str, ...]:
        """Those of tocsin.yml and those of the files that it names."""
        return (*self.process.errors, *self.errors)


class Api:
    """Answers for one alerting role. `about_notifiers` are the alerts about those that fail; `routes` are what other
    rooms serve beside this one's.
    """

    def __init__(  # noqa: PLR0913 - everything that it shows, by name
        self,
        rules: Rules,
        dispatcher: Dispatcher,
        sender: Sender,
        memory: Memory,
        *,
        config: ConfigStatus,
        clock: Clock,
        registry: CollectorRegistry,
        about_notifiers: Callable[[], tuple[Alert, ...]] = tuple,
        routes: Iterable[web.RouteDef] = (),
    ) -> None:
        self._rules = rules
        self._dispatcher = dispatcher
        self._sender = sender
        self._memory = memory
        self._config = config
        self._clock = clock
        self._registry = registry
        self._about_notifiers = about_notifiers
        self._routes = tuple(routes)

    def app(self) -> web.Application:
        """The application to serve."""
        app = web.Application(middlewares=[_plain_errors])
        app.add_routes(
            [
                web.get("/api/v1/alerts", self._alerts),
                web.get("/api/v1/rules", self._list_rules),
                web.get("/api/v1/history", self._history),
                web.get("/api/v1/notifications", self._notifications),
                web.get("/api/v1/status", self._status),
                web.get("/api/v1/openapi.json", self._openapi),
                web.get("/health", self._health),
                web.get("/ready", self._ready),
                web.get("/metrics", self._metrics),
                *self._routes,
            ]
        )
        return app

    async def _alerts(self, request: web.Request) -> web.Response:
        state, rule = request.query.get("state"), request.query.get("rule")
        if state is not None and state not in _STATES:
            raise web.HTTPBadRequest(text=f"state: {state!r} is not one of {', '.join(_STATES)}")
        limit = _limit(request, _MOST_ROWS)
        found = [
            alert
            for alert in self._open_alerts()
            if (state is None or alert.state == state) and (rule is None or alert.rule == rule)
        ]
        shown = heapq.nsmallest(limit, found, key=shapes.urgency)
        words = await self._memory.words([one.fingerprint for one in shown])
        told = (self._shape(one, words.get(one.fingerprint)) for one in shown)
        return answer({"alerts": list(told), "total": _counts(found)})

    def _open_alerts(self) -> tuple[Alert, ...]:
        return (*self._rules.alerts(), *self._about_notifiers())

    def _shape(self, alert: Alert, words: Words | None) -> Mapping[str, Any]:
        incidents = self._dispatcher.incidents(alert.fingerprint)
        mutes = ((group.incident, self._mute(group, alert)) for group in incidents)
        told = {incident: mute for incident, mute in mutes if mute is not None}
        return shapes.alert(alert, words, incidents, told, self._dispatcher.acknowledgement(alert.fingerprint))

    def _mute(self, group: Group, alert: Alert) -> Mute | None:
        return self._dispatcher.mute_of(group, alert.fingerprint)

    async def _list_rules(self, _request: web.Request) -> web.Response:
        return answer({"rules": [shapes.rule(status) for status in self._rules.statuses()]})

    async def _history(self, request: web.Request) -> web.Response:
        limit = _limit(request, 100)
        entries = await self._memory.history(limit, alert_id=request.query.get("id"), rule=request.query.get("rule"))
        return answer({"history": [shapes.history(entry) for entry in entries]})

    async def _notifications(self, request: web.Request) -> web.Response:
        limit, now = _limit(request, 50), self._clock.now()
        rows = {outcome.value: await self._memory.notifications(outcome, limit) for outcome in Outcome}
        return answer({name: [shapes.notification(row, now) for row in found] for name, found in rows.items()})

    async def _status(self, _request: web.Request) -> web.Response:
        now = self._clock.now()
        failed = await self._memory.count(Outcome.FAILED, since=now - _FAILED_LATELY)
        failing = sum(status.health in (Health.ERROR, Health.BLIND) for status in self._rules.statuses())
        waited_s = self._sender.oldest_s()
        alerts = self._open_alerts()
        degraded = self._config.all_errors or failing or failed or waited_s > _WAITED_LONG_S
        return answer(
            {
                "status": "degraded" if degraded else "ok",
                "now": shapes.moment(now),
                "started_at": shapes.moment(self._config.started_at),
                "config": self._config_shape(),
                "receivers": list(self._config.receivers),
                "rules": {"total": len(self._rules.statuses()), "failing": failing},
                "alerts": _counts(alerts),
                "notifications": {
                    "pending": await self._memory.count(Outcome.PENDING),
                    "failed": failed,
                    "oldest_pending_age_s": round(waited_s, 3),
                },
            }
        )

    def _config_shape(self) -> Mapping[str, Any]:
        config = self._config
        return {
            "ok": not config.all_errors,
            "loaded_at": shapes.moment(config.loaded_at),
            "errors": list(config.all_errors),
            "restart_needed": list(config.process.waiting),
            "rules": list(config.rules),
            "notify": config.notify,
        }

    async def _openapi(self, _request: web.Request) -> web.Response:
        return answer(openapi.describe())

    async def _health(self, _request: web.Request) -> web.Response:
        return answer({"status": "ok"})

    async def _ready(self, _request: web.Request) -> web.Response:
        try:
            pending = await self._memory.count(Outcome.PENDING)
        except MemoryFailed as error:
            return answer({"status": "not ready", "error": str(error)}, status=503)
        return answer({"status": "ready", "pending_notifications": pending})

    async def _metrics(self, _request: web.Request) -> web.Response:
        return metrics_response(self._registry)


def _counts(alerts: Iterable[Alert]) -> Mapping[str, int]:
    counts = Counter(alert.state for alert in alerts)
    return {state.value: counts[state] for state in _STATES}


def _limit(request: web.Request, default: int) -> int:
    text = request.query.get("limit", str(default))
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= _MOST_ROWS:
        raise web.HTTPBadRequest(text=f"limit: {text!r} is not a whole number from 1 to {_MOST_ROWS}")
    return int(text)


@web.middleware
async def _plain_errors(request: web.Request, handler: _Handler) -> web.StreamResponse:
    """Errors as JSON, like every other answer."""
    try:
        return await handler(request)
    except MemoryFailed as error:
        return answer({"error": str(error)}, status=503)
    except web.HTTPNotFound as error:
        told = (
            error.text if error.text != _BARE_404 else f"{request.path} is not here; docs/alerting-api.md lists what is"
        )
        return answer({"error": told}, status=404)
    except web.HTTPException as error:
        kept = {name: error.headers[name] for name in _KEPT if name in error.headers}
        return answer({"error": error.text or error.reason}, status=error.status, headers=kept)
