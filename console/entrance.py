"""Who may come in: on loopback whoever is there, elsewhere whoever signs in or is named by a trusted proxy.

`app` puts `guard` around every answer. The invariants: without a name nothing but the sign-in page, what it is drawn
with, `/health` and `/metrics` is answered; a proxy's header counts only from the proxy's own addresses; and where the
console can be reached from elsewhere, it asks unless `open` says that it need not.
"""

from __future__ import annotations

import asyncio
import ipaddress
import math
from datetime import timedelta
from functools import partial
from http import HTTPStatus
from urllib.parse import quote

from aiohttp import web
from aiohttp.typedefs import Handler
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from prometheus_client import CollectorRegistry, Counter

from console import changes
from console.attempts import Attempts
from console.config import ConsoleConfig
from console.sessions import Sessions
from foundation.clock import Clock
from foundation.secret import Secret
from foundation.web import answer

NAME = web.RequestKey("tocsin_name", str)
"""Who asks, once `guard` has let them pass; empty where nobody has to sign in."""

_COOKIE = "tocsin_session"
_PUBLIC = frozenset({"/sign-in", "/api/session", "/health", "/metrics"})
_STATIC = "/static/"
_LONGEST_PASSWORD = 1_000
_LONGEST_NAME = 64


class EntranceMetrics:
    """What is counted at the entrance."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.sign_ins = Counter(
            "tocsin_console_sign_ins_total",
            "Attempts to sign in, by outcome: taken, wrong (password), throttled (too many wrong ones), malformed,"
            " not-json, foreign (a page of another site).",
            ("outcome",),
            registry=registry,
        )
        for outcome in ("taken", "wrong", "throttled", "malformed", "not-json", "foreign"):
            self.sign_ins.labels(outcome)


class Entrance:
    """Knows who asks. `tls`: whether the console speaks it itself; by it or a proxy's, no cookie travels in clear."""

    def __init__(self, config: ConsoleConfig, *, clock: Clock, metrics: EntranceMetrics, tls: bool = False) -> None:
        self._clock, self._metrics, self._tls = clock, metrics, tls
        self._attempts = Attempts()
        self._checking = asyncio.Lock()
        self._hasher = PasswordHasher()
        self.adopt(config)

    def adopt(self, config: ConsoleConfig) -> None:
        """Let in by `config` from the next request on."""
        self._config = config
        self._secure = self._tls or config.public_url.startswith("https")
        self._sessions = Sessions(config.password.reveal(), config.session) if config.password else None
        self._proxies = (
            [ipaddress.ip_network(one, strict=False) for one in config.proxy.addresses] if config.proxy else []
        )

    @property
    def asks(self) -> bool:
        """Whether anybody has to say who they are."""
        return self._config.password is not None or self._config.proxy is not None

    @property
    def has_password(self) -> bool:
        """Whether one can sign in here, and out again."""
        return self._sessions is not None

    @web.middleware
    async def guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer those who may come in; send pages to the sign-in, and tell programs 401."""
        if not self.asks:
            request[NAME] = ""
            return await handler(request)
        name = self._named(request)
        if name:
            request[NAME] = name
            return await handler(request)
        if request.path in _PUBLIC or request.path.startswith(_STATIC):
            return await handler(request)
        if request.path.startswith("/api/") or request.method != "GET":
            return answer({"error": self._mend()}, status=HTTPStatus.UNAUTHORIZED)
        raise web.HTTPSeeOther(f"/sign-in?to={quote(request.path_qs, safe='')}")

    async def sign_in(self, request: web.Request) -> web.Response:
        """POST /api/session, JSON `password` and optional `name`: a cookie, or 401, or 429 with Retry-After."""
        sessions = self._sessions
        if sessions is None:
            return answer({"error": "this console has no password to sign in with"}, status=HTTPStatus.NOT_FOUND)
        foreign = changes.foreign(request.headers, request.host, self._config)
        if foreign is not None:
            return self._turned_away(foreign.reason, foreign.status, foreign.words)
        wish = await _wish(request)
        if wish is None:
            return self._turned_away(
                "malformed", HTTPStatus.BAD_REQUEST, "send JSON with a password, and a name if you like"
            )
        name, password = wish
        refusal = await self._weigh(password, request.remote or "")
        if refusal is not None:
            return refusal
        self._metrics.sign_ins.labels("taken").inc()
        response = answer({"name": name})
        response.set_cookie(
            _COOKIE,
            sessions.begin(name, self._clock.now()),
            max_age=int(self._config.session.total_seconds()),
            path="/",
            secure=self._secure,
            httponly=True,
            samesite="Lax",
        )
        return response

    async def sign_out(self, _request: web.Request) -> web.Response:
        """DELETE /api/session: the browser forgets who signed in."""
        response = answer({"name": None})
        response.del_cookie(_COOKIE, path="/", secure=self._secure, httponly=True, samesite="Lax")
        return response

    def _named(self, request: web.Request) -> str:
        proxy = self._config.proxy
        if proxy is not None and _is_from(request.remote, self._proxies):
            told = request.headers.getall(proxy.header, [])
            if len(told) == 1 and told[0].strip():  # of two, one is the client's own
                return told[0].strip()[:_LONGEST_NAME]
        cookie = request.cookies.get(_COOKIE)
        if self._sessions is None or cookie is None:
            return ""
        return self._sessions.whose(cookie, self._clock.now()) or ""

    async def _weigh(self, password: str, address: str) -> web.Response | None:
        """Why this password from there lets nobody in; None where it is right.

        One at a time, for it takes 64 MiB and some 50 ms on purpose; so guesses that come at once are counted in turn.
        """
        async with self._checking:
            now = self._clock.now()
            wait = self._attempts.wait(address, now)
            if wait > timedelta(0):
                words = "too many wrong passwords came from this address; wait a minute"
                refusal = self._turned_away("throttled", HTTPStatus.TOO_MANY_REQUESTS, words)
                refusal.headers["Retry-After"] = str(math.ceil(wait.total_seconds()))
                return refusal
            if not await self._is_right(password, self._config.password):
                self._attempts.note(address, now)
                return self._turned_away("wrong", HTTPStatus.UNAUTHORIZED, "that is not the password")
            self._attempts.forget(address)
            return None

    async def _is_right(self, password: str, hashed: Secret | None) -> bool:
        check = partial(self._hasher.verify, hashed.reveal() if hashed else "", password)
        try:
            return await asyncio.to_thread(check)
        except (VerificationError, InvalidHashError):
            return False

    def _turned_away(self, outcome: str, status: HTTPStatus, words: str) -> web.Response:
        self._metrics.sign_ins.labels(outcome).inc()
        return answer({"error": words}, status=status)

    def _mend(self) -> str:
        if self._sessions is not None:
            return "sign in first, at /sign-in"
        return "this console is reached through its proxy, which says who asks; console.proxy names it"


def _is_from(remote: str | None, networks: list[ipaddress.IPv4Network | ipaddress.IPv6Network]) -> bool:
    try:
        address = ipaddress.ip_address((remote or "").partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return any(address in network for network in networks)


async def _wish(request: web.Request) -> tuple[str, str] | None:
    """(name, password) of a request to sign in; None where it holds none."""
    try:
        found = await request.json()
    except (ValueError, RecursionError):
        return None
    password, name = (found.get("password"), found.get("name", "")) if isinstance(found, dict) else (None, "")
    if not isinstance(password, str) or not isinstance(name, str) or not 0 < len(password) <= _LONGEST_PASSWORD:
        return None
    if not _is_text(name) or not _is_text(password):
        return None
    return name.strip()[:_LONGEST_NAME] or "somebody", password


def _is_text(told: str) -> bool:
    """Whether it can be written; JSON may escape half of a character."""
    try:
        told.encode()
    except UnicodeEncodeError:
        return False
    return True
