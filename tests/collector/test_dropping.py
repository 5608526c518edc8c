"""What a statement deletes as a whole is free: its fields may come again in other types, now and after a restart."""

from pathlib import Path

from foundation.clock import SystemClock
from store.embedded.store import EmbeddedConfig, EmbeddedStore
from tests.fakes.collector import RunningCollector, running_collector


def make_store(state: Path) -> EmbeddedStore:
    return EmbeddedStore(EmbeddedConfig(), state=state, clock=SystemClock())


async def run(collector: RunningCollector, statement: str) -> None:
    """Let the statement succeed."""
    async with collector.session.post(f"{collector.url}/query", data={"q": statement}) as answer:
        assert (await answer.json()) == {"results": [{"statement_id": 0}]}


async def test_a_dropped_measurement_comes_again_in_other_types(tmp_path: Path) -> None:
    """Its pins go with it, others stay; a line of the old type is refused once there is a new one."""
    async with running_collector(make_store(tmp_path), tmp_path) as collector:
        assert await collector.post("m f=1 1", "kept f=1 1") == 204
        await collector.drained()
        assert await collector.post("m f=2i 2") == 422

        await run(collector, "DROP MEASUREMENT m")
        assert await collector.post("kept f=1i 2") == 422
        assert await collector.post("m f=2i 2") == 204
        assert await collector.post("m f=1 1") == 422
        await collector.drained()

        await run(collector, "DELETE FROM kept WHERE time < 0")
        assert await collector.post("kept f=1i 2") == 422
        await run(collector, "DELETE FROM m")
    async with running_collector(make_store(tmp_path), tmp_path) as again:
        assert await again.post("kept f=1i 2") == 422
        assert await again.post('m f="free" 3') == 204
