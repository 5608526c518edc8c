"""`POST /api/v1/copy`: who may have the store copied, and what is answered."""

import asyncio
import hashlib
from base64 import b64encode
from pathlib import Path

import pytest

from collector.intake.http import IntakeConfig
from collector.tokens import Scope
from store.contract import Copied
from store.errors import CopyRefused, StoreUnavailable
from tests.fakes.intake import AskedStore, running_intake

JSON = {"Content-Type": "application/json"}


async def test_a_copy_is_told(tmp_path: Path) -> None:
    """Where it stands and what is in it."""
    async with running_intake(tmp_path) as intake:
        reply = await intake.session.post(f"{intake.url}/api/v1/copy", data="{}", headers=JSON)
        assert reply.status == 200
        assert await reply.json() == {"file": "copies/1.duckdb", "lines": {"telemetry": {"m": 3}}}


async def test_a_copy_is_sent_and_removed(tmp_path: Path) -> None:
    """Whole, or behind what is there already, with its hash; then it is gone, and no other file was ever in reach."""
    content = bytes(range(256)) * 9000
    file = tmp_path / "1.duckdb"
    file.write_bytes(content)
    (tmp_path / "2.duckdb").write_bytes(b"not made by anybody")
    async with running_intake(tmp_path) as intake:
        intake.store.copied = Copied(file, {})
        url = f"{intake.url}/api/v1/copy"
        assert (await intake.session.get(f"{url}?file=1.duckdb")).status == 404
        assert (await intake.session.post(url, data="{}", headers=JSON)).status == 200

        whole = await intake.session.get(f"{url}?file=1.duckdb")
        assert (whole.status, await whole.read()) == (200, content)
        digest = b64encode(hashlib.sha256(content).digest()).decode()
        assert whole.headers["Repr-Digest"] == f"sha-256=:{digest}:"
        for start, status in ((2_000_000, 206), (len(content), 206), (len(content) + 1, 400)):
            rest = await intake.session.get(f"{url}?file=1.duckdb", headers={"Range": f"bytes={start}-"})
            assert rest.status == status
            if status == 206:
                assert await rest.read() == content[start:]
                assert rest.headers["Content-Range"].endswith(f"/{len(content)}")
        for name in ("2.duckdb", "../tokens.json", ""):
            assert (await intake.session.get(url, params={"file": name})).status == 404
        assert (await intake.session.delete(f"{url}?file=1.duckdb")).status == 200
        assert not file.exists()
        assert (await intake.session.get(f"{url}?file=1.duckdb")).status == 404


async def test_a_copy_that_nobody_waits_for_is_given_up(tmp_path: Path) -> None:
    """Whoever asked was killed meanwhile: the store is not kept busy, and its disk not filled."""
    begun, gone = asyncio.Event(), asyncio.Event()

    async def copy_for_ever() -> Copied:
        begun.set()
        try:
            return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]  # it never is
        finally:
            gone.set()

    store = AskedStore()
    store.copy = copy_for_ever  # type: ignore[method-assign]  # a store that is never done
    async with running_intake(tmp_path, store=store) as intake:
        asking = asyncio.create_task(intake.ask("POST", "/api/v1/copy", b"{}", Content_Type="application/json"))
        async with asyncio.timeout(30):
            await begun.wait()
            asking.cancel()
            await gone.wait()
        await asyncio.gather(asking, return_exceptions=True)


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
    [
        ({Scope.READ, Scope.WRITE}, set(), 403),
        ({Scope.BACKUP}, {"telemetry"}, 403),
        ({Scope.BACKUP}, set(), 200),
        ({Scope.ADMIN}, set(), 200),
    ],
)
async def test_it_takes_scope_backup(tmp_path: Path, scopes: set[Scope], buckets: set[str], status: int) -> None:
    """A token for some buckets, or without the scope, gets nothing."""
    config = IntakeConfig(listen="127.0.0.1:0", tokens="required")
    async with running_intake(tmp_path, config) as intake:
        token = intake.tokens.create("operator", frozenset(scopes), frozenset(buckets)).reveal()
        headers = {**JSON, "Authorization": f"Token {token}"}
        reply = await intake.session.post(f"{intake.url}/api/v1/copy", data="{}", headers=headers)
        assert reply.status == status
