"""What every buffer keeps to, whatever it is made of."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from collector.buffer.contract import Backlog, Buffer
from foundation.batch import Position
from tests.fakes.buffers import batch, disk_buffer
from tests.fakes.clock import ManualClock

KINDS = ("disk",)


@pytest.fixture(params=KINDS)
async def buffer(request: pytest.FixtureRequest, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Buffer]:
    one = disk_buffer(tmp_path / "buffer", destinations=("near", "far"), clock=clock)
    await one.open()
    yield one
    await one.close()


async def take(buffer: Buffer, destination: str, bucket: str = "telemetry") -> list[str]:
    parcel = await buffer.read(destination, bucket, most_bytes=1 << 20)
    if parcel is None:
        return []
    await buffer.commit(destination, parcel.behind)
    return parcel.shipment.unpack().decode().splitlines()


async def test_what_was_appended_is_read_in_its_order(buffer: Buffer):
    """A destination reads lines in the order in which they were acknowledged, with where they came from."""
    await buffer.append(batch("m f=1 1", "m f=2 2", source="a"))
    await buffer.append(batch("m f=3 3", source="b"))

    parcel = await buffer.read("near", "telemetry", most_bytes=1 << 20)

    assert parcel is not None
    assert parcel.shipment.unpack() == b"m f=1 1\nm f=2 2\nm f=3 3\n"
    assert parcel.shipment.lines == 3
    assert [(origin.source, origin.size_bytes) for origin in parcel.origins] == [("a", 16), ("b", 8)]


async def test_reading_alone_moves_nothing(buffer: Buffer):
    """Until it is committed, a parcel is read again, the same."""
    await buffer.append(batch("m f=1 1"))

    first = await buffer.read("near", "telemetry", most_bytes=1 << 20)
    second = await buffer.read("near", "telemetry", most_bytes=1 << 20)

    assert first == second is not None


async def test_each_destination_has_its_own_cursor(buffer: Buffer):
    """What one destination took, the other still lacks."""
    await buffer.append(batch("m f=1 1"))

    assert await take(buffer, "near") == ["m f=1 1"]
    assert await take(buffer, "near") == []
    assert await take(buffer, "far") == ["m f=1 1"]


async def test_each_bucket_has_its_own_log(buffer: Buffer):
    """Buckets are listed sorted, have different logs, and share no lines."""
    await buffer.append(batch("m f=1 1", bucket="b"))
    await buffer.append(batch("m f=2 2", bucket="a"))

    assert buffer.buckets() == ("a", "b")
    assert buffer.log("a") != buffer.log("b")
    assert await take(buffer, "near", "a") == ["m f=2 2"]
    assert await take(buffer, "near", "unknown") == []


async def test_backlog_counts_what_a_destination_lacks(buffer: Buffer, clock: ManualClock):
    """Lines, bytes and the oldest acceptance time fall to nothing when everything is delivered."""
    await buffer.append(batch("m f=1 1", "m f=2 2"))
    await buffer.append(batch("m f=3 3", bucket="other"))

    waiting = buffer.backlog("near")
    assert (waiting.lines, waiting.oldest_ns) == (3, clock.now_ns())
    assert waiting.size_bytes > 0
    assert buffer.backlog("near", "other").lines == 1

    await take(buffer, "near")
    await take(buffer, "near", "other")
    assert buffer.backlog("near") == Backlog()
    assert buffer.backlog("far").lines == 3


async def test_small_reads_take_whole_frames_one_after_another(buffer: Buffer):
    """However little is asked for, a frame comes whole, and reading goes on behind it."""
    for number in range(3):
        await buffer.append(batch(f"m f={number} {number}"))

    seen: list[str] = []
    while (parcel := await buffer.read("near", "telemetry", most_bytes=1)) is not None:
        assert parcel.shipment.lines == 1
        seen += parcel.shipment.unpack().decode().splitlines()
        await buffer.commit("near", parcel.behind)

    assert seen == ["m f=0 0", "m f=1 1", "m f=2 2"]
    assert buffer.backlog("near") == Backlog()


async def test_reading_runs_ahead_of_what_is_committed(buffer: Buffer, clock: ManualClock):
    """What stands behind a parcel can be read before that is committed, and the books are right after each commit."""
    accepted_ns = []
    for number in range(3):
        clock.advance(timedelta(seconds=1))
        accepted_ns.append(clock.now_ns())
        await buffer.append(batch(f"m f={number} {number}", f"m f={number} 1{number}"))

    first = await buffer.read("near", "telemetry", most_bytes=1)
    assert first is not None
    second = await buffer.read("near", "telemetry", most_bytes=1, after=first.behind)
    assert second is not None
    assert second.shipment.unpack() == b"m f=1 1\nm f=1 11\n"
    assert second.before == first.behind

    await buffer.commit("near", first.behind)
    assert (buffer.backlog("near").lines, buffer.backlog("near").oldest_ns) == (4, accepted_ns[1])
    await buffer.commit("near", second.behind)
    assert (buffer.backlog("near").lines, buffer.backlog("near").oldest_ns) == (2, accepted_ns[2])
    third = await buffer.read("near", "telemetry", most_bytes=1, after=second.behind)
    assert third is not None
    assert await buffer.read("near", "telemetry", most_bytes=1, after=third.behind) is None


async def test_a_commit_never_moves_a_cursor_back(buffer: Buffer):
    """A parcel that was read before the cursor went past it, and is committed late, brings nothing back."""
    await buffer.append(batch("m f=1 1"))
    first = await buffer.read("near", "telemetry", most_bytes=1)
    assert first is not None
    await buffer.append(batch("m f=2 2"))
    assert await take(buffer, "near") == ["m f=1 1", "m f=2 2"]

    await buffer.commit("near", first.behind)

    assert buffer.backlog("near") == Backlog()
    assert await take(buffer, "near") == []


async def test_seek_takes_the_destinations_word(buffer: Buffer):
    """A destination that has the first frame already is not given it again; one that lost it gets it back."""
    await buffer.append(batch("m f=1 1"))
    first = await buffer.read("near", "telemetry", most_bytes=1)
    assert first is not None
    await buffer.append(batch("m f=2 2"))

    await buffer.seek("near", first.behind)
    assert buffer.backlog("near").lines == 1
    assert await take(buffer, "near") == ["m f=2 2"]

    await buffer.seek("near", first.before)
    assert await take(buffer, "near") == ["m f=1 1", "m f=2 2"]


async def test_a_position_of_another_log_changes_nothing(buffer: Buffer):
    """Positions name their log, so one from an older buffer cannot make lines vanish."""
    await buffer.append(batch("m f=1 1"))

    await buffer.seek("near", Position("another", "telemetry", 1_000_000))
    await buffer.commit("near", Position("another", "telemetry", 1_000_000))

    assert await take(buffer, "near") == ["m f=1 1"]


async def test_a_destination_that_is_ahead_loses_no_later_line(buffer: Buffer):
    """When the store has a position behind the log's end, the log goes on there: new lines are not taken for old."""
    await buffer.append(batch("m f=1 1"))
    await buffer.seek("near", Position(buffer.log("telemetry"), "telemetry", 1_000_000))
    await buffer.append(batch("m f=2 2"))

    parcel = await buffer.read("near", "telemetry", most_bytes=1 << 20)

    assert parcel is not None
    assert parcel.shipment.unpack() == b"m f=2 2\n"
    assert parcel.behind.offset > 1_000_000
    assert await take(buffer, "far") == ["m f=1 1"]
    assert await take(buffer, "far") == ["m f=2 2"]


async def test_grown_returns_at_the_next_append(buffer: Buffer):
    """A reader that waits for a bucket is woken by that bucket alone; one that waits for any, by any."""
    await buffer.append(batch("m f=1 1"))
    this = asyncio.create_task(buffer.grown("telemetry"))
    either = asyncio.create_task(buffer.grown())
    await asyncio.sleep(0)

    await buffer.append(batch("m f=1 1", bucket="other"))
    await either
    assert not this.done()
    await buffer.append(batch("m f=2 2"))
    await this


async def test_many_appends_at_once_are_all_kept(buffer: Buffer):
    """Batches that share a group commit are each there once."""
    sent = [f"m f={number} {number}" for number in range(200)]
    await asyncio.gather(*(buffer.append(batch(line, source=f"s{int(line[4:6]) % 3}")) for line in sent))

    assert sorted(await take(buffer, "near")) == sorted(sent)
