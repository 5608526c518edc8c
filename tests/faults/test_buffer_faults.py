"""The buffer's disk stops, or fails once, at every single operation.

Nothing acknowledged is ever missing, nothing delivered comes back, and the ledger closes for every source and
destination, before and after.
"""

import asyncio
import errno
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from collector.buffer.contract import BufferFailed, BufferFull
from collector.buffer.disk import DiskBuffer, DiskConfig
from collector.ledger import Account, Brought, Ledger
from foundation.errors import ConfigError
from tests.fakes.buffers import batch, disk_buffer, drain
from tests.fakes.files import MemoryFiles

BUCKETS = ("telemetry", "other")
SMALL = DiskConfig(segment_bytes=300)
TURNS = 4
LAST = TURNS - 1
MOST_OPERATIONS = 800
DESTINATIONS = ("store", "archive")


@dataclass
class Story:
    """What the outside world saw: lines acknowledged, handed over, and handed over with their cursor committed."""

    acknowledged: list[str] = field(default_factory=list)
    handed: list[str] = field(default_factory=list)
    delivered: list[str] = field(default_factory=list)
    dead: int = 0
    ledger: Ledger = field(default_factory=Ledger)


def two_destinations(folder: Path, files: MemoryFiles, story: Story) -> DiskBuffer:
    return disk_buffer(folder, config=SMALL, files=files, ledger=story.ledger, destinations=DESTINATIONS)


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
        buffer.note("telemetry", "s9", Account(2, {"syntax": 2}))
        assert open_terms(story.ledger) == []
        await deliver_one(buffer, story)
        await deliver_to_archive(buffer, story)
        assert open_terms(story.ledger) == []
    await buffer.close()
    assert open_terms(story.ledger) == []


async def put(buffer: DiskBuffer, story: Story, turn: int, bucket: str, number: int) -> None:
    line = f"m,t={bucket} f={turn}{number} {turn}{number}"
    try:
        await buffer.append(batch(line, bucket=bucket, source=f"s{number % 2}"), Account(3, {"syntax": 1}, {"drop": 1}))
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


async def deliver_to_archive(buffer: DiskBuffer, story: Story) -> None:
    """The second destination refuses a line of its first parcel."""
    try:
        parcel = await buffer.read("archive", "telemetry", most_bytes=1)
        if parcel is None:
            return
        delivered = Counter({origin.source: origin.lines for origin in parcel.origins})
        dead = {} if story.dead else {parcel.origins[0].source: 1}
        delivered.subtract(dead)
        await buffer.commit("archive", parcel.behind, Brought(delivered, dead))
    except BufferFailed:
        return
    story.dead += len(dead)


def open_terms(ledger: Ledger, destinations: Sequence[str] = DESTINATIONS) -> list[str]:
    """What does not close."""
    return [str(one) for one in ledger.balances(destinations) if not one.closes]


def total(ledger: Ledger, term: str, destination: str = "store") -> int:
    """A term over all buckets."""
    return sum(one.whole.terms.get(term, 0) for one in ledger.balances([destination]))


async def found_after(
    files: MemoryFiles, folder: Path, destinations: Sequence[str] = DESTINATIONS
) -> tuple[list[str], Ledger]:
    """What the next start finds to be delivered, and its ledger."""
    ledger = Ledger()
    buffer = disk_buffer(folder, config=SMALL, files=files, ledger=ledger, destinations=destinations)
    await buffer.open()
    unsettled = open_terms(ledger, destinations)
    lines = [line for bucket in buffer.buckets() for line in await drain(buffer, bucket=bucket)]
    await buffer.close()
    assert unsettled + open_terms(ledger, destinations) == []
    return lines, ledger


async def broken_promises(files: MemoryFiles, folder: Path, torn: float) -> list[str]:
    """Run the story on `files`, then see what a crash at its end makes of it."""
    story = Story()
    await live(two_destinations(folder, files, story), story)
    return await broken_after(files, folder, story, torn)


async def broken_after(files: MemoryFiles, folder: Path, story: Story, torn: float) -> list[str]:
    """Crash and start again: acknowledged lines that are gone or uncounted, delivered ones that came back."""
    found, ledger = await found_after(files.after_crash(torn=torn), folder)
    lost = [line for line in story.acknowledged if line not in [*found, *story.handed]]
    again = [line for line in found if line in story.delivered or found.count(line) > 1]
    missing = 3 * len(story.acknowledged) - total(ledger, "received")
    forgotten = story.dead - total(ledger, "dead", "archive")
    return [*lost, *again, *(f"{count} lines uncounted" for count in (missing, forgotten) if count > 0)]


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

        await live(two_destinations(tmp_path, files, story), story, free)
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
    await live(two_destinations(tmp_path, files, story), story)

    assert story.acknowledged
    found, ledger = await found_after(files.after_crash(), tmp_path)
    assert (found, total(ledger, "received")) == ([], 0)


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
    assert (await found_after(files.after_crash(), tmp_path, ["store"]))[0] == []


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
    assert (await found_after(files.after_crash(), tmp_path, ["store"]))[0] == []
