"""The one door: what is acknowledged is durable, what is counted adds up, and a huge body does not stop the rest."""

import asyncio
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from collector.buffer.contract import BufferFull
from collector.dead.box import DeadConfig, DeadLetters
from collector.decode.contract import Arrival
from collector.intake.door import Door, LinesRefused
from collector.intake.metrics import IntakeMetrics
from collector.intake.refusals import Refusals
from collector.metrics import DeadLetterMetrics
from collector.pipeline import BadLines, Constraint, Outcome, Pipeline
from collector.tail import Tail, TailConfig
from foundation.batch import Batch
from tests.fakes.buffer import MemoryBuffer
from tests.fakes.buffers import Incidents
from tests.fakes.clock import ManualClock
from tests.fakes.intake import open_pipeline
from tests.fakes.transforms import pipeline_of

HUGE = b"#" * 5_000_000


class StuckPipeline(Pipeline):
    """Judges a huge body only when it is let go; notes the order."""

    def __init__(self) -> None:
        super().__init__({}, (), BadLines.KEEP)
        self.go = threading.Event()
        self.order: list[int] = []

    def turns(
        self, kind: str, arrival: Arrival, *, bucket: str, source: str, constraint: Constraint | None = None
    ) -> Iterator[Outcome]:
        assert self.go.wait(60)
        yield self.run(kind, arrival, bucket=bucket, source=source, constraint=constraint)

    def run(
        self, kind: str, arrival: Arrival, *, bucket: str, source: str, constraint: Constraint | None = None
    ) -> Outcome:
        assert constraint is None
        self.order.append(len(arrival.body))
        return Outcome(Batch(bucket, b"m f=1 1\n", 1, f"{source} {kind}"))


def door(pipeline: Pipeline, buffer: MemoryBuffer, registry: CollectorRegistry | None = None) -> Door:
    registry = registry or CollectorRegistry()
    dead_metrics = DeadLetterMetrics(registry)
    refusals = Refusals(DeadLetters(DeadConfig(), Path("never written"), dead_metrics), dead_metrics, Incidents())
    tail = Tail(TailConfig(), lambda _reason, _lines: None)
    return Door(pipeline, buffer, IntakeMetrics(registry), ManualClock(), refusals, tail, default_bucket="telemetry")


async def test_our_own_inputs_use_the_same_door(tmp_path: Path):
    """Lines of an input go to the default bucket under its name; refused ones are its error."""
    buffer = MemoryBuffer()
    way_in = door(await open_pipeline(tmp_path, ManualClock()), buffer)
    await way_in(b"host f=1 1\n", "host")
    assert (buffer.lines(), buffer.batches[0].source) == (["host f=1 1"], "host")
    with pytest.raises(LinesRefused, match="already exists as type float"):
        await way_in(b"host f=1i 1\n", "host")
    buffer.failures.append(BufferFull("full"))
    with pytest.raises(BufferFull):
        await way_in(b"host f=2 2\n", "host")


async def test_received_lines_are_accepted_or_rejected(tmp_path: Path):
    """The counters close, also when the buffer takes nothing."""
    registry, buffer = CollectorRegistry(), MemoryBuffer()
    way_in = door(await open_pipeline(tmp_path, ManualClock()), buffer, registry)
    body = Arrival(b"m f=1 1\nbad\nm f=1i 2\nm time=1,f=2 3\n", 1)
    await way_in.admit("line_protocol", body, bucket="b", source="test")
    buffer.failures.append(BufferFull("full"))
    with pytest.raises(BufferFull):
        await way_in.admit("line_protocol", body, bucket="b", source="test")

    def total(name: str) -> float:
        return sum(one.value for metric in registry.collect() for one in metric.samples if one.name == name)

    assert total("tocsin_received_lines_total") == 8
    assert total("tocsin_accepted_lines_total") == 2
    assert total("tocsin_rejected_lines_total") == 6
    assert total("tocsin_altered_lines_total") == 2


async def test_a_huge_body_leaves_the_loop_free_and_keeps_the_order():
    """It is judged in a thread; bodies that come meanwhile wait for it, because what it teaches counts for them."""
    pipeline, buffer = StuckPipeline(), MemoryBuffer()
    way_in = door(pipeline, buffer)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(way_in.admit("line_protocol", Arrival(HUGE, 1), bucket="b", source="huge"))
        await asyncio.sleep(0)
        tasks.create_task(way_in.admit("line_protocol", Arrival(b"x", 1), bucket="b", source="small"))
        await asyncio.sleep(0)
        assert pipeline.order == []
        pipeline.go.set()
    assert pipeline.order == [len(HUGE), 1]


async def test_a_body_of_unknown_shapes_is_judged_in_turns(tmp_path: Path):
    """Others are judged meanwhile; its outcome, line numbers and stamp are those of a body judged at once."""
    rows = [b"m%d,t=a f=1" % number for number in range(3000)]
    rows[1000] = b's note="two\nrows",n=1i'
    rows[2500] = b"no line"
    body = b"\n".join(rows)
    whole = await open_pipeline(tmp_path, ManualClock())
    expected = whole.run("line_protocol", Arrival(body, 7), bucket="b", source="test")
    assert expected.batch is not None
    buffer = MemoryBuffer()
    way_in = door(await open_pipeline(tmp_path / "other", ManualClock()), buffer)
    long = asyncio.ensure_future(way_in.admit("line_protocol", Arrival(body, 7), bucket="b", source="test"))
    await asyncio.sleep(0)
    await way_in.admit("line_protocol", Arrival(b"m f=1 1\n", 7), bucket="telemetry", source="test")
    assert not long.done()
    outcome = await long
    assert [batch.bucket for batch in buffer.batches] == ["telemetry", "b"]
    assert outcome.batch == expected.batch
    assert (outcome.listed, outcome.refused) == (expected.listed, expected.refused)
    assert outcome.listed[0].number == 2502


@pytest.mark.parametrize("policy", list(BadLines))
@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("line_protocol", b"\n".join(b"m%d,t=a f=1" % number for number in range(2000))),
        ("json_telemetry", json.dumps([{"measurement": f"m{number}", "v": 1} for number in range(1000)]).encode()),
    ],
)
async def test_no_long_body_keeps_others_waiting(policy: BadLines, kind: str, body: bytes):
    """With transforms, all or nothing, or JSON: a short body that comes later is durable earlier."""
    buffer = MemoryBuffer()
    way_in = door(pipeline_of("[{kind: add_tag, tag: site, value: x}]", policy), buffer)
    long = asyncio.ensure_future(way_in.admit(kind, Arrival(body, 7), bucket="long", source="test"))
    await asyncio.sleep(0)
    await way_in.admit("line_protocol", Arrival(b"m f=1 1\n", 7), bucket="short", source="test")
    assert not long.done()
    outcome = await long
    assert [batch.bucket for batch in buffer.batches] == ["short", "long"]
    assert outcome.accepted == buffer.batches[1].lines == outcome.altered["add_tag"]
