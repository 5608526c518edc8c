"""What an InfluxDB may answer to a write, or not answer, and what becomes of these lines and of others meanwhile."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from collector.buffer.disk import DiskBuffer
from collector.dead.box import DeadConfig, DeadLetters
from collector.deliver.deliverer import Deliverer
from collector.deliver.destinations import Destination
from collector.deliver.outlet import DeliveryConfig
from collector.deliver.rest import Patience
from collector.metrics import DeadLetterMetrics, DeliveryMetrics
from foundation.backoff import Backoff
from tests.fakes.buffers import Incidents, batch, disk_buffer
from tests.fakes.collector import influx_store
from tests.fakes.letters import letters_in
from tests.fakes.polling import until
from tests.fakes.store_server import (
    Exchange,
    StoreServer,
    Turn,
    apply_and_hang,
    refuse,
    reset_in_answer,
    reset_in_body,
    store,
)

SOON = Patience(Backoff(first_s=0.01, most_s=0.05), lambda: 0.0)


@dataclass
class Line:
    """A buffer, a scripted server, and a deliverer between them."""

    folder: Path
    buffer: DiskBuffer
    server: StoreServer
    registry: CollectorRegistry
    deliverer: Deliverer

    def count(self, name: str, **labels: str) -> float:
        return self.registry.get_sample_value(name, {"destination": "far", **labels}) or 0.0

    async def done(self) -> None:
        await until(lambda: self.buffer.backlog("far").lines == 0, seconds=30, what="an empty buffer")


@pytest.fixture
async def line(tmp_path: Path) -> AsyncIterator[Line]:
    registry, incidents = CollectorRegistry(), Incidents()
    buffer = disk_buffer(tmp_path / "buffer", destinations=("far",))
    async with StoreServer() as server:
        far = influx_store(server.url, timeout_s=1.0)
        await buffer.open()
        await far.open()
        deliverer = Deliverer(
            Destination("far", far, buckets={"ours": "other"}),
            buffer,
            DeadLetters(DeadConfig(), tmp_path / "dead", DeadLetterMetrics(registry)),
            config=DeliveryConfig(gather=timedelta(0), concurrency=2),
            metrics=DeliveryMetrics(registry),
            on_incident=incidents,
            patience=SOON,
        )
        await deliverer.start()
        yield Line(tmp_path, buffer, server, registry, deliverer)
        await deliverer.stop()
        await buffer.close()
        await far.close()
    assert incidents == []


@pytest.mark.parametrize(
    ("turn", "reason"),
    [
        pytest.param(refuse(401, "unauthorized access"), "token_refused", id="401"),
        pytest.param(refuse(403, "insufficient permissions for write"), "bucket_forbidden", id="403"),
        pytest.param(refuse(404, 'bucket "telemetry" not found'), "bucket_missing", id="404"),
        pytest.param(refuse(404, 'organization name "o" not found'), "store_unavailable", id="404 org"),
        pytest.param(refuse(404), "store_unavailable", id="404 of something else"),
        pytest.param(refuse(400), "store_unavailable", id="400 of something else"),
        pytest.param(refuse(422), "store_unavailable", id="422 of something else"),
        pytest.param(refuse(405, "method not allowed"), "store_unavailable", id="405"),
        pytest.param(refuse(307, Location="http://127.0.0.1:1/"), "store_unavailable", id="redirect"),
        pytest.param(refuse(429, "slow down"), "store_busy", id="429"),
        pytest.param(refuse(503, "starting", Retry_After="0"), "store_busy", id="503"),
        pytest.param(refuse(500, "internal error"), "store_unavailable", id="500"),
        pytest.param(refuse(504), "store_timed_out", id="504"),
        pytest.param(refuse(200, "welcome"), "store_unavailable", id="200"),
        pytest.param(apply_and_hang, "store_timed_out", id="no answer"),
        pytest.param(reset_in_body, "connection_cut", id="reset in the body"),
        pytest.param(reset_in_answer, "connection_cut", id="reset in the answer"),
    ],
)
async def test_what_says_nothing_about_the_lines_is_tried_again(line: Line, turn: Turn, reason: str):
    """Each by its own name; while it lasts it shows in `hindered`; then the lines are there, and no dead letter is."""
    line.server.standing = turn
    await line.buffer.append(batch("m f=1 1", "m f=2 2"))
    await until(lambda: line.count("tocsin_retries_total", reason=reason) >= 2, seconds=30, what=reason)
    assert line.deliverer.hindered == {"telemetry": reason}
    line.server.standing = store
    await line.done()

    assert line.server.lines() == ["m f=1", "m f=2"]
    assert letters_in(line.folder / "dead") == []
    await until(lambda: line.deliverer.hindered == {}, seconds=30)


def partial_write(bad: str) -> Turn:
    """As InfluxDB answers a conflict of types: 422, after which the other lines are stored."""

    async def turn(exchange: Exchange) -> None:
        body = await exchange.body()
        exchange.apply(body)
        points = exchange.server.points[exchange.bucket]
        if points.pop(bad, None) is None:
            exchange.answer(204)
        else:
            exchange.answer(422, "partial write: field type conflict: f is float, already exists as integer dropped=1")

    return turn


def parse_error(bad: str) -> Turn:
    """As InfluxDB answers a line that is none: 400 and nothing is stored."""

    async def turn(exchange: Exchange) -> None:
        before = {bucket: dict(points) for bucket, points in exchange.server.points.items()}
        exchange.apply(await exchange.body())
        if bad in exchange.server.points[exchange.bucket]:
            exchange.server.points = before
            exchange.answer(400, f"unable to parse '{bad}': invalid field format")
        else:
            exchange.answer(204)

    return turn


@pytest.mark.parametrize(
    ("turn", "kind"), [(partial_write("m 2"), "type_conflict"), (parse_error("m 2"), "unparsable")], ids=["422", "400"]
)
async def test_what_condemns_a_line_costs_that_line_alone(line: Line, turn: Turn, kind: str):
    """Its neighbours are stored, it is a dead letter with the store's words, and nothing is tried again for ever."""
    line.server.standing = turn
    await line.buffer.append(batch("m f=1 1", "m f=2 2", "m f=3 3"))
    await line.done()

    assert line.server.lines() == ["m f=1", "m f=3"]
    [letter] = letters_in(line.folder / "dead")
    assert (letter.line, letter.destination, letter.reason_kind) == (b"m f=2 2", "far", kind)


async def test_a_partial_write_that_dropped_nothing_is_a_success(line: Line):
    """A field that InfluxDB does not take is stripped, and the line stored: 422 with dropped=0."""

    async def stripped(exchange: Exchange) -> None:
        exchange.apply(await exchange.body())
        exchange.answer(422, "partial write: invalid field name: input field time is invalid dropped=0 for database: d")

    line.server.standing = stripped
    await line.buffer.append(batch("m f=1 1"))
    await line.done()

    assert line.server.lines() == ["m f=1"]
    assert letters_in(line.folder / "dead") == []


async def test_buckets_go_under_their_name_over_there(line: Line):
    """`buckets: {ours: other}`; counters keep our names."""
    await line.buffer.append(batch("m f=1 1", bucket="ours"))
    await line.done()

    assert line.server.lines("other") == ["m f=1"]
    assert line.count("tocsin_delivered_lines_total", bucket="ours") == 1


async def test_buckets_that_fail_for_ever_hold_up_no_other(line: Line):
    """More of them than may be written at once: each gives its place up while it waits, and the good bucket goes on."""

    async def only_good(exchange: Exchange) -> None:
        if exchange.bucket == "good":
            await store(exchange)
        else:
            await exchange.body()
            exchange.answer(500, "unexpected error")

    line.server.standing = only_good
    for bad in range(5):
        await line.buffer.append(batch("m f=1 1", bucket=f"bad{bad}"))
    await until(lambda: len(line.deliverer.hindered) == 5, seconds=30)
    for number in range(20):
        await line.buffer.append(batch(f"m f={number} {number}", bucket="good"))
    await until(lambda: line.buffer.backlog("far", "good").lines == 0, seconds=30)

    assert len(line.server.lines("good")) == 20
    assert line.buffer.backlog("far", "bad0").lines == 1


async def test_an_overloaded_destination_is_asked_by_one_bucket_and_not_by_all(line: Line):
    """Ten buckets wait; once it has answered 503 there is never more than one write under way."""
    under_way: list[int] = [0, 0]

    async def busy(exchange: Exchange) -> None:
        under_way[0] += 1
        under_way[1] = max(under_way) if len(line.server.arrivals) > 10 else 0
        await exchange.body()
        exchange.answer(503, "overloaded")
        under_way[0] -= 1

    line.server.standing = busy
    for number in range(10):
        await line.buffer.append(batch("m f=1 1", bucket=f"b{number}"))
    await until(lambda: len(line.server.arrivals) > 20, seconds=50)
    assert under_way[1] == 1

    assert line.count("tocsin_delivery_concurrency") == 1
    line.server.standing = store
    await line.done()
    assert sum(len(points) for points in line.server.points.values()) == 10
