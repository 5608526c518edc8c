"""Where things lie in the buffer's folder, and the small files beside the segments. docs/buffer-format.md tells it.

buffer/lock                      the process that holds the folder
buffer/format.json               {"format": 2}
buffer/logs/BUCKET-HASH/log.json {"name": random, "bucket": its true name}
buffer/logs/BUCKET-HASH/00000000000000000000.seg
buffer/logs/BUCKET-HASH/DESTINATION-HASH.cursor
buffer/logs/BUCKET-HASH/ledger.0, ledger.1
"""

from __future__ import annotations

import hashlib
import re
import secrets
from pathlib import Path

import orjson

from collector.buffer.cursor_file import SUFFIX, CursorRecord, read_cursor
from collector.buffer.files import Files, write_whole
from foundation.errors import ConfigError

FORMAT = 2
_TAKEN_UP = frozenset({1, FORMAT})
"""What an earlier release wrote is read as it is, and gone on with in this format."""
_NOT_PLAIN = re.compile(r"[^a-z0-9_-]+")


def prepare(files: Files, folder: Path) -> None:
    """Make the folder, or check that its format is ours. Raises ConfigError for a format that is not."""
    files.make_folder(folder / "logs")
    files.sync_folder(folder)
    files.sync_folder(folder.parent)
    path = folder / "format.json"
    found = _object(files, path).get("format") if path.name in files.names(folder) else 1
    if found not in _TAKEN_UP:
        raise ConfigError(
            f"{path}: the buffer has format {found}, this version reads up to {FORMAT}; "
            "run the version that wrote it until it is empty, or give this one another `state`"
        )
    if found != FORMAT:
        write_whole(files, path, orjson.dumps({"format": FORMAT}))


def log_folder(folder: Path, bucket: str) -> Path:
    """Where the bucket's log lies: a name that any file system takes, and that no two buckets share."""
    return folder / "logs" / safe_name(bucket)


def safe_name(text: str) -> str:
    """`text` as a file name: readable, and told apart by its hash."""
    plain = _NOT_PLAIN.sub("-", text.lower())[:40].strip("-")
    return f"{plain}-{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:16]}"


def read_log(files: Files, path: Path) -> tuple[str, str] | None:
    """The name and the bucket of the log in the folder; None where its making was cut short."""
    content = _object(files, path / "log.json")
    name, bucket = content.get("name"), content.get("bucket")
    return (name, bucket) if isinstance(name, str) and isinstance(bucket, str) else None


def make_log(files: Files, path: Path, bucket: str) -> str:
    """Make an empty log and return its name: random, so that no position fits another log."""
    name = secrets.token_hex(8)
    files.make_folder(path)
    write_whole(files, path / "log.json", orjson.dumps({"name": name, "bucket": bucket}))
    files.sync_folder(path.parent)
    return name


def cursor_path(path: Path, destination: str) -> Path:
    """The cursor file of a destination in the folder of a log."""
    return path / f"{safe_name(destination)}{SUFFIX}"


def read_cursors(files: Files, path: Path, log: str) -> dict[str, CursorRecord]:
    """Destination -> its cursor, as written down for this log."""
    records = (read_cursor(files, path / name) for name in files.names(path) if name.endswith(SUFFIX))
    return {record.destination: record for record in records if record is not None and record.log == log}


def _object(files: Files, path: Path) -> dict[str, object]:
    try:
        content = orjson.loads(files.read(path, 0, files.size(path)))
    except (FileNotFoundError, orjson.JSONDecodeError):
        return {}
    return content if isinstance(content, dict) else {}
