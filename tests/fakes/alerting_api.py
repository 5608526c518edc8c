"""An alerting API that answers what the test puts into it, in the shapes of docs/alerting-api.md."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from aiohttp import web

from foundation.web import Address, Site, answer


def stamp(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def alert(
    name: str, *, severity: str = "critical", state: str = "firing", now: datetime | None = None
) -> dict[str, Any]:
    """An alert that has fired for five minutes."""
    moment = now or datetime(2026, 1, 1, tzinfo=UTC)
    began = stamp(moment - timedelta(minutes=5))
    labels = {"alertname": name, "endpoint": "/pay", "team": "payments"}
    return {
        "id": "9f2c4a5b6d7e8f90",
        "rule": name,
        "labels": labels,
        "severity": severity,
        "state": state,
        "value": 912.5,
        "threshold": 800.0,
        "since": began,
        "fired_at": began if state == "firing" else None,
        "seen_at": stamp(moment),
        "annotations": {"summary": "/pay: p95 912 ms", "description": "", "runbook_url": ""},
        "reason": "912.5 > 800 since 1m",
        "acknowledged": None,
        "incidents": [{"id": "5d1c", "receiver": "oncall", "group": labels, "opened_at": began, "said_at": began}],
    }


def transition(name: str, change: str, state: str, *, at: datetime, severity: str = "critical") -> dict[str, Any]:
    """One entry of the history."""
    return {
        "at": stamp(at),
        "id": "9f2c4a5b6d7e8f90",
        "rule": name,
        "labels": {"alertname": name, "endpoint": "/pay"},
        "severity": severity,
        "before": "pending",
        "state": state,
        "change": change,
        "value": 912.5,
        "reason": "912.5 > 800 since 1m",
        "summary": "/pay: p95 912 ms",
        "incident": "5d1c",
    }


def silence(silence_id: str, *, phase: str = "active", now: datetime | None = None, **changed: Any) -> dict[str, Any]:
    """A silence of two hours."""
    moment = now or datetime(2026, 1, 1, tzinfo=UTC)
    return {
        "id": silence_id,
        "phase": phase,
        "matchers": ['endpoint="/pay"'],
        "starts_at": stamp(moment),
        "ends_at": stamp(moment + timedelta(hours=2)),
        "author": "ann",
        "comment": "moving the database",
        "created_at": stamp(moment),
        "alerts": 1,
    } | changed


def acknowledgement(
    alert_id: str, *, author: str = "ann", comment: str = "", now: datetime | None = None
) -> dict[str, Any]:
    """Somebody has the alert."""
    at = stamp(now or datetime(2026, 1, 1, tzinfo=UTC))
    return {"alert": alert_id, "author": author, "comment": comment, "at": at, "severity": "critical"}


def account(told: dict[str, Any], *, muted: dict[str, Any] | None = None) -> dict[str, Any]:
    """The account of an alert that `alert` made, told to its receiver, or muted."""
    began = datetime.fromisoformat(told["since"])
    samples = [
        {"at": stamp(began + timedelta(minutes=n)), "value": value} for n, value in enumerate((400, None, 912.5))
    ]
    incident = {"notifiers": ["pagerduty[0]"], "due": None, "heard": {"severity": "critical", "state": "firing"}}
    return {
        "verdict": f"oncall has heard of it before and hears no news: {muted['words']}" if muted else "oncall was told",
        "alert": told,
        "rule": rule(told["rule"]),
        "samples": samples,
        "calm_since": None,
        "routes": [{"receiver": "oncall", "matchers": [['team="payments"']], "group_by": ["alertname"]}],
        "incidents": [one | incident | {"muted": muted, "messages": [message()]} for one in told["incidents"]],
        "history": [transition(told["rule"], "fired", "firing", at=began)],
    }


def message() -> dict[str, Any]:
    """A notification that was sent."""
    return {"notifier": "pagerduty[0]", "state": "sent", "why": "first", "reason": "", "last_error": ""} | {
        "decided_at": "2026-01-01T00:00:00Z"
    }


@dataclass(frozen=True, slots=True)
class Changed:
    """A change as it arrived: method, path, the JSON that it carried (None: nothing) and its Authorization."""

    method: str
    path: str
    doc: Any
    authorization: str | None


class AlertingApi:
    """Holds what the API says; change it while it runs. `changes` are what it was asked to change."""

    def __init__(self) -> None:
        self.url = ""
        self.alerts: list[dict[str, Any]] = []
        self.history: list[dict[str, Any]] = []
        self.rules: list[dict[str, Any]] = [rule("CheckoutSlow")]
        self.silences: list[dict[str, Any]] = []
        self.accounts: dict[str, dict[str, Any]] = {}
        self.changes: list[Changed] = []
        self.refusal: str | None = None

    async def _alerts(self, request: web.Request) -> web.Response:
        wanted = request.query.get("state")
        found = [one for one in self.alerts if wanted in (None, one["state"])]
        total = {state: sum(one["state"] == state for one in found) for state in ("pending", "firing", "no-data")}
        return answer({"alerts": found[: int(request.query.get("limit", "1000"))], "total": total})

    async def _history(self, request: web.Request) -> web.Response:
        return answer({"history": self.history[: int(request.query.get("limit", "100"))]})

    async def _rules(self, _request: web.Request) -> web.Response:
        return answer({"rules": self.rules})

    async def _status(self, _request: web.Request) -> web.Response:
        firing = sum(one["state"] == "firing" for one in self.alerts)
        return answer(
            {
                "status": "ok",
                "config": {"ok": True, "errors": []},
                "rules": {"total": len(self.rules), "failing": 0},
                "alerts": {"pending": 0, "firing": firing, "no-data": 0},
                "notifications": {"pending": 0, "failed": 0, "oldest_pending_age_s": 0.0},
            }
        )

    async def _list_silences(self, _request: web.Request) -> web.Response:
        return answer({"silences": self.silences})

    async def _silence(self, request: web.Request) -> web.Response:
        doc = await self._keep(request)
        if self.refusal is not None:
            return answer({"error": self.refusal}, status=400)
        now = datetime.now(UTC)  # noqa: TID251 - the page counts from the machine's real now
        told = {key: doc[key] for key in ("matchers", "author", "comment")}
        made = silence(f"made{len(self.changes)}", now=now, **told)
        self.silences.insert(0, made)
        return answer({"silence": made}, status=201)

    async def _end_silence(self, request: web.Request) -> web.Response:
        await self._keep(request)
        ended = next(one for one in self.silences if one["id"] == request.match_info["id"])
        ended |= {"phase": "expired", "ends_at": stamp(datetime.now(UTC))}  # noqa: TID251 - as above
        return answer({"silence": ended})

    async def _acknowledge(self, request: web.Request) -> web.Response:
        doc = await self._keep(request)
        if self.refusal is not None:
            return answer({"error": self.refusal}, status=400)
        now = datetime.now(UTC)  # noqa: TID251 - as above
        made = acknowledgement(request.match_info["id"], now=now, **doc)
        self._hand(made)
        return answer({"acknowledgements": [made]}, status=201)

    async def _give_back(self, request: web.Request) -> web.Response:
        await self._keep(request)
        self._hand(None)
        return answer({"acknowledgements": []})

    def _hand(self, made: dict[str, Any] | None) -> None:
        for one in (*self.alerts, *(told["alert"] for told in self.accounts.values())):
            one["acknowledged"] = made

    async def _keep(self, request: web.Request) -> Any:
        doc = await request.json() if request.can_read_body else None
        self.changes.append(Changed(request.method, request.path, doc, request.headers.get("Authorization")))
        return doc

    async def _account(self, request: web.Request) -> web.Response:
        wanted = request.match_info["id"]
        found = self.accounts.get(wanted)
        return answer(found) if found else answer({"error": f"{wanted}: there is no such alert"}, status=404)

    def app(self) -> web.Application:
        """Its routes."""
        app = web.Application()
        app.add_routes(
            [
                web.post("/api/v1/silences", self._silence),
                web.delete("/api/v1/silences/{id}", self._end_silence),
                web.get("/api/v1/alerts/{id}/account", self._account),
                web.post("/api/v1/alerts/{id}/acknowledgement", self._acknowledge),
                web.delete("/api/v1/alerts/{id}/acknowledgement", self._give_back),
            ]
        )
        for name, handler in (
            ("alerts", self._alerts),
            ("history", self._history),
            ("rules", self._rules),
            ("status", self._status),
            ("silences", self._list_silences),
        ):
            app.router.add_get(f"/api/v1/{name}", handler)
        return app


def rule(name: str) -> dict[str, Any]:
    """A rule in good health."""
    return {
        "name": name,
        "file": "rules/shop.yml",
        "query": "SELECT percentile(duration_ms, 95) FROM http_request GROUP BY endpoint",
        "bucket": "telemetry",
        "every_s": 60.0,
        "over_s": 60.0,
        "for_s": 60.0,
        "keep_firing_for_s": 0.0,
        "warn": "> 300",
        "critical": "> 800",
        "resolve": None,
        "datapoints": None,
        "missing": "keep",
        "health": "ok",
        "error": None,
        "last_evaluation": "2026-01-01T00:00:00Z",
        "duration_s": 0.012,
        "series": 4,
        "alerts": {"pending": 0, "firing": 1, "no-data": 0},
    }


@asynccontextmanager
async def running_alerting_api() -> AsyncIterator[AlertingApi]:
    """The API on a free loopback port."""
    api = AlertingApi()
    site = Site(api.app(), Address("127.0.0.1", 0))
    api.url = (await site.start()).url
    try:
        yield api
    finally:
        await site.stop()
