"""`POST /api/v1/copy`: who may have the store copied, and what is answered."""

from pathlib import Path

import pytest

from collector.intake.http import IntakeConfig
from collector.tokens import Scope
from store.errors import CopyRefused, StoreUnavailable
from tests.fakes.intake import running_intake

JSON = {"Content-Type": "application/json"}


async def test_a_copy_is_told(tmp_path: Path) -> None:
    """Where it stands and what is in it."""
    async with running_intake(tmp_path) as intake:
        reply = await intake.session.post(f"{intake.url}/api/v1/copy", data="{}", headers=JSON)
        assert reply.status == 200
        assert await reply.json() == {"file": "copies/1.duckdb", "lines": {"telemetry": {"m": 3}}}


async def test_a_page_of_another_site_cannot_ask(tmp_path: Path) -> None:
    """What a browser sends unasked is no JSON."""
    async with running_intake(tmp_path) as intake:
        reply = await intake.session.post(f"{intake.url}/api/v1/copy", data="x=1")
        assert reply.status == 400


@pytest.mark.parametrize(
    ("failure", "status"),
    [(StoreUnavailable("disk full"), 503), (CopyRefused("elsewhere"), 400)],
    ids=["later", "never"],
)
async def test_why_there_is_no_copy(tmp_path: Path, failure: Exception, status: int) -> None:
    """The store's own words, and whether trying again may help."""
    async with running_intake(tmp_path) as intake:
        intake.store.away = failure
        reply = await intake.session.post(f"{intake.url}/api/v1/copy", data="{}", headers=JSON)
        assert (reply.status, (await reply.json())["message"]) == (status, str(failure))


@pytest.mark.parametrize(
    ("scopes", "buckets", "status"),
    [({Scope.READ, Scope.WRITE}, set(), 403), ({Scope.ADMIN}, {"telemetry"}, 403), ({Scope.ADMIN}, set(), 200)],
)
async def test_it_takes_scope_admin_for_all(tmp_path: Path, scopes: set[Scope], buckets: set[str], status: int) -> None:
    """A token for some buckets, or without the scope, gets nothing."""
    config = IntakeConfig(listen="127.0.0.1:0", tokens="required")
    async with running_intake(tmp_path, config) as intake:
        token = intake.tokens.create("operator", frozenset(scopes), frozenset(buckets)).reveal()
        headers = {**JSON, "Authorization": f"Token {token}"}
        reply = await intake.session.post(f"{intake.url}/api/v1/copy", data="{}", headers=headers)
        assert reply.status == status
