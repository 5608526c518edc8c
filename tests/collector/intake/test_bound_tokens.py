"""Tokens that are bound, over HTTP: what is refused, how it is answered and counted, and what it never costs others."""

import json
import urllib.parse
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from collector.allowance import Allowance
from collector.buffer.contract import BufferFull
from collector.intake.http import IntakeConfig
from collector.tokens import Scope
from tests.fakes.intake import Answer, RunningIntake, running_intake

V2 = "/api/v2/write"
D7 = Allowance(tags=(("device", "d7"),))
OF_CPU = Allowance(measurements=("cpu",))


@pytest.fixture
async def intake(tmp_path: Path) -> AsyncIterator[RunningIntake]:
    async with running_intake(tmp_path, IntakeConfig(listen="127.0.0.1:0", tokens="required")) as running:
        yield running


def make(
    intake: RunningIntake, name: str, allowance: Allowance, *scopes: Scope, lasts: timedelta | None = None
) -> dict[str, str]:
    """The header of a new token."""
    made = intake.tokens.create(name, frozenset(scopes or {Scope.WRITE}), allowance=allowance, lasts=lasts)
    return {"Authorization": f"Token {made.reveal()}"}


def causes(answer: Answer) -> list[tuple[int, str]]:
    return [(one["number"], one["cause"]) for one in json.loads(answer.body)["lines"]]


async def letters(intake: RunningIntake, admin: dict[str, str]) -> list[dict[str, Any]]:
    await intake.refusals.stop()
    found: list[dict[str, Any]] = json.loads((await intake.ask("GET", "/api/v1/dead", **admin)).body)["letters"]
    return found


@pytest.mark.parametrize("path", [V2, "/write?db=telemetry"])
async def test_a_line_of_another_device_is_refused_beside_good_ones(intake: RunningIntake, path: str):
    """The partial write of other rejections: 422, number, cause and reason; counted; a dead letter; the rest stored."""
    d7, admin = make(intake, "d7", D7), make(intake, "admin", Allowance(), Scope.ADMIN)
    for _ in range(2):
        answer = await intake.post(path, b"m f=1.5 1\nm,device=d8 f=2.5 2\nm,device=d7 f=3.5 3\n", **d7)
        assert (answer.status, causes(answer)) == (422, [(2, "forced_tag")])
        assert json.loads(answer.body)["accepted"] == 2
    assert set(intake.buffer.lines()) == {"m,device=d7 f=1.5 1", "m,device=d7 f=3.5 3"}
    counted = [
        intake.count(f"tocsin_{name}_lines_total", bucket="telemetry", reason="forced_tag")
        for name in ("rejected", "altered")
    ]
    assert counted == [2, 2]
    kept = (await letters(intake, admin))[0]
    assert (kept["kind"], kept["source"], kept["line"]) == ("forced_tag", "token:d7", "m,device=d8 f=2.5 2")


async def test_readings_without_a_device_get_their_tokens(intake: RunningIntake):
    """The smallest device sends numbers alone; one that says another's name is refused by its item's number."""
    d7 = make(intake, "d7", D7)
    assert (await intake.post("/v1/telemetry", b'{"t": 1.5, "time": 1}', **d7)).status == 204
    answer = await intake.post("/v1/telemetry", b'[{"t": 1.5, "time": 2}, {"device": "d8", "t": 2.5}]', **d7)
    assert (answer.status, causes(answer)) == (422, [(2, "forced_tag")])
    assert intake.buffer.lines() == [f"device_reading,device=d7 t=1.5 {stamp}" for stamp in (1000000, 2000000)]


async def test_a_body_of_other_measurements_is_no_403(intake: RunningIntake):
    """403 is for requests that are turned away unread; lines that were judged, were they all, are listed with 422."""
    token = make(intake, "t", OF_CPU)
    answer = await intake.post(V2, b"billing f=1 1\nmem f=1 1\n", **token)
    assert (answer.status, causes(answer)) == (422, [(1, "measurement_scope"), (2, "measurement_scope")])
    assert (await intake.post(V2, b"cpu f=1 1\n", **token)).status == 204
    assert intake.buffer.lines() == ["cpu f=1 1"]


async def test_over_its_rate_a_token_is_told_when_to_come_again(intake: RunningIntake):
    """503 and Retry-After, never 429; nothing of the body is kept; then it passes, and other tokens never notice."""
    slow = make(intake, "slow", Allowance(lines_per_second=2.0, burst=4))
    free = make(intake, "free", Allowance())
    assert (await intake.post(V2, b"m f=1 1\nm f=1 2\n", **slow)).status == 204
    answer = await intake.post(V2, b"m f=1 3\nm f=1 4\nbad\n", **slow)
    assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
    assert 'token "slow" has spent its lines (per second: 2)' in json.loads(answer.body)["message"]
    assert (await intake.post(V2, b"m f=1 5\n", **free)).status == 204
    assert len(intake.buffer.lines()) == 3
    assert intake.count("tocsin_rejected_lines_total", bucket="telemetry", reason="quota_rate") == 2
    intake.clock.advance(timedelta(seconds=1))
    assert (await intake.post(V2, b"m f=1 3\nm f=1 4\n", **slow)).status == 204


async def test_a_body_is_not_read_while_the_rate_is_spent(intake: RunningIntake):
    """A sender that does not listen costs nothing: its body is turned away unread, and counted so."""
    slow = make(intake, "slow", Allowance(lines_per_second=0.1, burst=1))
    assert (await intake.post(V2, b"m f=1 1\n", **slow)).status == 204
    answer = await intake.post("/v1/telemetry", b"not even JSON", **slow)
    assert (answer.status, answer.headers["Retry-After"]) == (503, "10")
    assert intake.count("tocsin_refused_bodies_total", reason="quota_rate") == 1
    assert intake.count("tocsin_received_lines_total", bucket="telemetry") == 1


async def test_a_body_that_could_not_be_kept_costs_no_rate(intake: RunningIntake):
    """A full buffer is no fault of the sender: the same body passes when there is room, with no time gone by."""
    slow = make(intake, "slow", Allowance(lines_per_second=0.1, burst=2))
    intake.buffer.failures.append(BufferFull("full"))
    assert (await intake.post(V2, b"m f=1 1\nm f=1 2\n", **slow)).status == 503
    assert (await intake.post(V2, b"m f=1 1\nm f=1 2\n", **slow)).status == 204


async def test_every_line_over_a_quota_is_in_the_ledger(intake: RunningIntake):
    """Whichever quota refused, what came is accounted for, each under its own reason."""
    slow = make(intake, "slow", Allowance(lines_per_second=1.0, burst=4, series=1))
    admin = make(intake, "admin", Allowance(), Scope.ADMIN)
    assert (await intake.post(V2, b"m,t=a f=1 1\nm,t=b f=1 1\nm,t=a f=1 2\n", **slow)).status == 422
    assert (await intake.post(V2, b"m,t=a f=1 1\nm,t=b f=1 1\n", **slow)).status == 503
    [bucket] = json.loads((await intake.ask("GET", "/api/v1/ledger", **admin)).body)["buckets"]
    assert (bucket["received"], len(intake.buffer.lines())) == (5, 2)
    assert bucket["rejected"] == {"series_quota": 2, "quota_rate": 1}


async def test_a_series_over_the_quota_is_refused_by_name(intake: RunningIntake):
    """Whoever reads the answer knows the token and the tag; known series go on, after an edit of the tokens too."""
    token = make(intake, "app", Allowance(series=2))
    assert (await intake.post(V2, b"m,session=a f=1 1\nm,session=b f=1 1\n", **token)).status == 204
    make(intake, "other", Allowance())
    intake.clock.advance(timedelta(seconds=1))
    answer = await intake.post(V2, b"m,session=a f=1 2\nm,session=c f=1 2\n", **token)
    assert (answer.status, causes(answer)) == (422, [(2, "series_quota")])
    assert '2 series of source "token:app" is spent; tag "session"' in json.loads(answer.body)["message"]


async def test_an_expired_token_is_unknown(intake: RunningIntake):
    """401 in the words for any wrong token, counted by its own reason, on a connection that was let in before."""
    token = make(intake, "brief", Allowance(), lasts=timedelta(days=90))
    assert (await intake.post(V2, b"m f=1 1\n", **token)).status == 204
    intake.clock.advance(timedelta(days=90))
    answer = await intake.post(V2, b"m f=1 2\n", **token)
    assert (answer.status, json.loads(answer.body)["message"]) == (401, "unauthorized access")
    assert intake.count("tocsin_auth_failures_total", reason="expired") == 1
    assert intake.buffer.lines() == ["m f=1 1"]


async def test_wrong_tokens_are_held_back_and_right_ones_behind_the_address_are_not(
    intake: RunningIntake, caplog: pytest.LogCaptureFixture
):
    """After the first few each wrong one is slowed and counted; no log, no metric and no answer names one."""
    right = make(intake, "right", Allowance())
    for _ in range(6):
        answer = await intake.post(V2, b"m f=1 1\n", Authorization="Token guessed-by-somebody")
        assert answer.status == 401
        assert b"guessed" not in answer.body
    assert intake.count("tocsin_auth_failures_total", reason="unknown") == 6
    assert intake.count("tocsin_slowed_answers_total") == 1
    assert (await intake.post(V2, b"m f=1 1\n", **right)).status == 204
    assert intake.count("tocsin_slowed_answers_total") == 1
    assert b"guessed" not in (await intake.ask("GET", "/metrics")).body
    assert "guessed" not in caplog.text


async def test_who_brings_no_token_is_not_slowed(intake: RunningIntake):
    """A browser or a probe that knows no token guesses none."""
    for _ in range(10):
        assert (await intake.post(V2, b"m f=1 1\n")).status == 401
    assert intake.count("tocsin_slowed_answers_total") == 0


async def explain(intake: RunningIntake, header: dict[str, str], line: str, **params: str) -> Answer:
    return await intake.ask("GET", f"/explain?{urllib.parse.urlencode({'line': line, **params})}", **header)


async def test_explain_shows_what_a_token_makes_of_a_line(intake: RunningIntake):
    """The rooms of the token come first; whether a body with it would be read at all stands beside them."""
    make(intake, "d7", Allowance(tags=D7.tags, measurements=("m",), lines_per_second=1.0))
    admin = make(intake, "admin", Allowance(), Scope.ADMIN)
    taken = json.loads((await explain(intake, admin, "m f=1.5 1", token_name="d7")).body)
    did = [(step["room"], step["did"], step["detail"]) for step in taken["steps"]]
    assert did[:3] == [
        ("decode", "passed", ""),
        ("measurement_scope", "passed", ""),
        ("forced_tag", "changed", "+device=d7"),
    ]
    assert (taken["stored"], taken["source"]) == ("m,device=d7 f=1.5 1", "token:d7")
    assert (taken["token"], taken["token_problem"]) == ("d7", "")
    refused = json.loads((await explain(intake, admin, "m,device=d8 f=1 1", token_name="d7")).body)
    assert (refused["verdict"], refused["cause"]) == ("refused", "forced_tag")
    assert intake.buffer.lines() == []


async def test_explain_tells_why_a_token_would_be_turned_away(intake: RunningIntake):
    """No scope, another bucket, a rate that is spent: the line may be fine all the same."""
    make(intake, "reader", Allowance(), Scope.READ)
    intake.tokens.create("home", frozenset({Scope.WRITE}), frozenset({"home"}))
    slow = make(intake, "slow", Allowance(lines_per_second=0.1, burst=1))
    admin = make(intake, "admin", Allowance(), Scope.ADMIN)
    assert (await intake.post(V2, b"m f=1 1\n", **slow)).status == 204
    problems = [
        json.loads((await explain(intake, admin, "m f=1 1", token_name=name)).body)["token_problem"]
        for name in ("reader", "home", "slow")
    ]
    assert problems[:2] == ["the token has no scope write", 'the token is not for bucket "telemetry"']
    assert "has spent its lines (per second: 0.1)" in problems[2]


async def test_explain_shows_another_token_to_admins_alone(intake: RunningIntake):
    """Who may read and write sees what binds itself, and need not name itself; a name that is none is told."""
    own = make(intake, "own", D7, Scope.READ, Scope.WRITE)
    make(intake, "other", OF_CPU)
    assert json.loads((await explain(intake, own, "m f=1.5 1")).body)["stored"] == "m,device=d7 f=1.5 1"
    assert json.loads((await explain(intake, own, "m f=1 1", token_name="own")).body)["token"] == "own"
    assert (await explain(intake, own, "m f=1 1", token_name="other")).status == 403
    admin = make(intake, "admin", Allowance(), Scope.ADMIN)
    answer = await explain(intake, admin, "m f=1 1", token_name="nobody")
    assert (answer.status, json.loads(answer.body)["message"]) == (
        400,
        'there is no token named "nobody", or none any more',
    )


async def replayed(intake: RunningIntake, admin: dict[str, str]) -> tuple[int, int]:
    intake.clock.advance(timedelta(seconds=1))
    answer = await intake.post("/api/v1/dead/replay", b"{}", Content_Type="application/json", **admin)
    done = json.loads(answer.body)
    return done["replayed"], done["refused"]


async def test_what_a_token_refused_stays_until_its_token_allows_it(intake: RunningIntake):
    """A replay lets nobody claim another's id: not under the same token, not without one; a mended token lets it in."""
    d7, admin = make(intake, "d7", D7), make(intake, "admin", Allowance(), Scope.ADMIN)
    assert (await intake.post(V2, b"m,device=d8 f=1 1\n", **d7)).status == 422
    await intake.refusals.stop()
    assert await replayed(intake, admin) == (0, 1)
    intake.tokens.revoke("d7")
    assert await replayed(intake, admin) == (0, 1)
    assert "token:d7 is gone" in (await letters(intake, admin))[0]["reason"]
    make(intake, "d7", Allowance(tags=(("device", "d8"),)))
    assert await replayed(intake, admin) == (1, 0)
    assert intake.buffer.lines() == ["m,device=d8 f=1 1"]


async def test_a_replay_costs_its_token_no_rate(intake: RunningIntake):
    """The operator replays, not the device; forced tags hold all the same."""
    token = make(intake, "d7", Allowance(tags=D7.tags, lines_per_second=0.001, burst=2))
    admin = make(intake, "admin", Allowance(), Scope.ADMIN)
    assert (await intake.post(V2, b"m f=1 1\nm f=1i 2\n", **token)).status == 422
    await intake.refusals.stop()
    intake.tokens.revoke("d7")
    make(intake, "d7", Allowance(tags=D7.tags, lines_per_second=0.001, burst=1))
    assert await replayed(intake, admin) == (0, 1)
    [kept] = await letters(intake, admin)
    assert (kept["kind"], kept["replays"]) == ("field_type", 1)
