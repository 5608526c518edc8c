import asyncio
from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import Any
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest
from aiohttp import ClientResponseError, web
from aiohttp.test_utils import TestClient, TestServer

from tests.instrument.sending import Said, listening
from tocsin_instrument.aiohttp import tocsin_middleware
from tocsin_instrument.asgi import Message, Receive, Scope, Send
from tocsin_instrument.asgi import TocsinMiddleware as AsgiMiddleware
from tocsin_instrument.django import tocsin_middleware as django_middleware
from tocsin_instrument.wsgi import TocsinMiddleware as WsgiMiddleware

BODY = [b"abc", b"de"]


async def nothing() -> Message:
    return {"type": "http.request"}


async def ask_asgi(app: Callable[[Scope, Receive, Send], Any], said: Said, **scope: Any) -> list[Message]:
    messages: list[Message] = []

    async def send(message: Message) -> None:
        messages.append(message)

    middleware = AsgiMiddleware(app, telemetry=said.telemetry)
    await middleware({"type": "http", "method": "GET", "path": "/", "root_path": "", **scope}, nothing, send)
    return messages


async def answering(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 201, "headers": []})
    for part in BODY:
        await send({"type": "http.response.body", "body": part, "more_body": True})
    await send({"type": "http.response.body"})


class Route:
    path = "/orders/{id}"


@pytest.mark.parametrize(
    ("left", "endpoint"),
    [
        ({"route": Route, "path": "/orders/7"}, "/orders/{id}"),
        ({"route": Route, "path": "/api/orders/7", "root_path": "/api"}, "/orders/{id}"),
        ({"path_template": "/x/{y}"}, "/x/{y}"),
        ({"path": "/x/7", "path_params": {"y": 7}, "endpoint": object}, "/x/{y}"),
        ({"path": "/x/7"}, "/x/{id}"),
    ],
)
async def test_asgi_passes_all_messages_and_finds_the_route_that_was_left_in_the_scope(
    left: dict[str, Any], endpoint: str
) -> None:
    """Each router leaves something else."""
    with listening() as said:
        messages = await ask_asgi(answering, said, **left)
        assert [message.get("body", b"") for message in messages[1:]] == [*BODY, b""]
        assert said.requests() == [("GET", endpoint, "201", 0, 5, "")]


async def test_asgi_adds_the_mount_that_the_router_entered() -> None:
    """Of a mounted app the router knows the inner path only."""

    async def mounted(scope: Scope, receive: Receive, send: Send) -> None:
        scope.update(root_path="/outer/inner", route=Route)
        await answering(scope, receive, send)

    with listening() as said:
        await ask_asgi(mounted, said, path="/outer/inner/orders/7", root_path="/outer")
        assert said.requests()[0][1] == "/inner/orders/{id}"


async def test_asgi_tells_what_the_app_raised_and_raises_it() -> None:
    """Before an answer began it is a 500."""

    async def failing(scope: Scope, receive: Receive, send: Send) -> None:
        raise KeyError("x")

    with listening() as said:
        with pytest.raises(KeyError):
            await ask_asgi(failing, said, path="/checkout")
        assert said.requests() == [("GET", "/checkout", "500", 1, 0, "KeyError")]


async def test_asgi_tells_that_the_client_went() -> None:
    """That is nobody's error, and has a status of its own."""

    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        raise asyncio.CancelledError

    with listening() as said:
        with pytest.raises(asyncio.CancelledError):
            await ask_asgi(slow, said)
        assert said.requests() == [("GET", "/", "499", 0, 0, "")]


async def test_asgi_ends_a_request_with_its_body(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the app does after its answer, as in background tasks, kept nobody waiting."""
    now_s = 0.0
    monkeypatch.setattr("tocsin_instrument.stopwatch.time", SimpleNamespace(perf_counter=lambda: now_s))

    async def busy(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal now_s
        now_s += 1.0
        await answering(scope, receive, send)
        now_s += 60.0

    with listening() as said:
        await ask_asgi(busy, said)
        assert dict(said.lines()[0].fields)["duration_ms"] == 1000.0


class Unspeakable:
    """What cannot even be told."""

    def __str__(self) -> str:
        raise RuntimeError("no")


async def test_a_request_whose_endpoint_cannot_be_found_is_answered_all_the_same() -> None:
    """Whatever a framework leaves behind, the answer goes out and the request is counted."""
    left = {"path_params": {"y": Unspeakable()}, "endpoint": object}
    with listening() as said:
        messages = await ask_asgi(answering, said, path="/x", **left)
        assert messages[0]["type"] == "http.response.start"
        assert said.requests() == [("GET", "unmatched", "201", 0, 5, "")]

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [])
        return BODY

    with listening() as said:
        assert ask_wsgi(app, said, PATH_INFO=Unspeakable()) == b"abcde"
        assert said.requests() == [("GET", "unmatched", "200", 0, 5, "")]


@pytest.mark.parametrize("status", [401, 403, 429])
async def test_who_is_turned_away_before_the_router_makes_no_endpoint(status: int) -> None:
    """A scanner without a token would else use up the endpoints that are told apart."""

    async def closed(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body"})

    with listening() as said:
        await ask_asgi(closed, said, path="/wp-admin")
        assert said.requests()[0][1] == "unmatched"


async def test_django_tells_that_the_client_went() -> None:
    """That is nobody's error there either."""

    async def slow(_request: Any) -> Any:
        raise asyncio.CancelledError

    with listening() as said:
        with pytest.raises(asyncio.CancelledError):
            await django_middleware(slow, said.telemetry)(SimpleNamespace(method="GET"))
        assert said.requests() == [("GET", "unmatched", "499", 0, 0, "")]


async def test_aiohttp_knows_an_error_of_a_client_from_an_answer() -> None:
    """What an upstream refused has a status, too, and is a 500 of ours."""

    async def asking(request: web.Request) -> web.Response:
        info: Any = SimpleNamespace(real_url=request.url)
        raise ClientResponseError(info, (), status=404)

    with listening() as said:
        app = web.Application(middlewares=[tocsin_middleware(telemetry=said.telemetry)])
        app.router.add_get("/x", asking)
        async with TestClient(TestServer(app)) as client, client.get("/x") as reply:
            assert reply.status == 500
        assert said.requests() == [("GET", "/x", "500", 1, 0, "ClientResponseError")]


async def test_aiohttp_leaves_web_sockets_alone() -> None:
    """An hour of talk is no request that took an hour."""

    async def talk(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.close()
        return socket

    with listening() as said:
        app = web.Application(middlewares=[tocsin_middleware(telemetry=said.telemetry)])
        app.router.add_get("/talk", talk)
        async with TestClient(TestServer(app)) as client, client.ws_connect("/talk") as socket:
            await socket.receive()
        assert said.requests() == []


async def test_asgi_leaves_other_scopes_alone() -> None:
    """Web sockets and lifespan pass untouched."""
    seen: list[Scope] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.append(scope)

    with listening() as said:
        await ask_asgi(app, said, type="lifespan")
        assert len(seen) == 1
        assert said.requests() == []


def ask_wsgi(app: Any, said: Said, **environ: Any) -> bytes:
    begun: list[str] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], object]:
        begun.append(status)
        return begun.append

    middleware = WsgiMiddleware(app, telemetry=said.telemetry)
    parts = middleware({"REQUEST_METHOD": "GET", "PATH_INFO": "/", **environ}, start_response)
    try:
        return b"".join(parts)
    finally:
        parts.close()  # type: ignore[attr-defined]  # what a server does where it is there


class Closing:
    """Parts that want to be closed, as generators do."""

    closed = False

    def __iter__(self) -> Any:
        return iter(BODY)

    def close(self) -> None:
        self.closed = True


def test_wsgi_passes_all_parts_and_closes_them() -> None:
    """The request ends with its last part."""
    parts = Closing()

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("201 Created", [])
        return parts

    with listening() as said:
        assert ask_wsgi(app, said, PATH_INFO="/orders/17") == b"abcde"
        assert parts.closed
        assert said.requests() == [("GET", "/orders/{id}", "201", 0, 5, "")]


def test_wsgi_counts_what_is_written_the_old_way() -> None:
    """`start_response` gives a function that writes."""

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [])(b"xyz")
        return []

    with listening() as said:
        assert ask_wsgi(app, said) == b""
        assert said.requests()[0][4] == 3


@pytest.mark.parametrize("lazily", [False, True])
def test_wsgi_tells_what_the_app_raised_and_raises_it(lazily: bool) -> None:
    """Before its first part, or in the middle of them."""

    def failing(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("200 OK", [])
        yield b"a"
        raise KeyError("x")

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if lazily:
            return failing(environ, start_response)
        raise KeyError("x")

    with listening() as said:
        with pytest.raises(KeyError):
            ask_wsgi(app, said, PATH_INFO="/checkout")
        (told,) = said.requests()
    assert told == ("GET", "/checkout", "200" if lazily else "500", 1, int(lazily), "KeyError")


def test_wsgi_makes_one_endpoint_of_what_no_route_took() -> None:
    """Scanners ask for thousands of paths."""

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response("404 Not Found", [])
        return [b""]

    with listening() as said:
        ask_wsgi(app, said, PATH_INFO="/wp-login.php")
        assert said.requests()[0][1] == "unmatched"


async def test_aiohttp_tells_answers_errors_and_what_no_route_took() -> None:
    """An HTTPException is an answer; anything else that is raised is the server's error."""

    async def order(request: web.Request) -> web.Response:
        if request.match_info["id"] == "0":
            raise web.HTTPConflict(text="no")
        if request.match_info["id"] == "-":
            raise KeyError("x")
        return web.Response(text="abcde")

    with listening() as said:
        app = web.Application(middlewares=[tocsin_middleware(telemetry=said.telemetry)])
        app.router.add_get("/orders/{id}", order)
        async with TestClient(TestServer(app)) as client:
            statuses = [(await client.get(path)).status for path in ("/orders/7", "/orders/0", "/orders/-", "/x")]
        told = said.requests()
    assert statuses == [200, 409, 500, 404]
    assert told == [
        ("GET", "/orders/{id}", "200", 0, 5, ""),
        ("GET", "/orders/{id}", "409", 0, 2, ""),
        ("GET", "/orders/{id}", "500", 1, 0, "KeyError"),
        ("GET", "unmatched", "404", 0, told[3][4], ""),
    ]
