"""The buffer's disk stops, or fails once, at every single operation: nothing acknowledged is ever missing."""

import asyncio
import errno
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from collector.buffer.contract import BufferFailed, BufferFull
from collector.buffer.disk import DiskBuffer, DiskConfig
from foundation.errors import ConfigError
from tests.fakes.buffers import batch, disk_buffer, drain
from tests.fakes.files import MemoryFiles

BUCKETS = ("telemetry", "other")
SMALL = DiskConfig(segment_bytes=300)
TURNS = 4
LAST = TURNS - 1
MOST_OPERATIONS = 400


@dataclass
class Story:
    """What the outside world saw: lines acknowledged, handed over, and handed over with their cursor committed."""

    acknowledged: list[str] = field(default_factory=list)
    handed: list[str] = field(default_factory=list)
    delivered: list[str] = field(default_factory=list)


async def live(buffer: DiskBuffer, story: Story, before_last: Callable[[], None] = lambda: None) -> None:
    """A short life: two buckets, several segments, deliveries in between."""
    try:
        await buffer.open()
    except ConfigError:
        return
    for turn in range(TURNS):
        if turn == LAST:
            before_last()
        await asyncio.gather(*(put(buffer, story, turn, bucket, number) for bucket in BUCKETS for number in range(3)))
        await deliver_one(buffer, story)
    await buffer.close()


async def put(buffer: DiskBuffer, story: Story, turn: int, bucket: str, number: int) -> None:
    line = f"m,t={bucket} f={turn}{number} {turn}{number}"
    try:
        await buffer.append(batch(line, bucket=bucket, source=f"s{number % 2}"))
    except (BufferFailed, BufferFull):
        return
    story.acknowledged.append(line)


async def deliver_one(buffer: DiskBuffer, story: Story) -> None:
    try:
        parcel = await buffer.read("store", "telemetry", most_bytes=1)
        if parcel is None:
            return
        lines = parcel.shipment.unpack().decode().splitlines()
        story.handed += lines
        await buffer.commit("store", parcel.behind)
    except BufferFailed:
        return
    story.delivered += lines


async def found_after(files: MemoryFiles, folder: Path) -> list[str]:
    """What the next start finds to be delivered."""
    buffer = disk_buffer(folder, config=SMALL, files=files)
    await buffer.open()
    lines = [line for bucket in buffer.buckets() for line in await drain(buffer, bucket=bucket)]
    await buffer.close()
    return lines


async def broken_promises(files: MemoryFiles, folder: Path, torn: float) -> list[str]:
    """Run the story on `files`, then see what a crash at its end makes of it."""
    story = Story()
    await live(disk_buffer(folder, config=SMALL, files=files), story)
    return await broken_after(files, folder, story, torn)


async def broken_after(files: MemoryFiles, folder: Path, story: Story, torn: float) -> list[str]:
    """Crash and start again: acknowledged lines that are gone, delivered ones that came back."""
    found = await found_after(files.after_crash(torn=torn), folder)
    lost = [line for line in story.acknowledged if line not in [*found, *story.handed]]
    again = [line for line in found if line in story.delivered or found.count(line) > 1]
    return lost + again


@pytest.mark.parametrize("torn", [0.0, 0.6, 1.0])
async def test_a_crash_at_any_operation_loses_nothing_acknowledged(tmp_path: Path, torn: float):
    """The machine stops at operation 1, 2, 3, ... and unsynced bytes vanish, in part or not at all."""
    for stop_at in range(1, MOST_OPERATIONS):
        files = MemoryFiles(stop_at=stop_at)
        assert await broken_promises(files, tmp_path, torn) == [], f"operation {stop_at}: {files.kinds[-1]}"
        if not files.struck:
            break
    else:
        pytest.fail("the story has more operations than were tried")
    assert stop_at > 50


@pytest.mark.parametrize("torn", [0.0, 0.5])
@pytest.mark.parametrize("number", [errno.EIO, errno.ENOSPC])
async def test_one_failed_operation_loses_nothing_acknowledged(tmp_path: Path, number: int, torn: float):
    """Operation 1, 2, 3, ... fails once and the buffer goes on: what it acknowledged before and after is there.

    That holds for a sync too, after which the kernel takes for written what it could not write.
    """
    for fail_at in range(1, MOST_OPERATIONS):
        files = MemoryFiles(fail_at=fail_at, number=number)
        assert await broken_promises(files, tmp_path, torn) == [], f"operation {fail_at}: {files.kinds[fail_at - 1]}"
        if not files.struck:
            break
    else:
        pytest.fail("the story has more operations than were tried")


@pytest.mark.parametrize("torn", [0.0, 0.5])
async def test_a_disk_that_fills_up_anywhere_and_is_freed_loses_nothing(tmp_path: Path, torn: float):
    """Full from operation 1, 2, 3, ... on and freed before the last turn, in which everything is taken again."""
    for full_from in range(1, MOST_OPERATIONS):
        files, story, freed = MemoryFiles(full_from=full_from), Story(), list[int]()

        def free() -> None:
            freed.append(files.operations)  # noqa: B023 - called within this round
            files.fill(0)  # noqa: B023 - the same

        await live(disk_buffer(tmp_path, config=SMALL, files=files), story, free)
        if not files.struck:
            break
        assert await broken_after(files, tmp_path, story, torn) == [], f"from {full_from}: {files.kinds[full_from - 1]}"
        if freed and full_from <= freed[0]:
            assert sum(f"f={LAST}" in line for line in story.acknowledged) == 6, f"from {full_from}"
    else:
        pytest.fail("the story has more operations than were tried")


def test_the_shim_loses_what_a_failed_sync_was_to_write(tmp_path: Path):
    """A second sync that succeeds brings back nothing of the first: the tests above can fail."""
    files = MemoryFiles(fail_at=6)
    files.make_folder(tmp_path)
    files.sync_folder(tmp_path.parent)
    file = files.create(tmp_path / "a")
    files.sync_folder(tmp_path)
    file.write([b"lost"])
    with pytest.raises(OSError, match="made to fail"):
        file.sync()
    file.write([b"kept"])
    file.sync()

    assert files.after_crash(torn=1.0).read(tmp_path / "a", 0, 100) == b"\0\0\0\0kept"


async def test_the_shim_notices_a_missing_sync(tmp_path: Path):
    """The same story on a disk whose syncs do nothing loses lines: the tests above can fail."""
    story = Story()
    files = MemoryFiles(syncs=False)
    await live(disk_buffer(tmp_path, config=SMALL, files=files), story)

    assert story.acknowledged
    assert await found_after(files.after_crash(), tmp_path) == []


async def test_a_full_disk_is_emptied_by_delivery(tmp_path: Path):
    """With no byte left on the disk cursors still move, durably, and delivered segments go: that is what makes room."""
    files = MemoryFiles()
    buffer = disk_buffer(tmp_path, config=DiskConfig(segment_bytes=1), files=files)
    await buffer.open()
    for number in range(3):
        await buffer.append(batch(f"m f={number} {number}"))
    files.fill(errno.ENOSPC)

    assert await drain(buffer) == ["m f=0 0", "m f=1 1", "m f=2 2"]
    folder = next(path for path in files.folders if path.parent.name == "logs")
    assert len([name for name in files.names(folder) if name.endswith(".seg")]) == 1
    files.fill(0)
    await buffer.close()
    assert await found_after(files.after_crash(), tmp_path) == []


async def test_a_full_disk_recovers_by_itself(tmp_path: Path):
    """While the disk is full nothing is taken and callers are told when to come back; then it goes on as before."""
    files = MemoryFiles()
    buffer = disk_buffer(tmp_path, files=files)
    await buffer.open()
    await buffer.append(batch("m f=1 1"))
    files.fill(errno.ENOSPC)

    with pytest.raises(BufferFull) as refused:
        await buffer.append(batch("m f=2 2"))
    assert refused.value.retry_after_s
    files.fill(0)
    await buffer.append(batch("m f=3 3"))

    assert await drain(buffer) == ["m f=1 1", "m f=3 3"]
    await buffer.close()
    assert await found_after(files.after_crash(), tmp_path) == []
