"""Dead letters: lines that were acknowledged and that the store refused for good, each with its reason.

Kept as JSON lines in `state/dead/`, bounded: the oldest file goes (and is counted) when a new one would be too much.
Invariant: `add` returns after the sync, so a cursor moves past a line only when the line is stored or in here.

Concurrency: any number of tasks may `add`; `letters` may be read by another process meanwhile.
"""

from __future__ import annotations

import asyncio
import base64
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson

from collector.metrics import DeadLetterMetrics

_FILES = 8
"""The bound is kept by deleting one file of so many."""
_SUFFIX = ".jsonl"
_KINDS = (
    ("type_conflict", ("type conflict", "already exists as type")),
    ("outside_retention", ("retention policy", "beyond retention", "outside retention")),
    ("too_large", ("too large", "max key length", "maximum string")),
    ("unparsable", ("unable to parse", "bad timestamp", "missing fields", "invalid")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadConfig:
    """How many bytes of dead letters are kept."""

    most_bytes: int = 256 << 20

    def __post_init__(self) -> None:
        """Refuse a bound that cannot hold a line."""
        if self.most_bytes < 1 << 16:
            raise ValueError("most_bytes of the dead letters is at least 65536")


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One line, why `destination` refused it, who sent it and when it was accepted (ns)."""

    line: bytes
    reason: str
    bucket: str
    source: str
    destination: str
    accepted_ns: int


_REFUSED = "refused"


class DeadLetters:
    """The dead letters of one collector, in `folder`."""

    def __init__(self, config: DeadConfig, folder: Path, metrics: DeadLetterMetrics) -> None:
        self._most_bytes = config.most_bytes
        self._folder = folder
        self._metrics = metrics
        self._turn = asyncio.Lock()
        self._file: Path | None = None

    def count_from_zero(self, bucket: str) -> None:
        """Show a bucket without dead letters as zero: a board cannot tell a gap from a fault."""
        self._metrics.lines.labels(bucket, _REFUSED)

    async def add(self, letters: Sequence[DeadLetter]) -> None:
        """Return when the letters are durable. Raises OSError."""
        if not letters:
            return
        async with self._turn:
            await asyncio.to_thread(self._append, b"".join(map(_encode, letters)))
        for letter in letters:
            self._metrics.lines.labels(letter.bucket, reason_kind(letter.reason)).inc()

    def _append(self, content: bytes) -> None:
        path = self._file or self._begin()
        with path.open("ab", buffering=0) as file:
            try:
                file.write(content)
                os.fsync(file.fileno())
            except OSError:
                self._file = None
                raise
            if file.tell() >= self._most_bytes // _FILES:
                self._file = None

    def _begin(self) -> Path:
        """A new file: never one that a crash may have cut in the middle of a line."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        paths = _paths(self._folder)
        total = sum(path.stat().st_size for path in paths)
        while paths and total > self._most_bytes * (_FILES - 1) // _FILES:
            oldest = paths.pop(0)
            size = oldest.stat().st_size
            oldest.unlink()
            total -= size
            self._metrics.evicted.inc(size)
        number = int(paths[-1].stem) + 1 if paths else 1
        self._file = self._folder / f"{number:08d}{_SUFFIX}"
        self._file.touch(exist_ok=False)
        return self._file


def read_letters(folder: Path) -> Iterator[DeadLetter]:
    """All dead letters, oldest first. A line cut short by a crash is passed over."""
    for path in _paths(folder):
        for line in path.read_bytes().splitlines():
            try:
                yield _decode(orjson.loads(line))
            except (orjson.JSONDecodeError, KeyError):
                continue


def reason_kind(reason: str) -> str:
    """The reason as one of a few names, fit for a metric's label: the text itself names fields and values."""
    for kind, signs in _KINDS:
        if any(sign in reason for sign in signs):
            return kind
    return _REFUSED


def _paths(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob(f"*{_SUFFIX}") if path.stem.isdigit())


def _encode(letter: DeadLetter) -> bytes:
    record = {
        "accepted_ns": letter.accepted_ns,
        "bucket": letter.bucket,
        "source": letter.source,
        "destination": letter.destination,
        "reason": letter.reason,
    }
    try:
        return orjson.dumps(record | {"line": letter.line.decode()}) + b"\n"
    except UnicodeDecodeError:
        return orjson.dumps(record | {"line_base64": base64.b64encode(letter.line).decode()}) + b"\n"


def _decode(record: dict[str, str]) -> DeadLetter:
    encoded = record.get("line_base64")
    return DeadLetter(
        line=base64.b64decode(encoded) if encoded is not None else record["line"].encode(),
        reason=record["reason"],
        bucket=record["bucket"],
        source=record["source"],
        destination=record["destination"],
        accepted_ns=int(record["accepted_ns"]),
    )
