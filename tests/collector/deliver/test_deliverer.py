"""Delivery: everything acknowledged ends in the store or in the dead letters, whatever the store does meanwhile."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from collector.buffer.disk import DiskBuffer
from collector.dead.box import DeadConfig, DeadLetters
from collector.dead.letter import DeadLetter
from collector.deliver.deliverer import Deliverer
from collector.deliver.destinations import Destination
from collector.deliver.outlet import DeliveryConfig
from collector.deliver.rest import Patience
from collector.metrics import DeadLetterMetrics, DeliveryMetrics
from foundation.backoff import Backoff
from foundation.errors import Permanent
from store.errors import StoreUnavailable
from tests.fakes.buffers import Incidents, batch, disk_buffer
from tests.fakes.letters import letters_in
from tests.fakes.polling import until
from tests.fakes.store import MemoryStore

AT_ONCE = Patience(Backoff(first_s=0.0), lambda: 0.0)
NOT_AGAIN = Patience(Backoff(first_s=3600.0, most_s=3600.0), lambda: 0.0)


@dataclass
class Line:
    """A buffer, a store and a deliverer between them."""

    folder: Path
    buffer: DiskBuffer
    store: MemoryStore
    registry: CollectorRegistry
    incidents: Incidents
    deliverer: Deliverer | None = None

    async def start(self, config: DeliveryConfig | None = None, patience: Patience = AT_ONCE) -> None:
        dead = DeadLetters(DeadConfig(), self.folder / "dead", DeadLetterMetrics(self.registry))
        self.deliverer = Deliverer(
            Destination("store", self.store),
            self.buffer,
            dead,
            config=config or DeliveryConfig(gather=timedelta(0)),
            metrics=DeliveryMetrics(self.registry),
            on_incident=self.incidents,
            patience=patience,
        )
        await self.deliverer.start()

    async def done(self) -> None:
        """Wait until nothing is left to deliver."""
        await until(lambda: self.buffer.backlog("store").lines == 0, what="an empty buffer")

    def stored(self, bucket: str = "telemetry") -> list[str]:
        return [line.decode() for line in self.store.lines.get(bucket, [])]

    def letters(self) -> list[DeadLetter]:
        return letters_in(self.folder / "dead")

    def retries(self, reason: str) -> float:
        labels = {"destination": "store", "reason": reason}
        return self.registry.get_sample_value("tocsin_retries_total", labels) or 0.0


@pytest.fixture
async def line(tmp_path: Path) -> AsyncIterator[Line]:
    buffer = disk_buffer(tmp_path / "buffer")
    await buffer.open()
    one = Line(tmp_path, buffer, MemoryStore(), CollectorRegistry(), Incidents())
    yield one
    if one.deliverer is not None:
        await one.deliverer.stop()
    await buffer.close()
    assert one.incidents == []


async def test_lines_of_every_bucket_arrive(line: Line):
    """Buckets that are there at the start and buckets that come later are delivered alike, and counted."""
    await line.buffer.append(batch("m f=1 1", bucket="early"))
    await line.start()
    await line.buffer.append(batch("m f=2 2", "m f=3 3", bucket="late"))
    await line.done()

    assert (line.stored("early"), line.stored("late")) == (["m f=1 1"], ["m f=2 2", "m f=3 3"])
    delivered = {"destination": "store", "bucket": "late"}
    assert line.registry.get_sample_value("tocsin_delivered_lines_total", delivered) == 2


async def test_what_did_not_happen_yet_is_counted_as_zero(line: Line):
    """Retries and dead letters of a bucket show from its first line on: a board cannot tell a gap from a fault."""
    await line.buffer.append(batch("m f=1 1"))
    await line.start()
    await line.done()

    retries = {"destination": "store", "reason": "store_unavailable"}
    assert line.registry.get_sample_value("tocsin_retries_total", retries) == 0
    dead = {"bucket": "telemetry", "reason": "refused"}
    assert line.registry.get_sample_value("tocsin_dead_lines_total", dead) == 0


async def test_a_store_that_is_away_is_asked_until_it_is_back(line: Line):
    """A store that fails, in ways known and unknown, gets the lines once it is back; each attempt is counted."""
    line.store.failures.extend([StoreUnavailable("away"), StoreUnavailable("away"), ValueError("a surprise")])
    await line.buffer.append(batch("m f=1 1"))
    await line.start()
    await line.done()

    assert line.stored() == ["m f=1 1"]
    assert (line.retries("store_unavailable"), line.retries("unexpected")) == (2, 1)
    assert line.letters() == []


async def test_a_bucket_that_is_missing_holds_up_no_other(line: Line):
    """The cursor of a bucket that the store lacks waits; other buckets go on; when it is made, its lines arrive."""
    line.store.missing.add("lost")
    await line.buffer.append(batch("m f=1 1", bucket="lost"))
    await line.buffer.append(batch("m f=2 2"))
    await line.start()
    await until(lambda: line.stored() == ["m f=2 2"])

    assert line.buffer.backlog("store", "lost").lines == 1
    assert line.retries("bucket_missing") >= 1
    line.store.missing.clear()
    await line.done()
    assert line.stored("lost") == ["m f=1 1"]


async def test_lines_that_the_store_refuses_become_dead_letters(line: Line):
    """A refused line is kept with its reason, its source and its time; its neighbours are stored."""
    line.store.refuses = lambda one: "field type conflict: no" if b"bad" in one else None
    await line.buffer.append(batch("m f=1 1", source="a"))
    await line.buffer.append(batch("m bad=1 2", "m f=3 3", source="b"))
    await line.start()
    await line.done()

    assert line.stored() == ["m f=1 1", "m f=3 3"]
    [letter] = line.letters()
    assert (letter.line, letter.reason, letter.source) == (b"m bad=1 2", "field type conflict: no", "b")
    assert (letter.bucket, letter.destination) == ("telemetry", "store")
    assert letter.accepted_ns > 0


async def test_a_body_that_is_refused_whole_is_searched_for_its_bad_lines(line: Line):
    """The store refuses a body without saying why: every line but the bad ones is stored, in order."""
    line.store.poison = lambda one: one in (b"m f=3 3", b"m f=7 7")
    await line.buffer.append(batch(*(f"m f={number} {number}" for number in range(9))))
    await line.start()
    await line.done()

    assert line.stored() == [f"m f={number} {number}" for number in (0, 1, 2, 4, 5, 6, 8)]
    assert [letter.line for letter in line.letters()] == [b"m f=3 3", b"m f=7 7"]


async def test_a_body_that_is_too_large_is_split(line: Line):
    """Nothing is lost by a store that takes only so much at once."""
    line.store.most_lines = 2
    await line.buffer.append(batch(*(f"m f={number} {number}" for number in range(7))))
    await line.start()
    await line.done()

    assert line.stored() == [f"m f={number} {number}" for number in range(7)]
    assert line.letters() == []


async def test_bodies_after_one_that_was_too_large_are_smaller(line: Line):
    """The store's limit is learnt: writes carry less from then on than the one that was refused."""
    line.store.most_lines = 4000
    await line.buffer.append(batch(*(f"m f={number * number} {number}" for number in range(6000))))
    refused_bytes = line.buffer.backlog("store").size_bytes
    await line.start()
    await line.done()

    assert [int(one.split(" ")[2]) for one in line.stored()] == list(range(6000))
    carried = line.registry.get_sample_value("tocsin_delivery_body_bytes", {"destination": "store"})
    assert carried is not None
    assert carried < refused_bytes


async def test_a_string_with_a_newline_is_one_line_when_a_body_is_searched(line: Line):
    """Splitting a refused body never cuts a quoted string in two."""
    line.store.poison = lambda one: b"bad" in one
    await line.buffer.append(batch('m f="one\ntwo" 1', "m bad=1 2"))
    await line.start()
    await line.done()

    assert line.stored() == ['m f="one\ntwo" 1']


async def test_any_permanent_error_ends_in_the_dead_letters_not_in_a_loop(line: Line):
    """A line for which the store raises for ever does not stop those behind it."""

    def refuse(one: bytes) -> bool:
        if b"bad" in one:
            raise Permanent("never")
        return False

    line.store.poison = refuse
    await line.buffer.append(batch("m bad=1 1", "m f=2 2"))
    await line.start()
    await line.done()

    assert line.stored() == ["m f=2 2"]
    assert [letter.reason for letter in line.letters()] == ["never"]


async def test_delivery_goes_on_where_the_store_says_it_is(line: Line):
    """A store that keeps positions had the first frame before a crash that the buffer's cursor did not see."""
    line.store = MemoryStore(keeps_positions=True)
    await line.buffer.append(batch("m f=1 1"))
    first = await line.buffer.read("store", "telemetry", most_bytes=1)
    assert first is not None
    line.store.positions[first.behind.log, "telemetry"] = first.behind.offset
    await line.buffer.append(batch("m f=2 2"))

    await line.start()
    await line.done()

    assert line.stored() == ["m f=2 2"]


async def test_a_store_that_comes_back_without_its_last_rows_gets_them_again(line: Line):
    """Opened anew while delivery goes on, before the next line moves its position past what it lacks."""
    line.store = MemoryStore(keeps_positions=True)
    await line.buffer.append(batch("m f=1 1"))
    await line.start()
    await line.done()
    line.store.lines.clear()
    line.store.positions.clear()

    await line.buffer.append(batch("m f=2 2"))
    await until(lambda: line.stored() == ["m f=1 1", "m f=2 2"], what="both lines, in their order")

    labels = {"destination": "store", "bucket": "telemetry", "reason": "setback"}
    assert line.registry.get_sample_value("tocsin_returned_lines_total", labels) == 1


class _Asked(MemoryStore):
    """Counts how often it is asked where it stands."""

    def __init__(self) -> None:
        super().__init__(keeps_positions=True)
        self.asked = 0

    async def position(self, log: str, bucket: str) -> int | None:
        self.asked += 1
        return await super().position(log, bucket)


async def test_a_store_is_asked_where_it_stands_once_for_each_write(line: Line):
    """Right before the write, where it counts."""
    line.store = store = _Asked()
    await line.buffer.append(batch("m f=1 1"))
    await line.start()
    await line.done()
    before = store.asked
    for number in (2, 3, 4):
        await line.buffer.append(batch(f"m f={number} {number}"))
        await line.done()

    assert store.asked == before + 3


async def test_positions_of_pieces_never_run_ahead_of_what_is_stored(line: Line):
    """While a refused body is searched, the store is told the position behind it only with the last piece."""
    line.store = MemoryStore(keeps_positions=True)
    line.store.most_lines = 1
    await line.buffer.append(batch("m f=1 1", "m f=2 2", "m f=3 3"))
    await line.start()
    await line.done()

    end = line.store.positions[line.buffer.log("telemetry"), "telemetry"]
    assert [position for _, position in line.store.writes] == [0, 0, end]
    assert end > 0


async def test_a_store_that_keeps_positions_is_not_moved_past_lines_that_are_no_dead_letters_yet(line: Line):
    """Stopped between the store's answer and the dead letters' sync: after the start the store's word counts, and the
    refused line is brought again, not lost.
    """
    line.store = MemoryStore(keeps_positions=True)
    line.store.refuses = lambda one: "never" if b"bad" in one else None
    in_the_way = line.folder / "dead"
    in_the_way.write_text("no folder")
    await line.buffer.append(batch("m f=1 1", "m bad=1 2"))
    await line.buffer.append(batch("m f=3 3"))
    await line.start(DeliveryConfig(most_bytes=1, gather=timedelta(0)), NOT_AGAIN)
    await until(lambda: line.retries("letters_not_kept"), what="dead letters that cannot be kept")
    assert line.deliverer is not None
    await line.deliverer.stop()

    in_the_way.unlink()
    line.registry = CollectorRegistry()
    await line.start()
    await line.done()

    assert [letter.line for letter in line.letters()] == [b"m bad=1 2"]
    assert set(line.stored()) == {"m f=1 1", "m f=3 3"}
    behind = line.store.writes[-1][1]
    assert line.store.positions == {(line.buffer.log("telemetry"), "telemetry"): behind}


async def test_positions_of_pieces_stay_where_lines_of_a_searched_body_were_refused(line: Line):
    """The piece behind which nothing is left moves the store only when no piece before it was refused."""
    line.store = MemoryStore(keeps_positions=True)
    line.store.poison = lambda one: b"bad" in one
    await line.buffer.append(batch("m bad=1 1", "m f=2 2"))
    await line.start()
    await line.done()

    end = line.store.positions[line.buffer.log("telemetry"), "telemetry"]
    assert line.store.writes == [(1, 0), (0, end)]
    assert [letter.line for letter in line.letters()] == [b"m bad=1 1"]
