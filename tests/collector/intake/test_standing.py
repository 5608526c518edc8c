"""`GET /api/v1/store`: how the store stands, for who may read."""

from dataclasses import asdict, replace
from pathlib import Path

from collector.intake.http import IntakeConfig
from collector.tokens import Scope
from store.contract import RollupStanding, StoreStanding
from tests.fakes.intake import running_intake

ROLLUP = RollupStanding("a", "telemetry", "month/m", "...", 1, 2.5, 3, 4, 5, 6, 7, "why", "m", ("f",))


async def test_standing_is_told(tmp_path: Path) -> None:
    """What the store tells of its rollups and its disk is the answer."""
    async with running_intake(tmp_path) as intake:
        intake.store.stands = StoreStanding((ROLLUP,), 10, 20, ("a problem",))
        reply = await intake.session.get(f"{intake.url}/api/v1/store")
        assert reply.status == 200
        told = await reply.json()
        assert told == {
            "rollups": [{**asdict(ROLLUP), "reads": ["f"]}],
            "used_bytes": 10,
            "quota_bytes": 20,
            "problems": ["a problem"],
        }


async def test_a_token_sees_the_rollups_of_its_buckets(tmp_path: Path) -> None:
    """Whoever may read one bucket learns nothing of what is rolled up out of another."""
    config = IntakeConfig(listen="127.0.0.1:0", tokens="required")
    async with running_intake(tmp_path, config) as intake:
        intake.store.stands = StoreStanding((ROLLUP, replace(ROLLUP, name="b", bucket="secret")))
        token = intake.tokens.create("reader", frozenset({Scope.READ}), frozenset({"telemetry"})).reveal()
        reply = await intake.session.get(f"{intake.url}/api/v1/store", headers={"Authorization": f"Token {token}"})
        assert [one["name"] for one in (await reply.json())["rollups"]] == ["a"]
        assert (await intake.session.get(f"{intake.url}/api/v1/store")).status == 401
