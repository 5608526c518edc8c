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


ID = "10cc06f1fb484e2d"


async def test_a_bucket_may_be_named_by_its_id(tmp_path: Path):
    """As influxd's v2 API takes it, in either case, and its v1 API does not; the store is asked once."""
    async with running_intake(tmp_path, makes_buckets=False) as intake:
        intake.store.names, intake.store.ids = ("home",), {ID: "home"}
        assert (await intake.post(f"/api/v2/write?bucket={ID}", b"m f=1 10")).status == 204
        asked = intake.store.asked
        assert (await intake.post(f"/api/v2/write?bucket={ID}", b"m f=2 20")).status == 204
        assert intake.store.asked == asked
        assert (await intake.post(f"/api/v2/write?bucket={ID.upper()}", b"m f=3 30")).status == 204
        assert intake.buffer.lines("home") == ["m f=1 10", "m f=2 20", "m f=3 30"]
        assert (await intake.post(f"/write?db={ID}", b"m f=1 10")).status == 404


async def test_an_id_of_no_bucket_is_a_name(tmp_path: Path):
    """Of a bucket that is there, or of one that is missing."""
    async with running_intake(tmp_path, makes_buckets=False) as intake:
        intake.store.names = (ID,)
        assert (await intake.post(f"/api/v2/write?bucket={ID}", b"m f=1 10")).status == 204
        assert intake.buffer.lines(ID) == ["m f=1 10"]
        answer = await intake.post("/api/v2/write?bucket=0123456789abcdef", b"m f=1")
        assert (answer.status, json.loads(answer.body)["message"]) == (404, 'bucket "0123456789abcdef" not found')


async def test_while_the_store_is_away_only_a_known_id_is_taken(tmp_path: Path):
    """Another one is 503: to take it for a name would put its lines where nobody looks for them."""
    async with running_intake(tmp_path, makes_buckets=False) as intake:
        intake.store.names, intake.store.ids = ("home",), {ID: "home"}
        assert (await intake.post(f"/api/v2/write?bucket={ID}", b"m f=1 10")).status == 204
        intake.store.away = StoreUnavailable("gone")
        intake.clock.advance(timedelta(hours=1))
        assert (await intake.post(f"/api/v2/write?bucket={ID}", b"m f=2 20")).status == 204
        answer = await intake.post("/api/v2/write?bucket=0123456789abcdef", b"m f=1")
        assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
        assert intake.buffer.lines("home") == ["m f=1 10", "m f=2 20"]


async def test_a_retention_policy_names_a_bucket_as_influxd_maps_it(tmp_path: Path):
    """`db/rp`, which is no database of its own; without a policy, or with the default one, `db`; v2 knows none."""
    async with running_intake(tmp_path, makes_buckets=False) as intake:
        intake.store.names, intake.store.ids = ("home",), {"home/week": "home/week"}
        for query, bucket in (
            ("/write?db=home", "home"),
            ("/write?db=home&rp=", "home"),
            ("/write?db=home&rp=autogen", "home"),
            ("/write?db=home&rp=week", "home/week"),
            ("/api/v2/write?bucket=home/week", "home/week"),
            ("/api/v2/write?bucket=home&rp=week", "home"),
        ):
            before = len(intake.buffer.lines(bucket))
            assert (await intake.post(query, b"m f=1 10")).status == 204, query
            assert len(intake.buffer.lines(bucket)) == before + 1, query
        answer = await intake.post("/write?db=home&rp=none", b"m f=1")
        assert (answer.status, json.loads(answer.body)["error"]) == (404, 'database not found: "home/none"')
        await intake.ask("GET", "/query?db=home&rp=week&q=SELECT+f+FROM+m")
        assert intake.store.queries[-1][1] == "home/week"


async def test_where_buckets_are_made_by_writing_policies_are_taken_and_say_nothing(tmp_path: Path):
    """What an old client writes under one is found by the name of its database; an id is a name like another."""
    async with running_intake(tmp_path) as intake:
        assert (await intake.post("/write?db=home&rp=week", b"m f=1 10")).status == 204
        assert intake.buffer.lines("home") == ["m f=1 10"]
        assert (await intake.post(f"/api/v2/write?bucket={ID}", b"m f=1 10")).status == 204
        assert intake.buffer.lines(ID) == ["m f=1 10"]
