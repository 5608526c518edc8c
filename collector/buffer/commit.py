"""What the commit thread does with a group: put small batches together, compress, write, sync. One thread, no loop.

Every bucket of a group has its own outcome: a full or failing log never fails the batches of another.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from collector.buffer.checkpoint import NO_SPACE
from collector.buffer.contract import BufferFailed, BufferFull
from collector.buffer.files import Files
from collector.buffer.frames import pack
from collector.buffer.grouping import Bundle, Group, bundle
from collector.buffer.layout import log_folder, make_log
from collector.buffer.log import Appended, BucketLog
from collector.buffer.recovery import Recovered, recover
from collector.buffer.writer import LogWriter
from collector.ledger import Terms
from foundation.errors import Transient

RETRY_AFTER_S = 2.0
"""What a client is told when nothing can be taken: long enough to matter, short enough that no device gives up."""


@dataclass(frozen=True, slots=True)
class Counted:
    """One frame for the ledger: who sent its lines, how many, and what the door counted of their bodies."""

    source: str
    lines: int
    terms: Terms


@dataclass(frozen=True, slots=True)
class Written:
    """What was made durable for one bucket, and the log if it had to be made first.

    `counted` are the frames that hold lines; those of notes the ledger knows itself.
    """

    appended: Appended
    counted: Sequence[Counted]
    made: Recovered | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """Why nothing was taken for one bucket: the error for its callers and the reason to count."""

    error: Transient
    reason: str
    made: Recovered | None = None


Outcome = Written | Failed


class GroupWriter:
    """Owns the writers of all logs. Everything but the constructor runs on the commit thread."""

    def __init__(self, files: Files, folder: Path, segment_bytes: int, destinations: Sequence[str]) -> None:
        self._files = files
        self._folder = folder
        self._segment_bytes = segment_bytes
        self._destinations = destinations
        self._writers: dict[str, LogWriter] = {}

    def adopt(self, log: BucketLog) -> None:
        """Write behind the end of a recovered log from now on."""
        self._writers[log.bucket] = LogWriter(self._files, log.folder, log.end, self._segment_bytes)

    def write(self, group: Group, now_ns: int, room_bytes: int) -> Mapping[str, Outcome]:
        """Make the group durable, accepted at `now_ns`, in at most `room_bytes`; the outcome for each bucket."""
        bundles: dict[str, list[Bundle]] = {bucket: [] for bucket in group.notes}
        for some in bundle(group.entries):
            bundles.setdefault(some.bucket, []).append(some)
        outcomes: dict[str, Outcome] = {}
        for bucket, wanted in bundles.items():
            frames = [pack(b"", 0, source, now_ns, terms) for source, terms in group.notes.get(bucket, {}).items()]
            frames += [pack(b"".join(some.bodies), some.lines, some.source, now_ns, some.terms()) for some in wanted]
            outcome = self._write_bucket(bucket, wanted, frames, now_ns, room_bytes)
            if isinstance(outcome, Written):
                room_bytes -= outcome.appended.added_bytes
            outcomes[bucket] = outcome
        return outcomes

    def seal(self, buckets: Iterable[str], end: int | None = None) -> None:
        """Let the next append to these logs begin a new segment, at `end` if that is further on."""
        for bucket in buckets:
            self._writers[bucket].seal(end)

    def close(self) -> None:
        """Close all files."""
        self.seal(self._writers)

    def _write_bucket(
        self, bucket: str, wanted: Sequence[Bundle], frames: Sequence[bytes], now_ns: int, room_bytes: int
    ) -> Outcome:
        made: Recovered | None = None
        if sum(map(len, frames)) > room_bytes:
            full = BufferFull("the buffer's quota is used up; the store is behind", retry_after_s=RETRY_AFTER_S)
            return Failed(full, "quota")
        try:
            if bucket not in self._writers:
                made = self._make(bucket)
            writer = self._writers[bucket]
            added = writer.append(frames)
        except OSError as error:
            return _failed(error, made)
        lines = sum(some.lines for some in wanted)
        counted = [Counted(some.source, some.lines, some.terms()) for some in wanted]
        return Written(Appended(writer.base, writer.size_bytes, added, lines, now_ns), counted, made)

    def _make(self, bucket: str) -> Recovered:
        """A new log. Segments that lie there without a name (its file was lost) are taken over, not overwritten."""
        folder = log_folder(self._folder, bucket)
        name = make_log(self._files, folder, bucket)
        recovered = recover(self._files, folder, name, bucket, self._destinations)
        self.adopt(recovered.log)
        return recovered


def _failed(error: OSError, made: Recovered | None) -> Failed:
    if error.errno in NO_SPACE:
        full = BufferFull("no space left on the buffer's disk", retry_after_s=RETRY_AFTER_S)
        return Failed(full, "no_space", made)
    broken = BufferFailed(f"the buffer's disk failed: {error.strerror or error}", retry_after_s=RETRY_AFTER_S)
    return Failed(broken, "io_error", made)
