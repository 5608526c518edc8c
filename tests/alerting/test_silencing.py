"""Silences and accounts over HTTP: a running dispatcher behind the real routes."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import CollectorRegistry

from alerting.account_route import AccountRoute
from alerting.acknowledging import Acknowledging
from alerting.admission import Admission
from alerting.alert import Alert, Change
from alerting.api import Api, ConfigStatus
from alerting.silencing import Silencing
from alerting.watch import RuleStatus
from foundation.secret import Secret
from tests.alerting.desk import ONCALL, Desk, change, desk, equipment
from tests.fakes.notifier import FakeNotifier
from tests.fakes.polling import until

ASKED = {"matchers": ['alertname="Slow"'], "for": "2h", "author": "ann", "comment": "moving house"}
OPEN_ID = change(Change.FIRED).alert.fingerprint


class NoRules:
    """An evaluator whose rules are all gone."""

    def statuses(self) -> tuple[RuleStatus, ...]:
        return ()

    def alerts(self) -> tuple[Alert, ...]:
        return (change(Change.FIRED).alert,)


@dataclass
class Asked:
    desk: Desk
    client: "TestClient[Any, Any]"
    pager: FakeNotifier

    async def send(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        async with self.client.request(method, path, **options) as response:
            return response.status, await response.json()


@contextlib.asynccontextmanager
async def serving(folder: Path, *, token: Secret | None = None, demands_token: bool = False) -> AsyncIterator[Asked]:
    pager = FakeNotifier()
    async with desk(folder / "a.sqlite", equipment({ONCALL: pager})) as it:
        admission = Admission(token=token, demands_token=demands_token)
        silencing = Silencing(it.dispatcher, it.clock, admission)
        acknowledging = Acknowledging(it.dispatcher, NoRules().alerts, admission)
        accounts = AccountRoute(NoRules().statuses, it.dispatcher, it.memory, it.clock)
        api = Api(
            NoRules(),
            it.dispatcher,
            it.sender,
            it.memory,
            config=ConfigStatus(started_at=it.clock.now(), loaded_at=it.clock.now()),
            clock=it.clock,
            registry=CollectorRegistry(),
            routes=(*silencing.routes(), *acknowledging.routes(), *accounts.routes()),
        )
        async with TestClient(TestServer(api.app())) as client:
            yield Asked(it, client, pager)


async def test_silence_is_made_listed_changed_and_ended(tmp_path: Path) -> None:
    """201 with what was understood; a change keeps id and start; what ended is still shown, as expired."""
    async with serving(tmp_path) as it:
        status, made = await it.send("POST", "/api/v1/silences", json=ASKED)
        silence = made["silence"]
        assert (status, silence["phase"], silence["matchers"]) == (201, "active", ['alertname="Slow"'])
        status, changed = await it.send("POST", "/api/v1/silences", json={**ASKED, "id": silence["id"], "for": "3h"})
        assert (status, changed["silence"]["id"]) == (201, silence["id"])
        assert changed["silence"]["starts_at"] == silence["starts_at"]
        assert changed["silence"]["ends_at"] > silence["ends_at"]
        status, ended = await it.send("DELETE", f"/api/v1/silences/{silence['id']}")
        assert (status, ended["silence"]["phase"]) == (200, "expired")
        _, listed = await it.send("GET", "/api/v1/silences?phase=expired")
        assert [one["id"] for one in listed["silences"]] == [silence["id"]]
        assert (await it.send("GET", "/api/v1/silences?phase=active"))[1] == {"silences": []}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"matchers": "a=b"}, "matchers: must be a list"),
        ({"matchers": ["a!=b"]}, "demands a label"),
        ({"for": "soon"}, "soon"),
        ({"for": None}, "exactly one of them says when it ends"),
        ({"ends_at": "2027-01-01T00:00:00Z"}, "exactly one of them says when it ends"),
        ({"starts_at": "tomorrow"}, "starts_at: 'tomorrow' is no time"),
        ({"starts_at": "2027-01-01T00:00:00"}, "names no zone"),
        ({"author": ""}, "author is missing"),
        ({"comment": 7}, "comment: must be text"),
        ({"id": "nobody"}, "no silence 'nobody' is in force"),
        ({"until": "2h"}, "unknown: until"),
    ],
)
async def test_what_is_no_silence_is_400(tmp_path: Path, changes: dict[str, Any], told: str) -> None:
    """The answer says what is wrong, and nothing is muted."""
    async with serving(tmp_path) as it:
        status, answered = await it.send("POST", "/api/v1/silences", json={**ASKED, **changes})
        assert status == 400
        assert told in answered["error"]
        assert (await it.send("GET", "/api/v1/silences"))[1] == {"silences": []}


async def test_change_must_be_json(tmp_path: Path) -> None:
    """A form of another site's page is refused, so is what is no JSON; an unknown silence is 404."""
    async with serving(tmp_path) as it:
        body = b'{"matchers": ["a=b"], "for": "2h", "author": "a", "comment": "c"}'
        plain = {"Content-Type": "text/plain"}
        assert (await it.send("POST", "/api/v1/silences", data=body, headers=plain))[0] == 415
        as_json = {"Content-Type": "application/json"}
        assert (await it.send("POST", "/api/v1/silences", data=b"{", headers=as_json))[0] == 400
        status, answered = await it.send("DELETE", "/api/v1/silences/nobody")
        assert (status, answered["error"]) == (404, "there is no silence 'nobody'")


async def test_change_needs_the_token_where_others_can_reach_it(tmp_path: Path) -> None:
    """401 without it or with a wrong one, 403 where none is configured; reading needs none."""
    async with serving(tmp_path, token=Secret("right"), demands_token=True) as it:
        for header, status in (("", 401), ("Bearer wrong", 401), ("Basic right", 401), ("Bearer right", 201)):
            headers = {"Authorization": header} if header else {}
            assert (await it.send("POST", "/api/v1/silences", json=ASKED, headers=headers))[0] == status
        assert (await it.send("GET", "/api/v1/silences"))[0] == 200
    async with serving(tmp_path / "other", demands_token=True) as it:
        assert (await it.send("POST", "/api/v1/silences", json=ASKED))[0] == 403
        assert (await it.send("DELETE", "/api/v1/silences/x"))[0] == 403


async def test_account_of_a_silenced_alert(tmp_path: Path) -> None:
    """It names the silence, what the receiver heard, the route, and what was kept in the place of a message."""
    async with serving(tmp_path) as it:
        _, made = await it.send("POST", "/api/v1/silences", json=ASKED)
        await it.desk.say(change(Change.FIRED))

        async def held_back() -> Any:
            return (await it.send("GET", "/api/v1/notifications"))[1]["suppressed"]

        await until(held_back, what="the message to be held back")
        status, account = await it.send("GET", f"/api/v1/alerts/{OPEN_ID[:6]}/account")
        assert status == 200
        assert account["verdict"].startswith("oncall is not told: silenced by ann until ")
        assert account["routes"] == [{"receiver": "oncall", "matchers": [], "group_by": ["alertname"]}]
        (incident,) = account["incidents"]
        assert (incident["heard"], incident["notifiers"]) == (None, ["pagerduty[0]"])
        assert (incident["muted"]["kind"], incident["muted"]["by"]) == ("silence", made["silence"]["id"])
        assert [row["reason"] for row in incident["messages"]] == ["silenced"]
        assert [entry["change"] for entry in account["history"]] == ["fired"]
        (shown,) = (await it.send("GET", "/api/v1/alerts"))[1]["alerts"]
        assert shown["incidents"][0]["muted"] == incident["muted"]
        assert (await it.send("GET", "/api/v1/silences"))[1]["silences"][0]["alerts"] == 1


async def test_account_of_an_alert_that_was_told(tmp_path: Path) -> None:
    """The receiver, what it heard and the message that went out; an unknown alert is 404."""
    async with serving(tmp_path) as it:
        await it.desk.say(change(Change.FIRED))
        await until(lambda: it.pager.told, what="the message")
        _, account = await it.send("GET", f"/api/v1/alerts/{OPEN_ID}/account")
        assert account["verdict"] == "oncall was told"
        assert account["incidents"][0]["heard"] == {"severity": "critical", "state": "firing"}
        assert [row["why"] for row in account["incidents"][0]["messages"]] == ["first"]
        assert (account["rule"], account["alert"]["id"]) == (None, OPEN_ID)
        status, answered = await it.send("GET", "/api/v1/alerts/ffff/account")
        assert status == 404
        assert answered["error"].startswith("ffff: there is no such alert")


async def test_silence_that_ended_long_ago_is_forgotten(tmp_path: Path) -> None:
    """It is shown for 30 days; then the next change forgets it, in the file too."""
    async with serving(tmp_path) as it:
        _, made = await it.send("POST", "/api/v1/silences", json={**ASKED, "for": "1s"})
        it.desk.clock.step(timedelta(days=31))  # type: ignore[attr-defined]  # the desk's clock is a LoopClock
        _, other = await it.send("POST", "/api/v1/silences", json=ASKED)
        _, listed = await it.send("GET", "/api/v1/silences")
        assert made["silence"]["id"] != other["silence"]["id"]
        assert [one["id"] for one in listed["silences"]] == [other["silence"]["id"]]
        assert [one.id for one in await it.desk.memory.silences()] == [other["silence"]["id"]]
