"""Whether a bucket exists, while the store answers and while it does not."""

import json
from datetime import timedelta
from pathlib import Path

from store.errors import StoreUnavailable
from tests.fakes.intake import AskedStore, running_intake

HOME = "/api/v2/write?bucket=home"
OURS = "/api/v2/write?bucket=telemetry"


async def test_a_bucket_that_the_store_lacks_is_404(tmp_path: Path):
    """In each API's words; the store is asked at most once a second, and one that appears is found."""
    async with running_intake(tmp_path, makes_buckets=False) as intake:
        answer = await intake.post(HOME, b"m f=1")
        assert answer.status == 404
        assert json.loads(answer.body)["code"] == "not found"
        assert json.loads(answer.body)["message"] == 'bucket "home" not found'
        answer = await intake.post("/write?db=home", b"m f=1")
        assert answer.status == 404
        assert json.loads(answer.body)["error"] == 'database not found: "home"'
        assert intake.store.asked == 1
        assert intake.count("tocsin_refused_bodies_total", reason="bucket") == 2
        intake.store.names = ("home", "telemetry")
        intake.clock.advance(timedelta(seconds=2))
        assert (await intake.post(HOME, b"m f=1")).status == 204


async def test_a_known_bucket_is_taken_while_the_store_is_away(tmp_path: Path):
    """Intake goes on; a bucket that the store did not have is 503, so nobody throws data away on a guess."""
    async with running_intake(tmp_path, makes_buckets=False) as intake:
        assert (await intake.post(OURS, b"m f=1")).status == 204
        intake.store.away = StoreUnavailable("gone")
        intake.clock.advance(timedelta(hours=1))
        assert (await intake.post(OURS, b"m f=1")).status == 204
        answer = await intake.post(HOME, b"m f=1")
        assert answer.status == 503
        assert answer.headers["Retry-After"] == "1"


async def test_a_store_never_reached_refuses_no_bucket(tmp_path: Path):
    """After a restart with the store away every bucket is taken in; delivery waits for it."""
    store = AskedStore()
    store.away = StoreUnavailable("gone")
    async with running_intake(tmp_path, makes_buckets=False, store=store) as intake:
        assert (await intake.post(HOME, b"m f=1")).status == 204


async def test_a_store_that_makes_buckets_has_one_before_the_answer(tmp_path: Path):
    """The embedded store takes every name; it is made once, so that who got 204 can ask for it at once."""
    async with running_intake(tmp_path) as intake:
        assert (await intake.post(HOME, b"m f=1")).status == 204
        assert intake.store.made == ["home"]
        assert (await intake.post(HOME, b"m f=2")).status == 204
        assert intake.store.made == ["home"]
        assert intake.store.asked == 0


async def test_a_store_that_cannot_make_a_bucket_now_refuses_nobody(tmp_path: Path):
    """Lines are taken while it is away; delivery makes the bucket."""
    store = AskedStore()
    store.away = StoreUnavailable("gone")
    async with running_intake(tmp_path, store=store) as intake:
        assert (await intake.post(HOME, b"m f=1")).status == 204
