"""An alerting API that answers what the test puts into it, in the shapes of docs/alerting-api.md."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
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


class AlertingApi:
    """Holds what the API says; change it while it runs."""

    def __init__(self) -> None:
        self.url = ""
        self.alerts: list[dict[str, Any]] = []
        self.history: list[dict[str, Any]] = []
        self.rules: list[dict[str, Any]] = [rule("CheckoutSlow")]

    async def _alerts(self, request: web.Request) -> web.Response:
        wanted = request.query.get("state")
        return answer({"alerts": [one for one in self.alerts if wanted in (None, one["state"])]})

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

    def app(self) -> web.Application:
        """Its routes."""
        app = web.Application()
        for name, handler in (
            ("alerts", self._alerts),
            ("history", self._history),
            ("rules", self._rules),
            ("status", self._status),
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
        "warn": "> 300",
        "critical": "> 800",
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
