"""The dead letters of a folder, as whoever has no collector to ask reads them."""

from pathlib import Path

from collector.dead import file
from collector.dead.letter import DeadLetter, Wanted


def letters_in(folder: Path) -> list[DeadLetter]:
    """All, oldest first."""
    with file.open_to_read(folder) as db:
        return [kept.letter for kept in file.select(db, Wanted())] if db is not None else []
