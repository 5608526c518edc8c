"""What intake acknowledges, the embedded store keeps: no line is refused after its sender was told that it is safe."""

from pathlib import Path

from isal import igzip
from prometheus_client import CollectorRegistry

from collector.decode.contract import Arrival
from foundation.batch import Position, Shipment
from foundation.clock import SystemClock
from store.catalog import build
from store.embedded.store import EmbeddedConfig
from tests.fakes.bodies import make_body
from tests.fakes.pins import ForgetfulPins


async def test_the_embedded_store_refuses_nothing_that_was_acknowledged(tmp_path: Path):
    """Generated and mutated bodies, each judged and stored in a bucket of its own."""
    store = build(EmbeddedConfig(), state=tmp_path, clock=SystemClock(), registry=CollectorRegistry())
    await store.open()
    stored = 0
    for seed in range(60):
        bucket = f"bucket {seed}"
        arrival = Arrival(make_body(seed), 1_700_000_000_000_000_000)
        batch = ForgetfulPins.pipeline().run("line_protocol", arrival, bucket=bucket, source="test").batch
        if batch is None:
            continue
        shipment = Shipment(bucket, igzip.compress(batch.body), batch.lines)
        verdict = await store.write(shipment, Position("log", bucket, len(batch.body)))
        assert (verdict.stored, verdict.refused) == (batch.lines, ()), batch.body
        stored += verdict.stored
    await store.close()
    assert stored > 60
