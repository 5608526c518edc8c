"""The board files of one folder, read again when they change. A broken file is named, and hides no other."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

_SOURCE = re.compile(r'(?i)\bFROM (?:"([^"]+)"|([^"\s(),;]+))')
_UID = re.compile(r"[A-Za-z0-9_-]{1,40}")


@dataclass(frozen=True, slots=True)
class _Read:
    stamp: tuple[int, int]
    board: dict[str, Any] | None
    problem: str


class Boards:
    """Boards by uid. Not shared between threads; files are small and read on the calling thread."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._reads: dict[Path, _Read] = {}

    def index(self) -> dict[str, Any]:
        """`{"boards": [{uid, title, description, tags, asks, variables}], "problems": [sentence]}`, by title.

        `asks`: the measurements of its queries. `variables`: tag that can be picked -> whether several of it can.
        """
        reads = self._refresh()
        boards = [read.board for read in reads if read.board is not None]
        return {
            "boards": sorted(
                (
                    {
                        "uid": board["uid"],
                        "title": str(board.get("title", board["uid"])),
                        "description": str(board.get("description", "")),
                        "tags": board.get("tags", []),
                        "asks": _asks(board["panels"]),
                        "variables": _picks(board),
                    }
                    for board in boards
                ),
                key=lambda board: board["title"],
            ),
            "problems": [read.problem for read in reads if read.problem],
        }

    def get(self, uid: str) -> dict[str, Any] | None:
        """The board as it stands in its file, or None."""
        found = (read.board for read in self._refresh() if read.board is not None and read.board["uid"] == uid)
        return next(found, None)

    def _refresh(self) -> list[_Read]:
        reads: dict[Path, _Read] = {}
        for path in sorted(self._folder.glob("*.json")):
            try:
                status = path.stat()
            except FileNotFoundError:
                continue
            stamp = (status.st_mtime_ns, status.st_size)
            known = self._reads.get(path)
            reads[path] = known if known and known.stamp == stamp else _read(path, stamp)
        self._reads = reads
        if not reads:
            problem = f"{self._folder}: holds no board (*.json); set console.boards to a folder that does"
            return [_Read((0, 0), None, problem)]
        return list(reads.values())


def _asks(panels: list[dict[str, Any]]) -> list[str]:
    folded = [inner for panel in panels for inner in panel.get("panels") or []]
    queries = [str(one.get("query", "")) for panel in (*panels, *folded) for one in panel.get("targets") or []]
    return sorted({name for text in queries for pair in _SOURCE.findall(text) for name in pair if name})


def _picks(board: dict[str, Any]) -> dict[str, bool]:
    variables = (board.get("templating") or {}).get("list") or []
    return {str(one["name"]): bool(one.get("multi")) for one in variables if one.get("type") == "query"}


def _read(path: Path, stamp: tuple[int, int]) -> _Read:
    try:
        board = orjson.loads(path.read_bytes())
    except (OSError, orjson.JSONDecodeError) as error:
        return _Read(stamp, None, f"{path}: cannot be read as JSON: {error}")
    if not isinstance(board, dict) or not isinstance(board.get("panels"), list):
        return _Read(stamp, None, f'{path}: is not a dashboard in Grafana\'s classic schema: it has no list "panels"')
    if not _UID.fullmatch(str(board.get("uid", ""))):
        return _Read(stamp, None, f'{path}: needs a "uid" of letters, digits, - and _, 40 at most')
    return _Read(stamp, board, "")
