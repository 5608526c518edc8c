"""Changes through the console: only its own pages make them, off loopback only where that was allowed; the token of
alerting goes from server to server.
"""

import dataclasses
from collections.abc import AsyncIterator

import aiohttp
import pytest

from console.changes import closed, refused
from console.config import ConsoleConfig
from foundation.secret import Secret
from tests.console.running import running_console
from tests.fakes.alerting_api import AlertingApi, account, alert, running_alerting_api, silence

JSON = {"Content-Type": "application/json"}
WISH = {"matchers": ['team="web"'], "for": "2h", "author": "ann", "comment": "moving"}
LOCAL = ConsoleConfig(listen="127.0.0.1:8080")
HERE = "127.0.0.1:8080"


@pytest.fixture
async def api() -> AsyncIterator[AlertingApi]:
    """An alerting API that takes silences."""
    async with running_alerting_api() as running:
        yield running


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """A client that is no browser."""
    async with aiohttp.ClientSession() as session:
        yield session


async def test_a_silence_is_made_and_ended_with_the_token_of_alerting(http: aiohttp.ClientSession, api: AlertingApi):
    """The document goes on as it came, the token is added on the way, and no answer to a browser holds it."""
    config = ConsoleConfig(alerting_token=Secret("let-me"))
    async with running_console(config, alerting_url=api.url) as url:
        async with http.post(f"{url}/api/alerting/silences", json=WISH) as reply:
            assert reply.status == 201
            made = (await reply.json())["silence"]["id"]
            assert "let-me" not in await reply.text() + str(reply.headers)
        async with http.delete(f"{url}/api/alerting/silences/{made}", headers=JSON) as reply:
            assert (await reply.json())["silence"]["phase"] == "expired"
        async with http.get(f"{url}/api/alerting/silences") as reply:
            assert [one["id"] for one in (await reply.json())["silences"]] == [made]
    assert [(one.method, one.path, one.doc, one.authorization) for one in api.changes] == [
        ("POST", "/api/v1/silences", WISH, "Bearer let-me"),
        ("DELETE", f"/api/v1/silences/{made}", None, "Bearer let-me"),
    ]


async def test_an_alert_is_taken_and_given_back_with_the_token_of_alerting(
    http: aiohttp.ClientSession, api: AlertingApi
):
    """Both go on as they came, and as every change from the console's own pages alone."""
    config, path = ConsoleConfig(alerting_token=Secret("let-me")), "alerts/9f2c/acknowledgement"
    async with running_console(config, alerting_url=api.url) as url:
        foreign = JSON | {"Origin": "http://evil.example"}
        for method in ("POST", "DELETE"):
            async with http.request(method, f"{url}/api/alerting/{path}", data=b"{}", headers=foreign) as reply:
                assert reply.status == 403
        async with http.post(f"{url}/api/alerting/{path}", json={"author": "ann"}) as reply:
            assert reply.status == 201
        async with http.delete(f"{url}/api/alerting/{path}", headers=JSON) as reply:
            assert reply.status == 200
    assert [(one.method, one.path, one.doc, one.authorization) for one in api.changes] == [
        ("POST", f"/api/v1/{path}", {"author": "ann"}, "Bearer let-me"),
        ("DELETE", f"/api/v1/{path}", None, "Bearer let-me"),
    ]


async def test_what_alerting_refuses_comes_back_as_it_is(http: aiohttp.ClientSession, api: AlertingApi):
    """The sentence and the status of the alerting API reach the page."""
    api.refusal = "author is missing"
    async with (
        running_console(alerting_url=api.url) as url,
        http.post(f"{url}/api/alerting/silences", json=WISH) as reply,
    ):
        assert reply.status == 400
        assert (await reply.json())["error"] == "author is missing"


@pytest.mark.parametrize(
    "headers",
    [
        JSON | {"Origin": "http://evil.example"},
        JSON | {"Origin": "null"},
        JSON | {"Sec-Fetch-Site": "cross-site"},
        JSON | {"Sec-Fetch-Site": "same-site"},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
    ],
)
async def test_what_a_page_of_another_site_can_send_changes_nothing(
    http: aiohttp.ClientSession, api: AlertingApi, headers: dict[str, str]
):
    """Another origin, a sandboxed frame, another port of this machine, a form: refused, counted, and alerting hears of
    none.
    """
    async with running_console(alerting_url=api.url) as url:
        async with http.post(f"{url}/api/alerting/silences", data=b"{}", headers=headers) as reply:
            assert reply.status in {403, 415}
            assert (await reply.json())["error"]
        async with http.delete(f"{url}/api/alerting/silences/4f1c", headers=headers) as reply:
            assert reply.status in {403, 415}
        async with http.get(f"{url}/metrics") as reply:
            counted = await reply.text()
    reason = "foreign" if headers["Content-Type"] == "application/json" else "not-json"
    assert f'tocsin_console_refused_changes_total{{reason="{reason}"}} 2.0' in counted
    assert api.changes == []


async def test_another_site_gets_no_leave_to_ask(http: aiohttp.ClientSession, api: AlertingApi):
    """The question that a browser asks before it sends JSON elsewhere is answered without any leave."""
    async with running_console(alerting_url=api.url) as url:
        asking = {"Origin": "http://evil.example", "Access-Control-Request-Method": "POST"}
        async with http.options(f"{url}/api/alerting/silences", headers=asking) as reply:
            assert not [name for name in reply.headers if name.lower().startswith("access-control")]


async def test_off_loopback_nothing_is_changed_unless_that_was_allowed(http: aiohttp.ClientSession, api: AlertingApi):
    """Whoever reaches the machine reads; silencing its alerts takes `console.changes: anyone`, and the page is told."""
    for changes, status in (("local", 403), ("anyone", 201), ("nobody", 403)):
        config = ConsoleConfig(changes=changes, open=True)  # type: ignore[arg-type]  # a literal
        async with running_console(config, alerting_url=api.url, listen="0.0.0.0:0") as bound:
            url = bound.replace("0.0.0.0", "127.0.0.1")
            async with http.post(f"{url}/api/alerting/silences", json=WISH) as reply:
                assert reply.status == status
            async with http.get(f"{url}/api/config") as reply:
                assert ((await reply.json())["no_changes"] is None) == (status == 201)
            async with http.get(f"{url}/api/alerting/silences") as reply:
                assert reply.status == 200
    assert len(api.changes) == 1


def test_nobody_means_nobody_on_loopback_too():
    """A console that only shows is one word of configuration."""
    assert closed(LOCAL) is None
    refusal = closed(dataclasses.replace(LOCAL, changes="nobody"))
    assert refusal is not None
    assert "console.changes" in refusal.words


@pytest.mark.parametrize(
    ("origin", "host", "public_url", "passes"),
    [
        ("http://127.0.0.1:8080", HERE, "", True),
        ("http://localhost:8080", "localhost:8080", "", True),
        ("http://[::1]:8080", "[::1]:8080", "", True),
        ("http://127.0.0.1:9000", HERE, "", False),
        ("http://evil.example:8080", "evil.example:8080", "", False),
        ("https://tocsin.example", "tocsin.example", "", False),
        ("https://tocsin.example", "tocsin.example", "https://tocsin.example/", True),
        ("https://tocsin.example", HERE, "https://tocsin.example", True),
        ("http://tocsin.example", "tocsin.example", "https://tocsin.example", False),
        ("https://tocsin.example.evil.example", "tocsin.example", "https://tocsin.example", False),
    ],
)
def test_a_name_is_the_consoles_own_where_public_url_says_so(origin: str, host: str, public_url: str, passes: bool):
    """An address names itself; a name that somebody pointed here (DNS rebinding) is a foreign site."""
    config = dataclasses.replace(LOCAL, public_url=public_url)
    refusal = refused(JSON | {"Origin": origin}, host, config)
    assert (refusal is None) == passes
    assert refusal is None or refusal.reason == "foreign"


async def test_an_account_is_passed_on_and_ids_stay_ids(http: aiohttp.ClientSession, api: AlertingApi):
    """An id that is none of letters and digits leads nowhere: nobody walks through the gateway to another path."""
    api.accounts = {"9f2c": account(alert("CheckoutSlow"))}
    api.silences = [silence("4f1c")]
    async with running_console(alerting_url=api.url) as url:
        async with http.get(f"{url}/api/alerting/alerts/9f2c/account") as reply:
            assert (await reply.json())["verdict"] == "oncall was told"
        async with http.get(f"{url}/api/alerting/alerts/beef/account") as reply:
            assert reply.status == 404
        async with http.delete(f"{url}/api/alerting/silences/..%2Fsilences%2F4f1c", headers=JSON) as reply:
            assert reply.status in {403, 404, 405}
    assert api.changes == []
