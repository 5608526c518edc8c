"""The ledger beside the log: what the door counted is durable with the lines, and moves with cursors."""

import asyncio
import errno
import json
from datetime import timedelta
from pathlib import Path

import pytest
from isal import igzip_lib, isal_zlib

from collector.buffer.contract import Backlog, BufferFull
from collector.buffer.disk import DiskBuffer, DiskConfig
from collector.buffer.frames import HEADER
from collector.ledger import (
    BUFFERED,
    CARRIED,
    DEAD,
    DELIVERED,
    LOST,
    MOST_SOURCES,
    OTHERS,
    RECEIVED,
    Account,
    Brought,
    Ledger,
)
from foundation.batch import Position
from tests.fakes.buffers import batch, disk_buffer, drain
from tests.fakes.clock import ManualClock
from tests.fakes.files import MemoryFiles
from tests.fakes.polling import until

REFUSED = Account(2, {"syntax": 2})


async def opened(folder: Path, **options: object) -> tuple[DiskBuffer, Ledger]:
    """A buffer and its ledger."""
    ledger = Ledger()
    buffer = disk_buffer(folder, ledger=ledger, **options)  # type: ignore[arg-type]  # options are disk_buffer's own
    await buffer.open()
    return buffer, ledger


def terms(ledger: Ledger, bucket: str = "telemetry") -> dict[str, int]:
    """The terms that are not zero; they close."""
    balance = ledger.balance(bucket, "store")
    assert balance.closes, balance
    return {name: lines for name, lines in balance.whole.terms.items() if lines}


def found(folder: Path, pattern: str) -> list[Path]:
    """Files of the buffer, sorted."""
    return sorted(folder.rglob(pattern))


async def test_an_account_is_there_again_with_its_lines(tmp_path: Path):
    """Reasons and policies of every source are known to the next process, as the door counted them."""
    buffer, before = await opened(tmp_path)
    await buffer.append(batch("m f=1 1", source="a"), Account(4, {"syntax": 2}, {"drop": 1}))
    await buffer.append(batch("m f=2 2", source="b"))
    await buffer.close()

    again, after = await opened(tmp_path)
    assert after.balance("telemetry", "store") == before.balance("telemetry", "store")
    assert after.balance("telemetry", "store").sources["a"].rejected == {"syntax": 2}
    assert after.balance("telemetry", "store").sources["a"].taken_out == {"drop": 1}
    assert terms(after) == {RECEIVED: 5, BUFFERED: 2}
    await again.close()


async def test_a_note_is_durable_soon_without_any_batch(tmp_path: Path):
    """A body of which nothing is left needs no other to be written; nothing waits for delivery because of it."""
    files = MemoryFiles()
    buffer, ledger = await opened(tmp_path, files=files)
    buffer.note("telemetry", "s", REFUSED)
    assert terms(ledger) == {RECEIVED: 2}
    await until(lambda: not ledger.noted and "telemetry" in buffer.buckets(), seconds=30)
    assert buffer.backlog("store") == Backlog()
    survived = files.after_crash()
    await buffer.close()

    again, after = await opened(tmp_path, files=survived)
    assert terms(after) == {RECEIVED: 2}
    assert after.balance("telemetry", "store").sources["s"].rejected == {"syntax": 2}
    assert await again.read("store", "telemetry", most_bytes=1) is None
    await again.close()


async def test_a_note_goes_with_the_next_group(tmp_path: Path):
    """When a batch is acknowledged, what was noted before it is durable, and is read past on the way out."""
    files = MemoryFiles()
    buffer, _ = await opened(tmp_path, files=files)
    buffer.note("telemetry", "s", REFUSED)
    await buffer.append(batch("m f=1 1"))
    survived = files.after_crash()
    await buffer.close()

    survivor, after = await opened(tmp_path, files=survived)
    assert terms(after) == {RECEIVED: 3, BUFFERED: 1}
    assert await drain(survivor) == ["m f=1 1"]
    assert terms(after) == {RECEIVED: 3, DELIVERED: 1}
    assert survivor.backlog("store") == Backlog()
    await survivor.close()


async def test_notes_on_their_way_do_not_age_as_lines_do(tmp_path: Path, clock: ManualClock):
    """Frames without a line behind the last one leave the backlog empty, whatever is delivered around them."""
    buffer, ledger = await opened(tmp_path, clock=clock)
    await buffer.append(batch("m f=1 1"))
    parcel = await buffer.read("store", "telemetry", most_bytes=1)
    assert parcel is not None
    buffer.note("telemetry", "s", REFUSED)
    await until(lambda: "s" in ledger.rows("telemetry") and bool(ledger.rows("telemetry")["s"].shared), seconds=30)

    await buffer.commit("store", parcel.behind)
    assert buffer.backlog("store") == Backlog()
    clock.advance(timedelta(seconds=5))
    await buffer.append(batch("m f=2 2"))
    assert buffer.backlog("store").oldest_ns == clock.now_ns()
    assert await drain(buffer) == ["m f=2 2"]
    await buffer.close()


async def test_notes_are_kept_while_the_disk_is_full(tmp_path: Path):
    """What is refused because nothing can be written is durable all the same, in space that was there before."""
    files = MemoryFiles()
    buffer, ledger = await opened(tmp_path, files=files)
    await buffer.append(batch("m f=1 1"))
    files.fill(errno.ENOSPC)
    with pytest.raises(BufferFull):
        await buffer.append(batch("m f=2 2"))
    buffer.note("telemetry", "s", Account(1, {"unavailable": 1}))
    await until(lambda: "s" in ledger.rows("telemetry") and bool(ledger.rows("telemetry")["s"].shared), seconds=30)
    survived = files.after_crash()
    await buffer.close()

    survivor, after = await opened(tmp_path, files=survived)
    assert terms(after) == {RECEIVED: 2, BUFFERED: 1}
    assert after.balance("telemetry", "store").whole.rejected == {"unavailable": 1}
    await survivor.close()


async def test_dead_lines_are_known_after_their_segment_is_gone(tmp_path: Path):
    """What delivery says of a parcel holds over a restart, by source, and is counted once."""
    buffer, _ = await opened(tmp_path, config=DiskConfig(segment_bytes=1))
    for number in range(3):
        await buffer.append(batch(f"m f={number} {number}", f"m f={number} 1{number}", source=f"s{number}"))
        parcel = await buffer.read("store", "telemetry", most_bytes=1)
        assert parcel is not None
        await buffer.commit("store", parcel.behind, Brought({f"s{number}": 1}, {f"s{number}": 1}))
    await buffer.close()

    again, after = await opened(tmp_path)
    assert terms(after) == {RECEIVED: 6, DELIVERED: 3, DEAD: 3}
    assert after.balance("telemetry", "store").sources["s1"].terms[DEAD] == 1
    await again.close()


async def test_lines_that_a_destination_wants_again_are_buffered_again(tmp_path: Path):
    """A store that was restored lacks lines it had: they leave delivered, and come back when they are brought again."""
    buffer, ledger = await opened(tmp_path)
    await buffer.append(batch("m f=1 1", "m f=2 2"))
    await drain(buffer)
    assert terms(ledger) == {RECEIVED: 2, DELIVERED: 2}

    await buffer.seek("store", Position(buffer.log("telemetry"), "telemetry", 0))
    assert terms(ledger) == {RECEIVED: 2, BUFFERED: 2}
    await buffer.close()

    again, after = await opened(tmp_path)
    assert terms(after) == {RECEIVED: 2, BUFFERED: 2}
    assert len(await drain(again)) == 2
    assert terms(after) == {RECEIVED: 2, DELIVERED: 2}
    await again.close()


async def test_lines_that_broke_while_they_waited_are_lost(tmp_path: Path):
    """A frame that is spoilt under the running buffer is counted with its source, and stays so after a restart."""
    buffer, ledger = await opened(tmp_path, config=DiskConfig(segment_bytes=1))
    for number in range(3):
        await buffer.append(batch(f"m f={number} {number}", source=f"s{number}"))
    path = found(tmp_path, "*.seg")[1]
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)

    assert await drain(buffer) == ["m f=0 0", "m f=2 2"]
    assert terms(ledger) == {RECEIVED: 3, DELIVERED: 2, LOST: 1}
    assert ledger.balance("telemetry", "store").sources["s1"].terms[LOST] == 1
    await buffer.close()

    again, after = await opened(tmp_path)
    assert terms(after) == {RECEIVED: 3, DELIVERED: 2, LOST: 1}
    await again.close()


async def test_a_buffer_of_format_1_is_taken_up(tmp_path: Path):
    """Lines of a release without accounts are carried over: they are delivered, and the ledger closes from there on."""
    buffer, _ = await opened(tmp_path)
    await buffer.append(batch("m f=1 1"))
    await buffer.close()
    for path in (*found(tmp_path, "*.seg"), *found(tmp_path, "ledger.*")):
        path.unlink()
    [segment] = [path.with_name(f"{0:020d}.seg") for path in found(tmp_path, "log.json")]
    segment.write_bytes(frame_of_version_1(b"m f=1 1\n", "old") + frame_of_version_1(b"m f=2 2\n", "old"))
    (tmp_path / "format.json").write_text(json.dumps({"format": 1}))

    again, after = await opened(tmp_path)
    assert json.loads((tmp_path / "format.json").read_text()) == {"format": 2}
    assert terms(after) == {CARRIED: 2, BUFFERED: 2}
    assert await drain(again) == ["m f=1 1", "m f=2 2"]
    await again.append(batch("m f=3 3"))
    await again.close()

    last, afterwards = await opened(tmp_path)
    assert terms(afterwards) == {CARRIED: 2, RECEIVED: 1, DELIVERED: 2, BUFFERED: 1}
    await last.close()


def frame_of_version_1(body: bytes, source: str) -> bytes:
    """As docs/buffer-format.md described it: no account, zero where its length is now."""
    payload = igzip_lib.compress(body, 1, igzip_lib.COMP_GZIP)
    fields = HEADER.pack(b"TcF\x01", 0, len(payload), len(body), body.count(b"\n"), 5, len(source), 0)[8:]
    behind = fields + source.encode() + payload
    return b"TcF\x01" + isal_zlib.crc32(behind).to_bytes(4, "little") + behind


async def test_sources_without_end_are_bounded_in_memory_and_on_disk(tmp_path: Path):
    """Beyond the rows there are, lines still close, and what is written down does not grow."""
    buffer, ledger = await opened(tmp_path, config=DiskConfig(segment_bytes=1))
    await asyncio.gather(*(buffer.append(batch(f"m f=1 {n}", source=f"s{n}")) for n in range(MOST_SOURCES + 200)))
    await drain(buffer)
    await buffer.append(batch("m f=1 1"))
    await drain(buffer)
    assert len(ledger.rows("telemetry")) == MOST_SOURCES + 1
    await buffer.close()

    again, after = await opened(tmp_path)
    assert terms(after) == {RECEIVED: MOST_SOURCES + 201, DELIVERED: MOST_SOURCES + 201}
    assert after.balance("telemetry", "store") == ledger.balance("telemetry", "store")
    assert after.rows("telemetry")[OTHERS].shared[RECEIVED, ""] == 201
    await again.close()
