"""The clock is set back an hour under the running collector: nothing is lost, held up or shown as new."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from collector.allowance import Allowance
from collector.check.cardinality import CardinalityConfig
from collector.check.catalog import ChecksConfig
from collector.config import HealthConfig
from collector.tokens import Scope, TokenBook
from tests.fakes.clock import SteppingClock
from tests.fakes.collector import QUIET, influx_store, running_collector
from tests.fakes.polling import until
from tests.fakes.store_server import StoreServer, refuse, store

HOUR = timedelta(hours=1)


@pytest.fixture
def time() -> SteppingClock:
    return SteppingClock()


@pytest.fixture
async def server() -> AsyncIterator[StoreServer]:
    async with StoreServer() as one:
        yield one


async def test_lines_before_and_after_the_step_arrive(server: StoreServer, time: SteppingClock, tmp_path: Path):
    """Accepted on both sides of the step, with and without times of their own, over a restart: each line once."""
    server.standing = refuse(503, "away")
    async with running_collector(influx_store(server.url), tmp_path, clock=time) as line:
        assert await line.post("m,n=1 f=1", "m,n=2 f=2") == 204
        time.step(-HOUR)
        assert await line.post("m,n=3 f=3", "m,n=4 f=4") == 204
        assert (await line.get("/ready"))["buffered_lines"] == 4
    server.standing = store
    async with running_collector(influx_store(server.url), tmp_path, clock=time) as line:
        assert await line.post("m,n=5 f=5") == 204
        await line.drained()
    assert server.lines() == [f"m,n={number} f={number}" for number in range(1, 6)]


async def test_waiting_lines_go_on_ageing(server: StoreServer, time: SteppingClock, tmp_path: Path):
    """What waits does not look fresh for an hour: alerting resolves nothing while the collector is behind."""
    server.standing = refuse(503, "away")
    async with running_collector(influx_store(server.url), tmp_path, clock=time) as line:
        assert await line.post("m f=1") == 204
        time.step(-HOUR)
        await until(lambda: line.role.lag() > 0.5, seconds=30, what="an age that grows")
        before = line.role.lag()
        assert await line.post("m f=2") == 204
        assert line.role.lag() >= before
        server.standing = store
        await line.drained()
        assert line.role.lag() == 0


async def test_a_token_s_rate_refills(server: StoreServer, time: SteppingClock, tmp_path: Path):
    """A token that has spent its lines gets new ones by elapsed time, not by the time of day."""
    secret = TokenBook(tmp_path / "tokens.json", time).create(
        "device", frozenset({Scope.WRITE}), allowance=Allowance(lines_per_second=20.0, burst=2)
    )
    config = replace(QUIET, tokens="required")
    async with running_collector(influx_store(server.url), tmp_path, config=config, clock=time) as line:
        line.session.headers["Authorization"] = f"Token {secret.reveal()}"
        assert await line.post("m,n=1 f=1", "m,n=2 f=2") == 204
        time.step(-HOUR)

        async def taken() -> bool:
            return await line.post("m,n=3 f=3", "m,n=4 f=4") == 204

        await until(taken, seconds=30, what="room in the token's quota")


async def test_a_token_that_has_not_expired_stays_good(server: StoreServer, time: SteppingClock, tmp_path: Path):
    """Its end is a time of day: set back, the clock takes nobody's access away."""
    secret = TokenBook(tmp_path / "tokens.json", time).create(
        "device", frozenset({Scope.WRITE}), lasts=timedelta(minutes=30)
    )
    config = replace(QUIET, tokens="required")
    async with running_collector(influx_store(server.url), tmp_path, config=config, clock=time) as line:
        line.session.headers["Authorization"] = f"Token {secret.reveal()}"
        assert await line.post("m f=1") == 204
        time.step(-HOUR)
        assert await line.post("m f=2") == 204
        time.step(2 * HOUR)

        async def refused() -> bool:
            return await line.post("m f=3") == 401

        await until(refused, seconds=30, what="the end of the token")


async def test_refused_lines_and_our_own_metrics_go_on(server: StoreServer, time: SteppingClock, tmp_path: Path):
    """Letters stay in the order in which they came, each at its own time of day; health is reported after the step."""
    config = replace(QUIET, health=HealthConfig(every=timedelta(seconds=1)))
    async with running_collector(influx_store(server.url), tmp_path, config=config, clock=time) as line:
        assert await line.post("first is no line") == 400

        async def letters() -> list[Any]:
            return list((await line.get("/api/v1/dead"))["letters"])

        await until(letters, seconds=30, what="the first letter")
        time.step(-HOUR)
        reports = len(server.lines())
        assert await line.post("second is no line") == 400

        async def both() -> bool:
            return len(await letters()) == 2

        await until(both, seconds=30, what="the second letter")
        first, second = await letters()
        assert (first["line"], second["line"]) == ("first is no line", "second is no line")
        assert second["id"] > first["id"]
        assert first["accepted_ns"] > second["accepted_ns"]
        await until(lambda: len(server.lines()) > reports, seconds=30, what="a report of health")


async def test_a_budget_of_series_is_neither_forgotten_nor_stuck(
    server: StoreServer, time: SteppingClock, tmp_path: Path
):
    """Known series pass after the step, new ones still find the budget spent."""
    budget = CardinalityConfig(per_measurement=2, forget=timedelta(minutes=10))
    config = replace(QUIET, checks=ChecksConfig(cardinality=budget))
    async with running_collector(influx_store(server.url), tmp_path, config=config, clock=time) as line:
        assert await line.post("m,n=1 f=1", "m,n=2 f=2") == 204
        time.step(-HOUR)
        assert await line.post("m,n=1 f=3", "m,n=2 f=4") == 204
        assert await line.post("m,n=3 f=5") == 422
        await line.drained()
