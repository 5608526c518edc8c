"""The console's role: which address answers what. Composition root of the room."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from aiohttp import web
from prometheus_client import CollectorRegistry

from console import changes
from console.assets import Assets
from console.boards import Boards
from console.config import ConsoleConfig
from console.entrance import NAME, Entrance, EntranceMetrics
from console.gateway import Gateway
from console.headers import safe
from foundation.clock import Clock
from foundation.lifecycle import TakeUp
from foundation.tls import Trust
from foundation.web import Address, Listening, Site, answer, metrics_response

_STATIC = Path(__file__).resolve().parent / "static"
_LARGEST_FORM = 1 << 20
_ID = "{id:[0-9A-Za-z]{1,64}}"


class Console:
    """Serves the pages and what they ask for. One process, one event loop. `config` names the URLs of both others,
    `trust` whose certificate the collector's may be, `alerting_trust` whose alerting's.
    """

    name = "console"

    def __init__(
        self,
        config: ConsoleConfig,
        *,
        registry: CollectorRegistry,
        clock: Clock,
        on_incident: Callable[[str, BaseException | None], None],
        listening: Listening | None = None,
        trust: Trust = True,
        alerting_trust: Trust = True,
    ) -> None:
        del on_incident  # the console has no task that runs for ever
        self._clock = clock
        self._config = config
        self._registry = registry
        self._boards = Boards(config.boards)
        self._assets = Assets(_STATIC)
        self._listening = listening
        self._gateway = Gateway(config, registry=registry, trust=trust, alerting_trust=alerting_trust)
        self._entrance = Entrance(
            config,
            clock=clock,
            metrics=EntranceMetrics(registry),
            tls=listening is not None and listening.tls is not None,
        )
        self._site: Site | None = None

    async def start(self) -> str:
        """Bind and serve; returns the address really bound."""
        await self._gateway.open()
        self._site = Site(self._app(), Address.parse(self._config.listen), listening=self._listening)
        return str(await self._site.start())

    async def stop(self) -> None:
        """Close the pages, then the connections behind them."""
        if self._site is not None:
            await self._site.stop()
        await self._gateway.close()

    async def prepare(self, config: ConsoleConfig) -> TakeUp:
        """Look at a new section, in which what is FIXED is as it was. Board files are followed anyway."""
        return partial(self._adopt, config)

    async def _adopt(self, config: ConsoleConfig) -> None:
        if config.boards != self._config.boards:
            self._boards = Boards(config.boards)
        self._config = config
        self._gateway.adopt(config)
        self._entrance.adopt(config)

    def _app(self) -> web.Application:
        app = web.Application(middlewares=[safe, self._entrance.guard], client_max_size=_LARGEST_FORM)
        pages = [web.get(path, self._page) for path in ("/", "/alerts", f"/alerts/{_ID}", "/silences", "/boards/{uid}")]
        app.add_routes(
            [
                *pages,
                web.get("/sign-in", self._sign_in_page),
                web.post("/api/session", self._entrance.sign_in),
                web.delete("/api/session", self._entrance.sign_out),
                web.get("/api/config", self._settings),
                web.get("/api/boards", self._list_boards),
                web.get("/api/boards/{uid}", self._board),
                web.post("/api/query", self._gateway.query),
                web.get("/api/alerting/{name}", self._gateway.alerting),
                web.get(f"/api/alerting/alerts/{_ID}/account", self._gateway.account),
                web.post(f"/api/alerting/alerts/{_ID}/acknowledgement", self._gateway.acknowledge),
                web.delete(f"/api/alerting/alerts/{_ID}/acknowledgement", self._gateway.give_back),
                web.post("/api/alerting/silences", self._gateway.silence),
                web.delete(f"/api/alerting/silences/{_ID}", self._gateway.end_silence),
                web.get("/api/collector", self._gateway.collector),
                web.get("/health", self._health),
                web.get("/metrics", self._metrics),
                web.get("/static/{name:[\\w./-]+}", self._assets.serve),
            ]
        )
        return app

    async def _page(self, request: web.Request) -> web.Response:
        page = self._assets.answer(request, "index.html")
        uid = request.match_info.get("uid", "")
        if uid and self._boards.get(uid):  # the board is fetched while the page's scripts still are
            page.headers["Link"] = f"</api/boards/{uid}>; rel=preload; as=fetch; crossorigin=anonymous"
        return page

    async def _sign_in_page(self, request: web.Request) -> web.Response:
        return self._assets.answer(request, "signin.html")

    async def _settings(self, request: web.Request) -> web.Response:
        closed = changes.closed(self._config, request.get(NAME, ""))
        return answer(
            {
                "now": self._clock.now_ns() // 1_000_000,
                "no_changes": closed.words if closed else None,
                "name": request.get(NAME, "") or None,
                "signs_out": self._entrance.has_password,
            }
        )

    async def _list_boards(self, _request: web.Request) -> web.Response:
        return answer(self._boards.index())

    async def _board(self, request: web.Request) -> web.Response:
        uid = request.match_info["uid"]
        board: dict[str, Any] | None = self._boards.get(uid)
        if board is None:
            known = ", ".join(entry["uid"] for entry in self._boards.index()["boards"])
            return answer({"error": f"there is no board {uid!r}; there is {known or 'none at all'}"}, status=404)
        return answer(board)

    async def _health(self, _request: web.Request) -> web.Response:
        return answer({"status": "ok"})

    async def _metrics(self, _request: web.Request) -> web.Response:
        return metrics_response(self._registry)
