"""The ledger's checkpoint on disk: in turn, in place, never half believed, and never larger than there is space for."""

import errno
from collections import Counter
from pathlib import Path

import pytest

from collector.buffer.checkpoint import Checkpoint, folded, prepare_checkpoint, read_checkpoint, write_checkpoint
from collector.buffer.disk import DiskConfig
from collector.buffer.files import DiskFiles
from collector.ledger import DELIVERED, OTHERS, RECEIVED, REJECTED, Row
from tests.fakes.buffers import batch, disk_buffer, drain
from tests.fakes.files import MemoryFiles


def rows(count: int) -> dict[str, Row]:
    """Source number n sent n lines, all of them delivered."""
    return {
        f"host:{n}": Row(Counter({(RECEIVED, ""): n, (REJECTED, "syntax"): 0}), {"store": Counter({DELIVERED: n})})
        for n in range(1, count + 1)
    }


def checkpoint(turn: int, count: int = 3) -> Checkpoint:
    return Checkpoint("5f0c", turn, 100 * turn, {"store": 90 * turn}, rows(count))


def prepared(folder: Path) -> MemoryFiles:
    files = MemoryFiles()
    files.make_folder(folder)
    files.sync_folder(folder.parent)
    prepare_checkpoint(files, folder, "5f0c")
    return files


def received(found: Checkpoint | None) -> int:
    assert found is not None
    return sum(row.shared[RECEIVED, ""] for row in found.rows.values())


def test_nothing_is_read_before_something_was_written(tmp_path: Path):
    """A log begins without a checkpoint, and one of another log is none."""
    prepare_checkpoint(DiskFiles(), tmp_path, "5f0c")
    assert read_checkpoint(DiskFiles(), tmp_path, "5f0c") is None

    write_checkpoint(DiskFiles(), tmp_path, checkpoint(1))
    assert read_checkpoint(DiskFiles(), tmp_path, "another") is None


@pytest.mark.parametrize("turns", [1, 2, 3, 8])
def test_the_newest_counts(tmp_path: Path, turns: int):
    """However often it was written there are two files, and the last state is read back as it was."""
    prepare_checkpoint(DiskFiles(), tmp_path, "5f0c")
    for turn in range(1, turns + 1):
        write_checkpoint(DiskFiles(), tmp_path, checkpoint(turn, count=turn))

    assert len(list(tmp_path.iterdir())) == 2
    assert read_checkpoint(DiskFiles(), tmp_path, "5f0c") == checkpoint(turns, count=turns)


def test_one_that_was_cut_short_leaves_the_one_before(tmp_path: Path):
    """Half of the newest reached the disk: the state before it holds."""
    prepare_checkpoint(DiskFiles(), tmp_path, "5f0c")
    for turn in (1, 2, 3):
        write_checkpoint(DiskFiles(), tmp_path, checkpoint(turn))
    path = tmp_path / "ledger.1"
    path.write_bytes(path.read_bytes()[:2048] + bytes(2048))

    assert read_checkpoint(DiskFiles(), tmp_path, "5f0c") == checkpoint(2)


def test_it_grows_while_there_is_space(tmp_path: Path):
    """What does not fit the file is written anew, whole, with every row."""
    files = prepared(tmp_path)
    write_checkpoint(files, tmp_path, checkpoint(1, count=1000))

    assert read_checkpoint(files.after_crash(), tmp_path, "5f0c") == checkpoint(1, count=1000)


def test_on_a_full_disk_sources_share_a_row(tmp_path: Path):
    """Without space to grow no line is forgotten: the sources that sent most keep their rows, the others share one."""
    files = prepared(tmp_path)
    files.fill(errno.ENOSPC)
    write_checkpoint(files, tmp_path, checkpoint(1, count=1000))

    found = read_checkpoint(files.after_crash(), tmp_path, "5f0c")
    assert found is not None
    assert received(found) == sum(range(1, 1001))
    assert 1 < len(found.rows) < 1000
    assert {OTHERS, "host:1000"} < found.rows.keys()


def test_folding_keeps_every_term():
    """Terms of the sources put together are added up, for all and for each destination."""
    few = folded(rows(4), kept=1)

    assert few.keys() == {"host:4", OTHERS}
    assert few[OTHERS].shared[RECEIVED, ""] == 1 + 2 + 3
    assert few[OTHERS].of["store"][DELIVERED] == 1 + 2 + 3


async def test_delivery_makes_room_where_not_even_a_checkpoint_fits(tmp_path: Path):
    """A buffer without checkpoint files on a full disk still gives back what is delivered."""
    files = MemoryFiles()
    buffer = disk_buffer(tmp_path, config=DiskConfig(segment_bytes=1), files=files)
    await buffer.open()
    for number in range(3):
        await buffer.append(batch(f"m f={number} {number}"))
    [folder] = [path for path in files.folders if path.parent.name == "logs"]
    for name in ("ledger.0", "ledger.1"):
        files.remove(folder / name)
    files.fill(errno.ENOSPC)

    assert len(await drain(buffer)) == 3
    assert len([name for name in files.names(folder) if name.endswith(".seg")]) == 1
    files.fill(0)
    await buffer.close()
