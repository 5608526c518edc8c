"""Requests on to the collector and the alerting API, so that the browser speaks to one address only.

Reading passes, and of changes those to silences and acknowledgements that `changes` lets through; alerting's token goes
from here to there and never to a browser. What the other side answers goes back as it is; what it does not answer is a
502 that says who is away and where. Each is counted by target and outcome.
"""

from __future__ import annotations

from collections.abc import Mapping

import aiohttp
from aiohttp import web
from prometheus_client import CollectorRegistry, Counter

from console import changes
from console.config import ConsoleConfig
from console.entrance import NAME
from console.statements import why_not
from foundation.tls import Trust
from foundation.web import answer

_CONNECT_S = 5.0
_ALERTING = "alerting"
_ALERTING_PATHS = frozenset({"alerts", "history", "rules", "notifications", "silences", "status"})


class GatewayMetrics:
    """What the gateway counts."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.requests = Counter(
            "tocsin_console_upstream_requests_total",
            "Requests that the console passed on, by where to and how it went.",
            ("target", "outcome"),
            registry=registry,
        )
        self.refused_changes = Counter(
            "tocsin_console_refused_changes_total",
            "Changes that the console did not pass on, by reason: not-json, foreign (a page of another site), closed.",
            ("reason",),
            registry=registry,
        )


class Gateway:
    """Holds the one HTTP client of the console; `open` before use, `close` at the end."""

    def __init__(
        self,
        config: ConsoleConfig,
        *,
        registry: CollectorRegistry,
        trust: Trust = True,
        alerting_trust: Trust = True,
    ) -> None:
        self._config = config
        self._trust, self._alerting_trust = trust, alerting_trust
        self._session: aiohttp.ClientSession | None = None
        metrics = GatewayMetrics(registry)
        self._requests, self._refused = metrics.requests, metrics.refused_changes

    async def open(self) -> None:
        """Make the client; connects to nobody yet."""
        self._session = aiohttp.ClientSession(trust_env=False, auto_decompress=True)

    def adopt(self, config: ConsoleConfig) -> None:
        """Pass on by `config` from the next request on."""
        self._config = config

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()

    async def query(self, request: web.Request) -> web.Response:
        """POST /api/query, form `q` and optional `db`: InfluxDB's JSON with times in milliseconds."""
        form = await request.post()
        statement, bucket = form.get("q"), form.get("db") or self._config.bucket
        if not isinstance(statement, str) or not isinstance(bucket, str):
            return answer(
                {"error": "send a form with the query as q, and the database as db if it is another"}, status=400
            )
        problem = why_not(statement)
        if problem is not None:
            self._requests.labels("query", "refused").inc()
            return answer({"error": problem}, status=400)
        config = self._config
        headers = {"Authorization": f"Token {config.token.reveal()}"} if config.token else {}
        wish = {"q": statement, "db": bucket, "epoch": "ms"}
        return await self._pass("query", "POST", f"{config.collector.rstrip('/')}/query", body=wish, headers=headers)

    async def alerting(self, request: web.Request) -> web.Response:
        """GET /api/alerting/NAME: the alerting API's answer of that name."""
        name = request.match_info["name"]
        if name not in _ALERTING_PATHS:
            return answer({"error": f"there is {', '.join(sorted(_ALERTING_PATHS))}"}, status=404)
        return await self._pass(_ALERTING, "GET", self._alerting_url(name), params=request.query)

    async def account(self, request: web.Request) -> web.Response:
        """GET /api/alerting/alerts/ID/account: why an alert is as it is."""
        return await self._pass(_ALERTING, "GET", self._alerting_url("alerts", request.match_info["id"], "account"))

    async def acknowledge(self, request: web.Request) -> web.Response:
        """POST /api/alerting/alerts/ID/acknowledgement: take an alert in hand."""
        return await self._change(request, "POST", self._hand_url(request))

    async def give_back(self, request: web.Request) -> web.Response:
        """DELETE /api/alerting/alerts/ID/acknowledgement: give it back."""
        return await self._change(request, "DELETE", self._hand_url(request))

    async def silence(self, request: web.Request) -> web.Response:
        """POST /api/alerting/silences: make a silence, or change one."""
        return await self._change(request, "POST", self._alerting_url("silences"))

    async def end_silence(self, request: web.Request) -> web.Response:
        """DELETE /api/alerting/silences/ID: end one."""
        return await self._change(request, "DELETE", self._alerting_url("silences", request.match_info["id"]))

    async def _change(self, request: web.Request, method: str, url: str) -> web.Response:
        config = self._config
        refusal = changes.refused(request.headers, request.host, config, request.get(NAME, ""))
        if refusal is not None:
            self._refused.labels(refusal.reason).inc()
            return answer({"error": refusal.words}, status=refusal.status)
        headers = {"Content-Type": "application/json"}
        if config.alerting_token is not None:
            headers["Authorization"] = f"Bearer {config.alerting_token.reveal()}"
        return await self._pass(_ALERTING, method, url, body=await request.read(), headers=headers)

    def _hand_url(self, request: web.Request) -> str:
        return self._alerting_url("alerts", request.match_info["id"], "acknowledgement")

    def _alerting_url(self, *steps: str) -> str:
        return "/".join((self._config.alerting.rstrip("/"), "api/v1", *steps))

    async def collector(self, _request: web.Request) -> web.Response:
        """GET /api/collector: whether the collector accepts, and what it has buffered."""
        return await self._pass("collector", "GET", f"{self._config.collector.rstrip('/')}/ready")

    async def _pass(
        self,
        target: str,
        method: str,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        body: Mapping[str, str] | bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> web.Response:
        assert self._session is not None, "open() comes first"  # noqa: S101 - a programmer's mistake, not input
        deadline_s = self._config.deadline.total_seconds()
        timeout = aiohttp.ClientTimeout(total=deadline_s, connect=_CONNECT_S)
        trust = self._alerting_trust if target == _ALERTING else self._trust
        try:
            async with self._session.request(
                method, url, params=params, data=body, headers=headers, timeout=timeout, ssl=trust
            ) as reply:
                told, status = await reply.read(), reply.status
        except TimeoutError:
            self._requests.labels(target, "timeout").inc()
            return answer({"error": f"no answer from {url} within {deadline_s:g} s"}, status=504)
        except aiohttp.ClientError as error:
            self._requests.labels(target, "unreachable").inc()
            return answer({"error": f"{url} cannot be reached: {_why(error)}"}, status=502)
        self._requests.labels(target, f"{status // 100}xx").inc()
        response = web.Response(body=told, status=status, content_type="application/json")
        response.enable_compression()
        return response


def _why(error: aiohttp.ClientError) -> str:
    refused = isinstance(error, aiohttp.ClientConnectorError) and isinstance(error.os_error, ConnectionRefusedError)
    return "nothing accepts connections there" if refused else str(error)
