"""The buffer on the disk: what it finds at the start, and what it does when space runs out."""

import asyncio
import json
import os
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from collector.buffer.contract import Backlog, BufferFailed, BufferFull
from collector.buffer.disk import DiskBuffer, DiskConfig
from collector.buffer.frames import HEADER, pack
from foundation.errors import ConfigError
from tests.fakes.buffers import batch, disk_buffer, drain
from tests.fakes.clock import ManualClock


async def opened(folder: Path, **options: object) -> DiskBuffer:
    buffer = disk_buffer(folder, **options)  # type: ignore[arg-type]  # options are disk_buffer's own
    await buffer.open()
    return buffer


def segments(folder: Path) -> list[Path]:
    return sorted(folder.glob("logs/*/*.seg"))


def frame_bytes(path: Path) -> int:
    """The size of the first frame in a file, read from its header."""
    data = path.read_bytes()
    _, _, payload, _, _, _, source, account = HEADER.unpack_from(data)
    return HEADER.size + int(payload) + int(source) + int(account)


async def filled(folder: Path, count: int, **options: object) -> None:
    """A closed buffer with `count` frames of one line each."""
    buffer = await opened(folder, **options)
    for number in range(count):
        await buffer.append(batch(f"m f={number} {number}"))
    await buffer.close()


async def append_until_refused(buffer: DiskBuffer, taken: list[str]) -> None:
    while True:
        line = f"m f={len(taken)} {len(taken)}"
        await buffer.append(batch(line))
        taken.append(line)


async def test_a_restart_finds_everything(tmp_path: Path, clock: ManualClock):
    """Lines, cursors, log names and the age of the oldest line are the same after a restart."""
    first = await opened(tmp_path, clock=clock)
    accepted_ns = clock.now_ns()
    await first.append(batch("m f=1 1"))
    await first.append(batch("m f=2 2"))
    name = first.log("telemetry")
    parcel = await first.read("store", "telemetry", most_bytes=1)
    assert parcel is not None
    await first.commit("store", parcel.behind)
    await first.close()

    second = await opened(tmp_path, clock=clock)

    assert second.log("telemetry") == name
    assert second.backlog("store").lines == 1
    assert second.backlog("store").oldest_ns == accepted_ns
    assert await drain(second) == ["m f=2 2"]
    await second.close()


async def test_a_torn_tail_is_cut_at_every_length(tmp_path: Path):
    """However much of the last frame reached the disk, the frames before it are whole and it is gone."""
    await filled(tmp_path / "whole", 3)
    content = segments(tmp_path / "whole")[0].read_bytes()
    size = frame_bytes(segments(tmp_path / "whole")[0])

    for kept in range(2 * size, 3 * size, 7):
        folder = tmp_path / f"torn{kept}"
        await filled(folder, 3)
        segments(folder)[0].write_bytes(content[:kept])
        registry = CollectorRegistry()
        buffer = await opened(folder, registry=registry)
        assert await drain(buffer) == ["m f=0 0", "m f=1 1"], kept
        await buffer.append(batch("m f=9 9"))
        assert await drain(buffer) == ["m f=9 9"]
        await buffer.close()
        torn = registry.get_sample_value("tocsin_buffer_skipped_bytes_total", {"reason": "torn"})
        assert torn == kept - 2 * size


@pytest.mark.parametrize("place", [0, 9, 16, 40])
async def test_a_broken_frame_in_the_middle_is_skipped_and_counted(tmp_path: Path, place: int):
    """One bit wrong in magic, length, count or payload loses that frame, and no other; every lost byte is counted."""
    await filled(tmp_path, 3)
    path = segments(tmp_path)[0]
    size = frame_bytes(path)
    content = bytearray(path.read_bytes())
    content[size + place] ^= 0x40
    path.write_bytes(bytes(content))
    registry = CollectorRegistry()
    buffer = await opened(tmp_path, registry=registry)

    assert await drain(buffer) == ["m f=0 0", "m f=2 2"]
    assert buffer.backlog("store") == Backlog()
    assert registry.get_sample_value("tocsin_buffer_skipped_bytes_total", {"reason": "broken"}) == size
    await buffer.close()


async def test_a_segment_that_vanished_is_counted_and_passed(tmp_path: Path):
    """With a segment gone from the middle, what stands before and behind it is delivered."""
    await filled(tmp_path, 3, config=DiskConfig(segment_bytes=1))
    gone = segments(tmp_path)[1]
    size = gone.stat().st_size
    gone.unlink()
    registry = CollectorRegistry()
    buffer = await opened(tmp_path, registry=registry)

    assert await drain(buffer) == ["m f=0 0", "m f=2 2"]
    assert registry.get_sample_value("tocsin_buffer_skipped_bytes_total", {"reason": "missing"}) == size
    await buffer.close()


async def test_a_segment_that_vanishes_while_it_waits_is_passed(tmp_path: Path):
    """Somebody deletes a file under the running buffer: the rest is delivered."""
    buffer = await opened(tmp_path, config=DiskConfig(segment_bytes=1))
    for number in range(3):
        await buffer.append(batch(f"m f={number} {number}"))
    segments(tmp_path)[0].unlink()

    assert await drain(buffer) == ["m f=1 1", "m f=2 2"]
    await buffer.close()


async def test_delivered_segments_are_deleted_when_every_destination_has_them(tmp_path: Path):
    """The slowest destination decides what is kept; the segment that is written to stays."""
    options = {"config": DiskConfig(segment_bytes=1), "destinations": ("near", "far")}
    buffer = await opened(tmp_path, **options)
    for number in range(3):
        await buffer.append(batch(f"m f={number} {number}"))

    await drain(buffer, "near")
    assert len(segments(tmp_path)) == 3
    await drain(buffer, "far")
    assert len(segments(tmp_path)) == 1
    await buffer.close()


async def test_a_full_quota_refuses_until_delivery_made_room(tmp_path: Path):
    """At the quota callers get BufferFull with a time to come back, nothing is taken, and room comes by delivery."""
    registry = CollectorRegistry()
    buffer = await opened(tmp_path, config=DiskConfig(quota_bytes=600), registry=registry)
    taken: list[str] = []
    with pytest.raises(BufferFull) as full:
        await append_until_refused(buffer, taken)

    assert full.value.retry_after_s
    assert registry.get_sample_value("tocsin_buffer_failures_total", {"reason": "quota"}) == 1
    assert sum(path.stat().st_size for path in segments(tmp_path)) <= 600
    assert await drain(buffer) == taken
    await buffer.append(batch("m f=1000 1000"))
    assert await drain(buffer) == ["m f=1000 1000"]
    await buffer.close()


async def test_one_delivered_bucket_never_blocks_another_at_the_quota(tmp_path: Path):
    """A bucket whose lines are all delivered gives its space back when another needs it."""
    buffer = await opened(tmp_path, config=DiskConfig(quota_bytes=1200))
    for turn in range(20):
        bucket = f"b{turn}"
        for number in range(2):
            await buffer.append(batch(f"m f={number} {number}", bucket=bucket))
        assert len(await drain(buffer, bucket=bucket)) == 2
    await buffer.close()


async def test_too_many_waiting_lines_are_refused_at_once(tmp_path: Path):
    """What waits for the disk is bounded: beyond that callers are sent away instead of filling memory."""
    buffer = await opened(tmp_path, config=DiskConfig(waiting_bytes=16))
    results = await asyncio.gather(*(buffer.append(batch("m f=1 1")) for _ in range(5)), return_exceptions=True)

    assert [type(result) for result in results] == [type(None)] * 2 + [BufferFull] * 3
    assert await drain(buffer) == ["m f=1 1"] * 2
    await buffer.close()


async def test_a_caller_that_gives_up_harms_nobody(tmp_path: Path):
    """A cancelled append neither stops the group commit nor the others in it."""
    buffer = await opened(tmp_path)
    gone = asyncio.create_task(buffer.append(batch("m f=1 1")))
    stays = asyncio.create_task(buffer.append(batch("m f=2 2")))
    await asyncio.sleep(0)
    gone.cancel()
    await stays

    assert "m f=2 2" in await drain(buffer)
    await buffer.close()


async def test_the_second_process_is_told_who_holds_the_folder(tmp_path: Path):
    """Two buffers on one folder: the second refuses to open, naming the process and the way out."""
    first = await opened(tmp_path)

    with pytest.raises(ConfigError, match=rf"process {os.getpid()} holds this buffer.*state"):
        await opened(tmp_path)
    await first.close()
    second = await opened(tmp_path)
    await second.close()


async def test_a_newer_format_is_refused(tmp_path: Path):
    """Files of a later version are not touched; the error says what to do."""
    await filled(tmp_path, 1)
    (tmp_path / "format.json").write_text(json.dumps({"format": 99}))

    with pytest.raises(ConfigError, match="format 99"):
        await opened(tmp_path)


async def test_nothing_is_taken_after_closing(tmp_path: Path):
    """A late append is refused, not lost."""
    buffer = await opened(tmp_path)
    await buffer.close()

    with pytest.raises(BufferFailed):
        await buffer.append(batch("m f=1 1"))


async def test_closing_finishes_what_waits(tmp_path: Path):
    """Appends that wait when the buffer is closed are durable, and say so."""
    buffer = await opened(tmp_path)
    waiting = [asyncio.create_task(buffer.append(batch(f"m f={number} {number}"))) for number in range(5)]
    await asyncio.sleep(0)
    await buffer.close()
    await asyncio.gather(*waiting)

    again = await opened(tmp_path)
    assert len(await drain(again)) == 5
    await again.close()


async def test_a_new_destination_takes_over_where_the_one_that_is_gone_stood(tmp_path: Path):
    """Changing the store loses nothing that was waiting for the old one, and does not begin from the very start."""
    old = await opened(tmp_path, destinations=("old",))
    await old.append(batch("m f=1 1"))
    assert await drain(old, "old") == ["m f=1 1"]
    await old.append(batch("m f=2 2"))
    await old.close()

    new = await opened(tmp_path, destinations=("new",))
    assert await drain(new, "new") == ["m f=2 2"]
    await new.close()


@pytest.mark.parametrize("bucket", ["..", "a/b", "Ünïcödé", "x" * 300, "A", "a", " "])
async def test_any_bucket_name_makes_a_safe_folder(tmp_path: Path, bucket: str):
    """Names that no file system likes stay inside the buffer's folder and come back as they were."""
    buffer = await opened(tmp_path)
    await buffer.append(batch("m f=1 1", bucket=bucket))
    await buffer.close()

    [path] = segments(tmp_path)
    assert path.is_relative_to(tmp_path / "logs")
    again = await opened(tmp_path)
    assert again.buckets() == (bucket,)
    await again.close()


async def test_a_log_whose_name_was_lost_is_taken_up_again(tmp_path: Path):
    """Without log.json the segments wait until the bucket is written to; they are not overwritten."""
    await filled(tmp_path, 2)
    segments(tmp_path)[0].with_name("log.json").unlink()
    buffer = await opened(tmp_path)
    assert buffer.buckets() == ()

    await buffer.append(batch("m f=9 9"))

    assert await drain(buffer) == ["m f=0 0", "m f=1 1", "m f=9 9"]
    await buffer.close()


def test_a_frame_says_where_it_ends():
    """A frame's length is that of its header, source and payload; nothing else is in it."""
    frame = pack(b"m f=1 1\n", 1, "source", 5, {})
    _, _, payload, unpacked, lines, accepted_ns, source, account = HEADER.unpack_from(frame)

    assert len(frame) == HEADER.size + payload + source + account
    assert (unpacked, lines, accepted_ns, source) == (8, 1, 5, 6)
