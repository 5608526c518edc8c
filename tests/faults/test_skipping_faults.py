"""The disk stops at every operation while an optional destination skips ahead: the ledger closes for both."""

from pathlib import Path

import pytest

from collector.buffer.contract import BufferFailed, BufferFull
from collector.buffer.disk import DiskBuffer, DiskConfig
from collector.ledger import Ledger
from foundation.errors import ConfigError
from tests.fakes.buffers import batch, disk_buffer, drain
from tests.fakes.files import MemoryFiles

TWO = ("store", "archive")
SMALL = DiskConfig(quota_bytes=800)
TURNS = 14
MOST_OPERATIONS = 800


def open_two(folder: Path, files: MemoryFiles, ledger: Ledger) -> DiskBuffer:
    return disk_buffer(folder, config=SMALL, files=files, ledger=ledger, destinations=TWO, optional=["archive"])


def closes(ledger: Ledger) -> bool:
    return all(one.closes for one in ledger.balances(TWO))


def total(ledger: Ledger, term: str, destination: str) -> int:
    return sum(one.whole.terms.get(term, 0) for one in ledger.balances([destination]))


async def live(buffer: DiskBuffer, ledger: Ledger) -> list[str]:
    """The store keeps up, nobody reads for the archive; what was acknowledged."""
    acknowledged: list[str] = []
    try:
        await buffer.open()
    except ConfigError:
        return acknowledged
    for number in range(TURNS):
        line = f"m f={number} {number}"
        try:
            await buffer.append(batch(line, source=f"s{number % 2}"))
            acknowledged.append(line)
            await drain(buffer)
        except (BufferFailed, BufferFull):
            pass
        assert closes(ledger)
    await buffer.close()
    return acknowledged


@pytest.mark.parametrize("torn", [0.0, 0.6])
async def test_a_crash_while_lines_are_skipped_counts_each_once(tmp_path: Path, torn: float):
    """Whatever was acknowledged is skipped, or still there for the archive, and it is known which."""
    skipped: set[int] = set()
    for stop_at in range(1, MOST_OPERATIONS):
        files, before, after = MemoryFiles(stop_at=stop_at), Ledger(), Ledger()
        acknowledged = await live(open_two(tmp_path, files, before), before)
        again = open_two(tmp_path, files.after_crash(torn=torn), after)
        await again.open()
        assert closes(after), f"operation {stop_at}: {files.kinds[-1]}"
        missed = total(after, "skipped", "archive")
        kept = await drain(again, "archive")
        assert closes(after)
        assert set(acknowledged[missed:]) <= set(kept), f"operation {stop_at}: {files.kinds[-1]}"
        skipped.add(missed)
        await again.close()
        if not files.struck:
            break
    else:
        pytest.fail("the story has more operations than were tried")
    assert len(skipped) > 2
