"""Taking alerts in hand over HTTP: a running dispatcher behind the real routes."""

from pathlib import Path
from typing import Any

import pytest

from alerting.alert import Change
from foundation.secret import Secret
from tests.alerting.desk import change
from tests.alerting.test_silencing import OPEN_ID, Asked, serving
from tests.fakes.polling import until

PATH = f"/api/v1/alerts/{OPEN_ID}/acknowledgement"
ANN = {"author": "ann", "comment": "on it"}


async def fired(it: Asked) -> str:
    """The incident of an alert that fired and was told."""
    await it.desk.say(change(Change.FIRED))
    await until(lambda: it.pager.told, what="the message")
    return it.pager.sent[0][1].incident


async def test_taken_shown_explained_and_given_back(tmp_path: Path) -> None:
    """201 with who has it; alerts, account and history say so, until it is given back."""
    async with serving(tmp_path) as it:
        await fired(it)
        status, made = await it.send("POST", PATH, json=ANN)
        (one,) = made["acknowledgements"]
        assert status == 201
        assert {**one, "at": ""} == {"alert": OPEN_ID, "severity": "critical", "at": "", **ANN}
        (shown,) = (await it.send("GET", "/api/v1/alerts"))[1]["alerts"]
        assert shown["acknowledged"] == one
        _, account = await it.send("GET", f"/api/v1/alerts/{OPEN_ID}/account")
        assert account["alert"]["acknowledged"] == one
        assert account["verdict"].startswith("oncall was told; acknowledged by ann at 2026-01-01 00:00:0")
        assert account["verdict"].endswith(" UTC: on it, so nobody is reminded of it")
        assert [entry["change"] for entry in account["history"]] == ["acknowledged", "fired"]
        assert await it.send("DELETE", PATH) == (200, made)
        assert (await it.send("GET", "/api/v1/alerts"))[1]["alerts"][0]["acknowledged"] is None
        status, answered = await it.send("DELETE", PATH)
        assert (status, answered["error"]) == (404, f"{OPEN_ID}: is not acknowledged")


async def test_an_incident_is_taken_by_its_name(tmp_path: Path) -> None:
    """The beginning of an incident's id takes the alerts that are open in it; so does that of an alert's."""
    async with serving(tmp_path) as it:
        incident = await fired(it)
        for start in (incident[:9], OPEN_ID[:5]):
            status, made = await it.send("POST", f"/api/v1/alerts/{start}/acknowledgement", json=ANN)
            assert (status, [one["alert"] for one in made["acknowledgements"]]) == (201, [OPEN_ID])


@pytest.mark.parametrize(
    ("doc", "told"),
    [
        ([], "an acknowledgement is an object with author"),
        ({}, "author is missing"),
        ({"author": 7}, "author: must be text, not 7"),
        ({"author": "ann", "comment": None}, "comment: must be text"),
        ({"author": "ann", "until": "noon"}, "unknown: until"),
        ({"author": "a" * 1001}, "author is longer than 1000"),
    ],
)
async def test_what_is_no_acknowledgement_is_400(tmp_path: Path, doc: Any, told: str) -> None:
    """The answer says what is wrong, and nobody has it."""
    async with serving(tmp_path) as it:
        await fired(it)
        status, answered = await it.send("POST", PATH, json=doc)
        assert status == 400
        assert told in answered["error"]
        assert (await it.send("GET", "/api/v1/alerts"))[1]["alerts"][0]["acknowledged"] is None


async def test_what_is_not_there_or_not_open_is_404(tmp_path: Path) -> None:
    """An id that nobody has, one that several could have, and an alert that is not open in the file."""
    async with serving(tmp_path) as it:
        status, answered = await it.send("POST", PATH, json=ANN)
        assert (status, answered["error"]) == (404, f"{OPEN_ID}: is not open, so there is nothing to acknowledge")
        await fired(it)
        for start, problem in (("zz", "no open alert or incident is it"), ("", "is not here")):
            status, answered = await it.send("POST", f"/api/v1/alerts/{start}/acknowledgement", json=ANN)
            assert (status, problem in answered["error"]) == (404, True)


async def test_a_change_needs_the_token_where_others_can_reach_it(tmp_path: Path) -> None:
    """401 without it, 403 where none is configured, as for silences; and it must be JSON."""
    async with serving(tmp_path, token=Secret("right"), demands_token=True) as it:
        await fired(it)
        for method in ("POST", "DELETE"):
            assert (await it.send(method, PATH, json=ANN))[0] == 401
        right = {"Authorization": "Bearer right"}
        assert (await it.send("POST", PATH, json=ANN, headers=right))[0] == 201
        assert (await it.send("DELETE", PATH, headers=right))[0] == 200
        plain = {"Content-Type": "text/plain", **right}
        assert (await it.send("POST", PATH, data=b"{}", headers=plain))[0] == 415
    async with serving(tmp_path / "other", demands_token=True) as it:
        assert (await it.send("POST", PATH, json=ANN))[0] == 403
