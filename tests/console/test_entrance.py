"""Who may come into the console: a password, a proxy's word, or loopback."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from argon2 import PasswordHasher

from console.config import ConsoleConfig, ProxyConfig
from foundation.secret import Secret
from tests.console.running import running_console
from tests.fakes.alerting_api import running_alerting_api

PASSWORD = "correct horse"
HASH = Secret(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD))
ASKING = ConsoleConfig(password=HASH)
WISH = {"matchers": ['team="web"'], "for": "2h", "author": "ann", "comment": "moving"}


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """A client that keeps cookies of addresses, as a browser does."""
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        yield session


async def status_of(http: aiohttp.ClientSession, url: str, **wish: Any) -> int:
    async with http.get(url, allow_redirects=False, **wish) as reply:
        return reply.status


async def sign_in(
    http: aiohttp.ClientSession, url: str, password: str = PASSWORD, **wish: Any
) -> aiohttp.ClientResponse:
    async with http.post(f"{url}/api/session", json={"name": "ann", "password": password}, **wish) as reply:
        await reply.read()
        return reply


async def test_without_a_password_nothing_is_told(http: aiohttp.ClientSession) -> None:
    """Pages lead to the sign-in, the rest is 401; what that page is drawn with, health and metrics are open."""
    async with running_console(ASKING) as url:
        async with http.get(f"{url}/boards/tocsin-red?from=now-6h&to=now", allow_redirects=False) as reply:
            assert (reply.status, reply.headers["Location"]) == (
                303,
                "/sign-in?to=/boards/tocsin-red?from%3Dnow-6h%26to%3Dnow",
            )
            assert "Content-Security-Policy" in reply.headers
        closed = ["/api/boards", "/api/boards/tocsin-red", "/api/config", "/api/collector", "/api/alerting/alerts"]
        assert {await status_of(http, url + path) for path in closed} == {401}
        async with http.post(f"{url}/api/query", data={"q": "SHOW DATABASES"}) as reply:
            assert reply.status == 401
        open_ = ["/sign-in", "/health", "/metrics", "/static/style.css", "/static/signin.js"]
        assert {await status_of(http, url + path) for path in open_} == {200}
        assert await status_of(http, f"{url}/static/../api/boards") == 401


async def test_who_signs_in_comes_in_until_they_sign_out(http: aiohttp.ClientSession) -> None:
    """The name that they gave is theirs; the cookie is for the console alone."""
    async with running_console(ASKING) as url:
        reply = await sign_in(http, url)
        assert reply.status == 200
        told = reply.headers["Set-Cookie"]
        assert {"HttpOnly", "Path=/", "SameSite=Lax", "Max-Age=43200"} <= {part.strip() for part in told.split(";")}
        assert "Secure" not in told
        async with http.get(f"{url}/api/config") as answered:
            settings = await answered.json()
        assert (settings["name"], settings["signs_out"], settings["no_changes"]) == ("ann", True, None)
        async with http.delete(f"{url}/api/session") as answered:
            assert answered.status == 200
        assert await status_of(http, f"{url}/api/boards") == 401


async def test_over_https_the_cookie_never_travels_in_clear(http: aiohttp.ClientSession) -> None:
    """Where people reach the console by https, as through a proxy, the cookie says so."""
    config = ConsoleConfig(password=HASH, public_url="https://tocsin.example")
    async with running_console(config) as url:
        assert "Secure" in (await sign_in(http, url)).headers["Set-Cookie"]


async def test_a_wrong_password_is_refused_and_guessing_is_slowed(http: aiohttp.ClientSession) -> None:
    """Five, then even the right one waits; all of it is counted."""
    async with running_console(ASKING) as url:
        assert [(await sign_in(http, url, f"guess {number}")).status for number in range(5)] == [401] * 5
        reply = await sign_in(http, url)
        assert (reply.status, reply.headers["Retry-After"]) == (429, "60")
        async with http.get(f"{url}/metrics") as metrics:
            counted = await metrics.text()
    assert 'tocsin_console_sign_ins_total{outcome="wrong"} 5.0' in counted
    assert 'tocsin_console_sign_ins_total{outcome="throttled"} 1.0' in counted


async def test_guesses_at_once_are_no_more_than_guesses_in_turn(http: aiohttp.ClientSession) -> None:
    """Those that wait for their turn are throttled by what was wrong before them."""
    async with running_console(ASKING) as url:
        replies = await asyncio.gather(*(sign_in(http, url, "guess") for _ in range(12)))
        assert sorted(reply.status for reply in replies) == [401] * 5 + [429] * 7


@pytest.mark.parametrize("body", [r'{"password": "\ud800"}', r'{"password": "x", "name": "\ud800"}', "[" * 200_000])
async def test_what_cannot_be_a_password_or_a_name_is_malformed(http: aiohttp.ClientSession, body: str) -> None:
    """Half of a character, or brackets without end, is told as any other wish that is none."""
    async with running_console(ASKING) as url:
        headers = {"Content-Type": "application/json"}
        async with http.post(f"{url}/api/session", data=body, headers=headers) as reply:
            assert reply.status == 400


async def test_a_name_that_is_told_twice_is_nobodys(http: aiohttp.ClientSession) -> None:
    """A proxy that adds its header to what the client sent leaves open which of both is its own."""
    config = ConsoleConfig(proxy=ProxyConfig(header="X-User", addresses=("127.0.0.1",)))
    told = [("X-User", "admin"), ("X-User", "ann")]
    async with running_console(config) as url, http.get(f"{url}/api/config", headers=told) as reply:
        assert reply.status == 401


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        (b"{", {"Content-Type": "application/json"}, 400),
        (b"[]", {"Content-Type": "application/json"}, 400),
        (b'{"password": 7}', {"Content-Type": "application/json"}, 400),
        (b'{"password": ""}', {"Content-Type": "application/json"}, 400),
        (b"password=x", {"Content-Type": "application/x-www-form-urlencoded"}, 415),
        (b'{"password": "x"}', {"Content-Type": "application/json", "Origin": "http://evil.example"}, 403),
    ],
)
async def test_what_is_no_wish_to_sign_in_is_refused(
    http: aiohttp.ClientSession, body: bytes, headers: dict[str, str], status: int
) -> None:
    """A broken one says what to send; one from a page of another site is none."""
    async with (
        running_console(ASKING) as url,
        http.post(f"{url}/api/session", data=body, headers=headers) as reply,
    ):
        assert reply.status == status
        assert (await reply.json())["error"]


async def test_changes_are_for_those_who_signed_in(http: aiohttp.ClientSession) -> None:
    """A silence is made by whoever signed in, on a console that others can reach, too."""
    async with (
        running_alerting_api() as api,
        running_console(ASKING, alerting_url=api.url, listen="0.0.0.0:0") as bound,
    ):
        url = bound.replace("0.0.0.0", "127.0.0.1")
        async with http.post(f"{url}/api/alerting/silences", json=WISH) as reply:
            assert reply.status == 401
        await sign_in(http, url)
        async with http.post(f"{url}/api/alerting/silences", json=WISH) as reply:
            assert reply.status == 201
    assert len(api.changes) == 1


async def test_a_proxy_s_word_counts_from_its_own_addresses(http: aiohttp.ClientSession) -> None:
    """From anywhere else the header is what a stranger wrote."""
    told = {"X-Remote-User": "bob"}
    trusted = ConsoleConfig(proxy=ProxyConfig(header="X-Remote-User", addresses=("127.0.0.0/8",)))
    async with running_console(trusted) as url:
        assert await status_of(http, f"{url}/api/boards") == 401
        assert await status_of(http, f"{url}/api/boards", headers={"X-Remote-User": " "}) == 401
        async with http.get(f"{url}/api/config", headers=told) as reply:
            settings = await reply.json()
        assert (settings["name"], settings["signs_out"], settings["no_changes"]) == ("bob", False, None)
    stranger = ConsoleConfig(proxy=ProxyConfig(header="X-Remote-User", addresses=("192.0.2.1",)))
    async with running_console(stranger) as url:
        async with http.get(f"{url}/api/boards", headers=told) as reply:
            assert reply.status == 401
            assert "console.proxy" in (await reply.json())["error"]
        assert (await sign_in(http, url)).status == 404


async def test_a_new_password_is_asked_for_at_once(http: aiohttp.ClientSession) -> None:
    """Sessions of the old one are over; those of a console that merely starts again are not."""
    async with running_console(ASKING) as url:
        await sign_in(http, url)
        assert await status_of(http, f"{url}/api/boards") == 200
    async with running_console(ASKING) as again:
        assert await status_of(http, f"{again}/api/boards") == 200
    other = Secret(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash("another one"))
    async with running_console(ConsoleConfig(password=other)) as again:
        assert await status_of(http, f"{again}/api/boards") == 401


def test_a_console_that_others_can_reach_asks_them_to_sign_in() -> None:
    """Or says with `open` that it does not; the error says how."""
    with pytest.raises(ValueError, match="tocsin secrets hash"):
        ConsoleConfig(listen="0.0.0.0:8080")
    ConsoleConfig(listen="0.0.0.0:8080", open=True)
    ConsoleConfig(listen="0.0.0.0:8080", password=HASH)


@pytest.mark.parametrize(
    "password", ["correct horse", "$argon2i$v=19$m=8,t=1,p=1$c29tZXNhbHQ$aGFzaGhhc2hoYXNo", "$2b$12$x"]
)
def test_a_password_in_clear_is_no_hash(password: str) -> None:
    """It is refused, and the message does not hold it."""
    with pytest.raises(ValueError, match="no argon2id hash") as caught:
        ConsoleConfig(password=Secret(password))
    assert password not in str(caught.value)


@pytest.mark.parametrize(("addresses", "words"), [((), "name those"), (("proxy.example",), "'proxy.example' is none")])
def test_a_proxy_is_known_by_addresses(addresses: tuple[str, ...], words: str) -> None:
    """A name could be made to lead anywhere."""
    with pytest.raises(ValueError, match=words):
        ProxyConfig(header="X-Remote-User", addresses=addresses)
