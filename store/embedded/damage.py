"""What is said about a file that DuckDB cannot open or read: whose it is, or that it is damaged; and what mends it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from foundation.logs import logger

if TYPE_CHECKING:
    from pathlib import Path

_log = logger("store.embedded")
_SIGNS: Final = ("corrupt", "checksum", "replaying wal", "could not read enough bytes")
_MEND: Final = (
    "stop the collector, move the file and its .wal away, put the last backup in their place with "
    "`tocsin restore --store BACKUP`, and start again"
)


class Damage:
    """Remembers that damage was met while the file was used, which else only whoever asked would hear of."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.problem = ""
        """What was met first, and what mends it; empty while there is none."""

    def note(self, error: Exception) -> None:
        """An error of reading or writing, which may show damage: the first one that does is logged."""
        if self.problem or not _shows_damage(str(error)):
            return
        self.problem = reason_of(self._path, error)
        _log.error("the store's file is damaged; some questions cannot be answered", cause=self.problem)


def reason_of(path: Path, error: Exception) -> str:
    """The first line of an error that came up while the file was used; with what to do where the file is damaged."""
    text = str(error).splitlines()[0] if str(error) else type(error).__name__
    return _damaged(path, text) if _shows_damage(text) else text


def cannot_open(path: Path, error: Exception) -> str:
    """Why the file is not opened, and what to do."""
    text = str(error).splitlines()[0] if str(error) else type(error).__name__
    if _shows_damage(text):
        return _damaged(path, text)
    if "lock" in text.lower():
        return (
            f"{path}: another process has the store open ({text}); one process alone can: let the others read through "
            "its /query (store: {kind: remote, url: ...}), or give this one a state folder of its own"
        )
    return f"{path}: cannot be opened as a DuckDB file ({text}); {_MEND}, or set store.path elsewhere"


def _shows_damage(text: str) -> bool:
    return any(sign in text.lower() for sign in _SIGNS)


def _damaged(path: Path, text: str) -> str:
    return f"{path}: is damaged ({text}); {_MEND}: lines that wait in the buffer are stored then"
