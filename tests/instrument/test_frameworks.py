"""Real frameworks where their routing is not plain: mounts, prefixes, streams, files, HEAD, answers before a router."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from pathlib import Path
from typing import Any
from wsgiref.handlers import SimpleHandler
from wsgiref.types import StartResponse, WSGIEnvironment
from wsgiref.util import FileWrapper, setup_testing_defaults
from wsgiref.validate import validator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from fastapi import APIRouter, FastAPI, WebSocket
from fastapi.responses import StreamingResponse
from flask import Blueprint, Flask, Response, abort
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from tests.instrument.sending import Said, listening
from tocsin_instrument.aiohttp import tocsin_middleware
from tocsin_instrument.asgi import TocsinMiddleware
from tocsin_instrument.flask import instrument
from tocsin_instrument.wsgi import TocsinMiddleware as WsgiMiddleware

Message = MutableMapping[str, Any]


async def ask(app: Any, path: str, method: str = "GET", kind: str = "http") -> list[Message]:
    """What an ASGI app sends."""
    sent: list[Message] = []
    wishes = iter([{"type": "websocket.connect" if kind == "websocket" else "http.request"}])

    async def receive() -> Message:
        return next(wishes, {"type": "http.disconnect"})

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": kind, "method": method, "path": path, "raw_path": path.encode(), "root_path": ""}
    more = {"query_string": b"", "headers": [], "http_version": "1.1", "scheme": "http", "server": ("x", 80)}
    await app({**scope, **more, "asgi": {"version": "3.0", "spec_version": "2.3"}}, receive, send)
    return sent


async def words() -> Any:
    for word in ("one", "two"):
        yield word


def fastapi() -> FastAPI:
    """A shop with a version's prefix, and another app mounted in it."""
    app, router, inner = FastAPI(), APIRouter(prefix="/v2"), FastAPI()

    @router.get("/orders/{number}")
    async def order(number: int) -> int:
        return number

    @router.get("/words")
    async def stream() -> StreamingResponse:
        return StreamingResponse(words())

    @inner.get("/stock/{product:path}")
    async def stock(product: str) -> str:
        return product

    @inner.get("/broken")
    async def broken() -> str:
        raise KeyError("x")

    @app.websocket("/talk")
    async def talk(socket: WebSocket) -> None:
        await socket.accept()
        await socket.close()

    app.include_router(router)
    app.mount("/inner", inner)
    return app


@pytest.mark.parametrize(
    ("method", "path", "told"),
    [
        ("GET", "/v2/orders/7", ("/v2/orders/{number}", "200", 1)),
        ("GET", "/v2/orders/seven", ("/v2/orders/{number}", "422", None)),
        ("PUT", "/v2/orders/7", ("/v2/orders/{number}", "405", None)),
        ("GET", "/v2/words", ("/v2/words", "200", 6)),
        ("GET", "/inner/stock/a/b", ("/inner/stock/{product}", "200", None)),
        ("GET", "/inner/nowhere", ("unmatched", "404", None)),
        ("GET", "/nowhere/7", ("unmatched", "404", None)),
        ("HEAD", "/nowhere", ("unmatched", "404", None)),
    ],
)
async def test_fastapi(method: str, path: str, told: tuple[str, str, int | None]) -> None:
    """Prefixes and mounts are part of a template; what no route took is one endpoint, in a mounted app, too."""
    with listening() as said:
        app = fastapi()
        app.add_middleware(TocsinMiddleware, telemetry=said.telemetry)
        await ask(app, path, method)
        ((found, endpoint, status, error, size, exception),) = said.requests()
    assert (found, endpoint, status, error, exception) == (method, *told[:2], 0, "")
    assert told[2] in (None, size)


async def test_fastapi_in_a_mounted_app_that_raises() -> None:
    """The exception's own name, with the whole template."""
    with listening() as said:
        with pytest.raises(KeyError):
            await ask(TocsinMiddleware(fastapi(), telemetry=said.telemetry), "/inner/broken")
        assert [(one[1], *one[2:4], one[5]) for one in said.requests()] == [("/inner/broken", "500", 1, "KeyError")]


async def test_fastapi_s_web_sockets_are_let_through() -> None:
    """They open and close as without us, and are no requests."""
    with listening() as said:
        sent = await ask(TocsinMiddleware(fastapi(), telemetry=said.telemetry), "/talk", kind="websocket")
        assert [message["type"] for message in sent] == ["websocket.accept", "websocket.close"]
        assert said.requests() == []


async def test_starlette_and_files_below_it(tmp_path: Path) -> None:
    """It leaves no template; of a folder of files those that are not there are one endpoint."""

    async def order(request: Request) -> PlainTextResponse:
        return PlainTextResponse(str(request.path_params["number"]), background=BackgroundTask(str))

    (tmp_path / "app.js").write_text("1")
    inner = Mount("/shop", routes=[Route("/orders/{number:int}/{rest:path}", order)])
    app = Starlette(routes=[inner, Mount("/static", StaticFiles(directory=tmp_path))])
    with listening() as said:
        told = TocsinMiddleware(app, telemetry=said.telemetry)
        for path in ("/shop/orders/7/a/b", "/static/app.js", "/static/wp-login.php", "/shop/x"):
            await ask(told, path)
        assert [(one[1], one[2]) for one in said.requests()] == [
            ("/shop/orders/{number}/{rest}", "200"),
            ("/static/{path}", "200"),
            ("unmatched", "404"),
            ("unmatched", "404"),
        ]


async def test_a_client_that_went_in_the_middle_is_no_error() -> None:
    """The server had done its part."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise ClientDisconnect

    with listening() as said:
        with pytest.raises(ClientDisconnect):
            await ask(TocsinMiddleware(app, telemetry=said.telemetry), "/x")
        assert [one[2:4] + one[5:] for one in said.requests()] == [("499", 0, "")]


def flask() -> Flask:
    """A shop with a blueprint."""
    app, shop = Flask(__name__), Blueprint("shop", __name__, url_prefix="/shop")

    @shop.route("/orders/<int:number>")
    def order(number: int) -> str:
        if number > 9:
            abort(404)
        return str(number)

    @shop.route("/words")
    def stream() -> Response:
        return Response(iter(["one", "two"]))

    @shop.route("/broken")
    def broken() -> str:
        raise KeyError("x")

    app.register_blueprint(shop)
    return app


def test_flask() -> None:
    """Blueprints, streams, HEAD, what no route took, and what Flask turned into a 500."""
    with listening() as said:
        app = flask()
        instrument(app, telemetry=said.telemetry)
        client = app.test_client()
        for path in ("/shop/orders/7", "/shop/orders/10", "/shop/words", "/shop/broken", "/x"):
            client.get(path).close()
        client.head("/shop/orders/7").close()
        client.post("/shop/orders/7").close()
        assert [(one[0], one[1], one[2], one[5]) for one in said.requests()] == [
            ("GET", "/shop/orders/{number}", "200", ""),
            ("GET", "/shop/orders/{number}", "404", ""),
            ("GET", "/shop/words", "200", ""),
            ("GET", "/shop/broken", "500", "KeyError"),
            ("GET", "unmatched", "404", ""),
            ("HEAD", "/shop/orders/{number}", "200", ""),
            ("POST", "unmatched", "405", ""),
        ]


async def test_aiohttp_s_apps_within_apps() -> None:
    """The prefix of a sub-app is part of the template; so is it where the sub-app has no such route."""

    async def order(request: web.Request) -> web.StreamResponse:
        stream = web.StreamResponse()
        await stream.prepare(request)
        await stream.write(b"one")
        return stream

    with listening() as said:
        app, inner = web.Application(middlewares=[tocsin_middleware(telemetry=said.telemetry)]), web.Application()
        inner.router.add_get(r"/orders/{number:\d+}", order)
        app.add_subapp("/inner", inner)
        async with TestClient(TestServer(app)) as client:
            for path in ("/inner/orders/7", "/inner/x", "/x"):
                async with client.get(path) as reply:
                    await reply.read()
        assert [(one[1], one[2]) for one in said.requests()] == [
            ("/inner/orders/{number}", "200"),
            ("unmatched", "404"),
            ("unmatched", "404"),
        ]


def served(app: Any, **environ: Any) -> bytes:
    """What the standard library's server makes of an app."""
    taken = io.BytesIO()
    asked: dict[str, Any] = {"QUERY_STRING": ""}
    setup_testing_defaults(asked)
    SimpleHandler(io.BytesIO(), taken, io.StringIO(), asked | environ, multithread=False).run(app)
    return taken.getvalue()


def plain(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """One part, without its length."""
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [b"hello"]


def test_the_standard_s_own_check_finds_nothing_on_either_side(said: Said) -> None:
    """PEP 3333, by the standard library's validator, between the server and us and between us and the app."""
    assert served(validator(WsgiMiddleware(validator(plain), telemetry=said.telemetry))).endswith(b"hello")
    assert said.requests() == [("GET", "/", "200", 0, 5, "")]


def test_a_server_sees_how_long_a_single_part_is(said: Said) -> None:
    """It then tells the client, which else learns it from the end of the connection."""
    assert served(WsgiMiddleware(plain, telemetry=said.telemetry)) == served(plain)
    assert b"Content-Length: 5" in served(plain)


def test_a_server_sends_a_file_in_its_own_way(said: Said, tmp_path: Path) -> None:
    """By what the app returned, which it knows again; a middleware's wrap would make it read the file in parts."""
    (tmp_path / "film").write_bytes(b"film")
    seen: list[bool] = []

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [])
        wrap: Callable[[object], Iterable[bytes]] = environ["wsgi.file_wrapper"]
        return wrap((tmp_path / "film").open("rb"))

    class Handler(SimpleHandler):
        def sendfile(self) -> bool:
            seen.append(isinstance(self.result, FileWrapper))
            return False

    environ: dict[str, Any] = {}
    setup_testing_defaults(environ)
    taken = io.BytesIO()
    Handler(io.BytesIO(), taken, io.StringIO(), environ).run(WsgiMiddleware(app, telemetry=said.telemetry))
    assert taken.getvalue().endswith(b"film")
    assert seen == [True]
    assert [one[1:3] for one in said.requests()] == [("/", "200")]


@pytest.fixture
def said() -> Iterator[Said]:
    """A Telemetry of this test."""
    with listening() as found:
        yield found
