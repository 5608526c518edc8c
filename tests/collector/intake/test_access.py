"""Who gets in: every way to carry a token, what it allows, and when open is refused."""

import base64
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from collector.intake.http import IntakeConfig
from collector.tokens import Scope
from foundation.errors import ConfigError
from tests.fakes.intake import RunningIntake, running_intake

V2 = "/api/v2/write"


@pytest.fixture
async def intake(tmp_path: Path) -> AsyncIterator[RunningIntake]:
    config = IntakeConfig(listen="127.0.0.1:0", tokens="required")
    async with running_intake(tmp_path, config) as running:
        yield running


def make(intake: RunningIntake, *scopes: Scope, buckets: frozenset[str] = frozenset()) -> str:
    secret = intake.tokens.create(f"token {len(intake.tokens.list())}", frozenset(scopes), buckets)
    intake.clock.advance(timedelta(seconds=1))
    return secret.reveal()


async def test_every_way_to_carry_a_token(intake: RunningIntake):
    """Token, Bearer and Basic in any case, v1's `user:token`, and u and p in the query."""
    token = make(intake, Scope.WRITE)
    basic = base64.b64encode(f"anybody:{token}".encode()).decode()
    for header in (f"Token {token}", f"bearer {token}", f"TOKEN me:{token}", f"Basic {basic}"):
        assert (await intake.post(V2, b"m f=1", Authorization=header)).status == 204
    assert (await intake.post(f"/write?db=telemetry&u=me&p={token}", b"m f=1")).status == 204


@pytest.mark.parametrize("header", ["", "Token nonsense", "Basic !!!", "Basic bm8gY29sb24=", "Digest x", "Token"])
async def test_without_a_valid_token_it_is_401(intake: RunningIntake, header: str):
    """Before anything else is looked at, also before a wrong precision; the failure is counted."""
    make(intake, Scope.WRITE)
    answer = await intake.post(V2 + "?precision=nonsense", b"m f=1", **({"Authorization": header} if header else {}))
    assert answer.status == 401
    assert json.loads(answer.body)["code"] == "unauthorized"
    assert json.loads(answer.body)["message"] == "unauthorized access"
    assert "Basic" in answer.headers["WWW-Authenticate"]
    failures = sum(intake.count("tocsin_auth_failures_total", reason=reason) for reason in ("missing", "unknown"))
    assert failures == 1


async def test_a_devices_token_writes_to_its_bucket_and_cannot_query(intake: RunningIntake):
    """403 where the token holds, but not for this."""
    device = make(intake, Scope.WRITE, buckets=frozenset({"home"}))
    reader = make(intake, Scope.READ)
    assert (await intake.post(f"{V2}?bucket=home", b"m f=1", Authorization=f"Token {device}")).status == 204
    answer = await intake.post(f"{V2}?bucket=telemetry", b"m f=1", Authorization=f"Token {device}")
    assert answer.status == 403
    assert json.loads(answer.body)["code"] == "forbidden"
    assert (await intake.ask("GET", "/query?q=SHOW+MEASUREMENTS", Authorization=f"Token {device}")).status == 403
    assert (await intake.ask("GET", "/query?q=SHOW+MEASUREMENTS", Authorization=f"Token {reader}")).status == 200
    answer = await intake.post(V2, b"m f=1", Authorization=f"Token {reader}")
    assert (answer.status, json.loads(answer.body)["message"]) == (403, "insufficient permissions for write")


async def test_who_may_write_may_ask_for_a_database(intake: RunningIntake):
    """Old clients do so before they write, with the one token they have."""
    device = make(intake, Scope.WRITE)
    answer = await intake.post("/query?q=CREATE+DATABASE+home", Authorization=f"Token {device}")
    assert answer.status == 200


async def test_lines_are_marked_with_their_tokens_name(intake: RunningIntake):
    """The source of a batch is who sent it, never the token."""
    token = make(intake, Scope.WRITE)
    await intake.post(V2, b"m f=1", Authorization=f"Token {token}")
    assert intake.buffer.batches[0].source == "token:token 0"


async def test_health_needs_no_token(intake: RunningIntake):
    """Probes and scrapers have none."""
    for path in ("/ping", "/health", "/ready", "/metrics"):
        assert (await intake.ask("GET", path)).status in (200, 204)


async def test_a_broken_token_file_is_503_for_all(intake: RunningIntake, tmp_path: Path):
    """Nobody gets in, and senders keep their data until it is mended."""
    token = make(intake, Scope.WRITE)
    (tmp_path / "tokens.json").write_text("{")
    answer = await intake.post(V2, b"m f=1", Authorization=f"Token {token}")
    assert answer.status == 503
    assert token not in answer.body.decode()


async def test_open_is_for_loopback_without_tokens(tmp_path: Path):
    """Open on an address that others reach, or beside tokens, is an error that says how to mend it."""
    with pytest.raises(ConfigError, match="tokens: required"):
        async with running_intake(tmp_path, IntakeConfig(listen="0.0.0.0:0", tokens="open")):
            pass
    async with running_intake(tmp_path, IntakeConfig(listen="127.0.0.1:0", tokens="open")) as intake:
        make(intake, Scope.WRITE)
    with pytest.raises(ConfigError, match="tocsin token revoke"):
        async with running_intake(tmp_path, IntakeConfig(listen="127.0.0.1:0", tokens="open")):
            pass


async def test_a_form_may_carry_user_and_password(intake: RunningIntake):
    """As clients of InfluxDB 1.x send them with a query."""
    token = make(intake, Scope.READ)
    form = "application/x-www-form-urlencoded"
    body = b"q=SELECT+f+FROM+m&u=any&p="
    assert (await intake.post("/query", body + token.encode(), Content_Type=form)).status == 200
    assert (await intake.post("/query", body + b"wrong", Content_Type=form)).status == 401
