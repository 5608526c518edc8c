"""A cursor on disk: in place, in turn, and never half believed."""

from pathlib import Path

import pytest

from collector.buffer.cursor_file import SLOT_BYTES, CursorRecord, read_cursor, write_cursor
from collector.buffer.files import DiskFiles


def record(turn: int) -> CursorRecord:
    return CursorRecord("embedded", "5f0c", turn * 1000, turn)


def written(path: Path, turns: int) -> bytes:
    """The file after the cursor was written so often."""
    for turn in range(1, turns + 1):
        write_cursor(DiskFiles(), path, record(turn))
    return path.read_bytes()


@pytest.mark.parametrize("turns", [1, 2, 3, 8])
def test_the_newest_record_counts(tmp_path: Path, turns: int):
    """However often it was written, the file has two slots and the last record is read back."""
    content = written(tmp_path / "a.cursor", turns)

    assert len(content) == 2 * SLOT_BYTES
    assert read_cursor(DiskFiles(), tmp_path / "a.cursor") == record(turns)


@pytest.mark.parametrize("kept", range(0, SLOT_BYTES, 64))
def test_a_write_that_was_cut_short_leaves_the_one_before(tmp_path: Path, kept: int):
    """Only the first bytes of the newest slot reached the disk: the position before it holds."""
    path = tmp_path / "a.cursor"
    before = written(path, 4)
    write_cursor(DiskFiles(), path, record(5))
    after = path.read_bytes()
    slot = 5 % 2 * SLOT_BYTES
    path.write_bytes(before[:slot] + after[slot : slot + kept] + before[slot + kept :])

    assert read_cursor(DiskFiles(), path) == record(4)


def test_a_file_of_something_else_is_no_cursor(tmp_path: Path):
    """An empty or foreign file is read as none; the next write makes it whole."""
    path = tmp_path / "a.cursor"
    for content in (b"", b"\x00" * 2 * SLOT_BYTES, b"x" * 99):
        path.write_bytes(content)
        assert read_cursor(DiskFiles(), path) is None

    path.unlink()
    write_cursor(DiskFiles(), path, record(7))
    assert read_cursor(DiskFiles(), path) == record(7)


def test_a_name_that_does_not_fit_is_refused(tmp_path: Path):
    """A destination's name that would overflow its slot is an error, never a cut record."""
    with pytest.raises(ValueError, match="too long"):
        write_cursor(DiskFiles(), tmp_path / "a.cursor", CursorRecord("d" * 600, "5f0c", 1, 1))
