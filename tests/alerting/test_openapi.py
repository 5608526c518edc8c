"""The description of the API, held against what a running role really answers on every path."""

import contextlib
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from prometheus_client import CollectorRegistry

from alerting.account_route import AccountRoute
from alerting.acknowledgement import ACKNOWLEDGED, RELEASED
from alerting.acknowledging import Acknowledging
from alerting.alert import Change
from alerting.api import Api
from alerting.config import AlertingConfig
from alerting.fallback import WHY
from alerting.memory.contract import Suppression
from alerting.muting.mutes import MuteKind
from alerting.openapi import describe
from alerting.routing.group import Notice
from alerting.routing.taken import REOPENED
from alerting.silencing import Silencing
from foundation.secret import Secret
from tests.alerting.role import NOTIFY, RULES, OneSeries, serving
from tests.fakes.json_schema import faults
from tests.fakes.pagerduty import FakePagerDuty
from tests.fakes.polling import until

ROUTED = NOTIFY.replace("oncall}", 'oncall, routes: [{matchers: [endpoint=~"/.*"]}]}')
TAKEN = "/api/v1/alerts/{id}/acknowledgement"
WISH = {"matchers": ['alertname="Slow"'], "for": "2h", "author": "ann", "comment": "moving"}
KNOWN: dict[str, Any] = dict(describe())
PAGE = Path(__file__).resolve().parents[2] / "docs" / "alerting-api.md"
NEVER_HERE = {"503"}
"""Memory does not fail here; what such an answer holds is tested where it is made."""


@dataclass
class Asking:
    """Asks, and holds each answer against the description; keeps which were seen."""

    url: str
    http: aiohttp.ClientSession
    seen: set[tuple[str, str, str]] = field(default_factory=set)

    async def ask(self, path: str, method: str = "GET", *, of: str | None = None, **options: Any) -> Any:
        """The answer to `path`; `of`: its path in the description, where it has parameters."""
        known = of or path.partition("?")[0]
        async with self.http.request(method, self.url + path, **options) as reply:
            described = KNOWN["paths"][known][method.lower()]["responses"][str(reply.status)]["content"]
            self.seen.add((known, method.lower(), str(reply.status)))
            if reply.content_type != "application/json":
                assert reply.content_type in described
                return await reply.text()
            told = await reply.json()
        assert list(faults(told, described["application/json"]["schema"], KNOWN)) == [], path
        return told


@contextlib.asynccontextmanager
async def asking(folder: Path, listen: str = "127.0.0.1:0", token: str | None = None) -> AsyncIterator[Asking]:
    (folder / "r.yml").write_text(RULES)
    notify = folder / "notify.yml"
    config = AlertingConfig(
        listen=listen,
        rules=(folder / "r.yml",),
        notify=notify if notify.exists() else None,
        admin_token=Secret(token) if token else None,
    )
    async with aiohttp.ClientSession() as http, serving(folder, config, OneSeries(900.0)) as (_, address):
        yield Asking(f"http://{address}".replace("0.0.0.0", "127.0.0.1"), http)


async def test_every_answer_is_as_it_is_described(tmp_path: Path):
    """Each path, with an alert that fires, is told, silenced and explained; every status that is described is seen."""
    async with FakePagerDuty() as pager:
        (tmp_path / "notify.yml").write_text(ROUTED.replace("URL", pager.url))
        async with asking(tmp_path) as it:
            await until(pager.opened, what="a page")
            await until(lambda: sent(it), what="the page to be marked as sent")
            (alert,) = (await it.ask("/api/v1/alerts?state=firing&rule=Slow"))["alerts"]
            made = await it.ask("/api/v1/silences", "POST", json=WISH)
            silenced = f"/api/v1/silences/{made['silence']['id']}"
            account = await it.ask(f"/api/v1/alerts/{alert['id']}/account", of="/api/v1/alerts/{id}/account")
            assert account["incidents"][0]["muted"]["kind"] == "silence"
            assert account["samples"]
            assert account["history"]
            assert account["incidents"][0]["messages"]
            assert (await it.ask("/api/v1/alerts"))["alerts"][0]["incidents"][0]["muted"] is not None
            assert (await it.ask("/api/v1/silences?phase=active"))["silences"]
            await it.ask(silenced, "DELETE", of="/api/v1/silences/{id}")
            taken = f"/api/v1/alerts/{alert['id']}/acknowledgement"
            await it.ask(taken, "POST", of=TAKEN, json={"author": "ann", "comment": "on it"})
            assert (await it.ask("/api/v1/alerts"))["alerts"][0]["acknowledged"]["author"] == "ann"
            await it.ask(taken, "DELETE", of=TAKEN)
            for path in ("rules", "history?limit=5", "notifications?limit=5", "status", "openapi.json"):
                assert await it.ask(f"/api/v1/{path}")
            for path in ("/health", "/ready", "/metrics"):
                assert await it.ask(path)
            for path in ("alerts?state=x", "silences?phase=x", "history?limit=0", "notifications?limit=x"):
                assert (await it.ask(f"/api/v1/{path}"))["error"]
            await it.ask("/api/v1/alerts/beef/account", of="/api/v1/alerts/{id}/account")
            for wrong in ({"json": {}}, {"data": "{}"}):
                await it.ask(taken, "POST", of=TAKEN, **wrong)
            await it.ask("/api/v1/alerts/beef/acknowledgement", "POST", of=TAKEN, json={"author": "ann"})
            await it.ask(taken, "DELETE", of=TAKEN)
            await it.ask("/api/v1/silences", "POST", json={})
            await it.ask("/api/v1/silences", "POST", data="{}")
            await it.ask("/api/v1/silences/none", "DELETE", of="/api/v1/silences/{id}")
            seen = it.seen
    for token in (None, "let-me"):
        async with asking(tmp_path, "0.0.0.0:0", token) as it:
            await it.ask("/api/v1/silences", "POST", json=WISH)
            await it.ask("/api/v1/silences/none", "DELETE", of="/api/v1/silences/{id}")
            for method in ("POST", "DELETE"):
                await it.ask("/api/v1/alerts/beef/acknowledgement", method, of=TAKEN, json={"author": "ann"})
            seen |= it.seen
    assert {one for one in described() if one[2] not in NEVER_HERE} == seen


async def sent(it: Asking) -> bool:
    return bool((await it.ask("/api/v1/notifications"))["sent"])


def described() -> Iterator[tuple[str, str, str]]:
    for path, methods in KNOWN["paths"].items():
        for method, operation in methods.items():
            for status in operation["responses"]:
                yield path, method, status


async def test_the_description_is_served(tmp_path: Path):
    """As OpenAPI 3.1, whole."""
    async with asking(tmp_path) as it:
        document = await it.ask("/api/v1/openapi.json")
    assert document["openapi"].startswith("3.1.")
    assert document == KNOWN


def test_every_route_is_described():
    """Whoever adds a path or a method describes it."""
    nothing: Any = None
    rooms = (
        *Silencing(nothing, nothing, nothing).routes(),
        *Acknowledging(nothing, nothing, nothing).routes(),
        *AccountRoute(nothing, nothing, nothing, nothing).routes(),
    )
    api = Api(
        nothing, nothing, nothing, nothing, config=nothing, clock=nothing, registry=CollectorRegistry(), routes=rooms
    )
    served = {
        (route.resource.canonical, route.method.lower())
        for route in api.app().router.routes()
        if route.resource is not None and route.method != "HEAD"
    }
    assert served == {(path, method) for path, method, _ in described()}


def test_the_page_about_the_api_names_every_path():
    """Its table and the description know the same paths."""
    text = PAGE.read_text(encoding="utf-8")
    listed = re.findall(r"^\| `(/[^`]+)` \|", text, flags=re.MULTILINE)
    assert {path.replace("ID", "{id}") for path in listed} | {"/api/v1/silences/{id}"} == set(KNOWN["paths"])


@pytest.mark.parametrize(
    ("between", "words"),
    [
        ((r"`reason` names why", r"\) and\s+is empty"), {one.value for one in Suppression}),
        (
            (r"`why` names what made", r"`reason` names why"),
            {one.value for one in Notice if not one.silent} | {Notice.MUTED.value, WHY, REOPENED},
        ),
        ((r"^`change` is", r"`incident` is"), {one.value for one in Change} | {ACKNOWLEDGED, RELEASED}),
        ((r"`muted.kind` is", r"\."), {one.value for one in MuteKind}),
    ],
    ids=["reason", "why", "change", "muted.kind"],
)
def test_the_page_about_the_api_names_every_word(between: tuple[str, str], words: set[str]):
    """Where it lists what a key may hold, it lists what the code puts there: nothing is missing, nothing made up."""
    text = PAGE.read_text(encoding="utf-8")
    (listed,) = re.findall(rf"{between[0]}(.*?){between[1]}", text, flags=re.DOTALL | re.MULTILINE)
    assert set(re.findall(r"`([a-z-]+)`", listed)) == words


def test_the_document_refers_to_what_it_holds_and_names_every_operation_once():
    """Each $ref leads to a schema, each schema is used, and operation ids are unique: clients are made of them."""
    text = repr(KNOWN)
    referred = set(re.findall(r"#/components/schemas/(\w+)", text))
    assert referred == set(KNOWN["components"]["schemas"])
    names = [operation["operationId"] for methods in KNOWN["paths"].values() for operation in methods.values()]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    "doc",
    [WISH, {**{key: WISH[key] for key in ("matchers", "author", "comment")}, "ends_at": "2030-01-01T00:00:00Z"}],
)
def test_what_is_sent_is_described_too(doc: dict[str, Any]):
    """A silence as the documentation writes it passes its schema, one with a key too many does not."""
    schema = KNOWN["components"]["schemas"]["SilenceWish"]
    assert list(faults(doc, schema, KNOWN)) == []
    assert list(faults({**doc, "until": "2h"}, schema, KNOWN)) == ["$: until is not described"]
    assert list(faults({**doc, "matchers": []}, schema, KNOWN)) == ["$.matchers: has only 0"]
