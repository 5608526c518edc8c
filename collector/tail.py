"""The live tail: what followers see of lines that were just acknowledged, and of those that were refused.

The door hands whole bodies in and never waits: a follower is a bounded queue of references. Looking for the lines that
a follower wants is done in slices of bounded work, when whoever serves it asks for one. What does not fit into its
queue is skipped for that follower alone, counted, and told at its place in the stream.

Pure: no task, no clock, no I/O; `intake.tail` serves it. Not thread-safe: the door and the followers share one loop.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from collector.verdict import Cause, Rejection
from foundation.batch import Batch
from foundation.errors import Transient
from foundation.line_protocol.line import LineError
from foundation.line_protocol.parse import parse_line
from foundation.line_protocol.split import line_end

SLOW, TOO_LONG = "slow", "too_long"
"""Why a line is skipped: its follower's queue was full; or it is longer than any line that is shown."""
LONGEST_SHOWN = 1 << 20
_BESIDE_BYTES = 512
"""What an entry of a queue takes beside its lines, about."""
_SLICE_LINES = 100
_SLICE_CLOSE = 20
"""Lines looked at one by one in a slice, and closely: less than half a millisecond."""
_SLICE_BYTES = 1 << 20
"""Bytes searched in a slice."""
_SHOWN_BYTES = 64 << 10
"""Bytes of found lines behind which a slice ends."""
_PLAIN = re.compile(rb'[^\\,= "\n]+')
"""Bytes of a name that are written as they are, however a sender escapes the others."""


class TooManyFollowers(Transient):
    """As many follow as the configuration allows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TailConfig:
    """How many may follow the live tail at once, and how many bytes wait for each before lines are skipped for it."""

    followers: int = 16
    queue_bytes: int = 8 << 20

    def __post_init__(self) -> None:
        """Refuse a queue that holds nothing. No follower at all is a choice."""
        if self.followers < 0:
            raise ValueError("followers is 0 or more")
        if self.queue_bytes < 1 << 16:
            raise ValueError("queue_bytes is at least 65536")


@dataclass(frozen=True, slots=True, kw_only=True)
class Interest:
    """Which lines a follower wants: those that fit everything given. `covers` says which buckets it may see."""

    bucket: str = ""
    source: str = ""
    measurement: str = ""
    tags: tuple[tuple[str, str], ...] = ()
    field: str = ""
    rejected: bool = False
    covers: Callable[[str], bool] = lambda _bucket: True

    def reaches(self, bucket: str, source: str) -> bool:
        """Whether lines from there are wanted at all."""
        return self.bucket in ("", bucket) and self.source in ("", source) and self.covers(bucket)


@dataclass(frozen=True, slots=True)
class Slice:
    """What a follower is shown at once: lines of one body that were taken or refused, or that it has to do without.

    `skipped` lines were not looked at, so how many of them it would have wanted is not known.
    """

    bucket: str = ""
    source: str = ""
    lines: Sequence[bytes] = ()
    rejected: Sequence[Rejection] = ()
    skipped: int = 0

    @property
    def empty(self) -> bool:
        """Whether work was done that found nothing to show."""
        return not (self.lines or self.rejected or self.skipped)


class Sieve:
    """Tells the lines of an interest: by bytes alone where those leave no doubt, else by what the line says.

    Without a backslash in it the names of a line stand there as they are, its first blank ends its tags, and where no
    quote is either, nothing in its fields looks like what it is not.
    """

    def __init__(self, interest: Interest) -> None:
        self._interest = interest
        name, key = interest.measurement.encode(), interest.field.encode()
        tags = [b",%b=%b" % (tag.encode(), value.encode()) for tag, value in interest.tags]
        names = [name for pair in interest.tags for name in pair]
        self._plain = all(
            _PLAIN.fullmatch(one.encode()) for one in (*names, interest.measurement, interest.field) if one
        )
        self._head = name if name and _PLAIN.fullmatch(name) else b""
        self._tags = [tag + b"," for tag in tags]
        self._field = b",%b=" % key if key else b""
        self.looks_closely = bool(tags or key or (name and not self._head))
        if self._plain:
            words = [*tags, *([key + b"="] if key else ())]
        else:
            words = [_longest(one.encode()) for one in (*names, interest.measurement, interest.field)]
        self._words = sorted((word for word in words if word), key=len, reverse=True)
        self._rare = self._words[0] if self._words else b"\n" + self._head if self._head else b""

    def wants(self, line: bytes) -> bool:
        """Whether a line as it is stored is wanted."""
        size = len(self._head)
        if size and not (line.startswith(self._head) and line[size : size + 1] in b", "):
            return False
        if not self.looks_closely:
            return True
        if not all(word in line for word in self._words):
            return False
        if self._plain and b"\\" not in line and not (self._field and b'"' in line):
            head, _, rest = line.partition(b" ")
            return all(tag in head + b"," for tag in self._tags) and self._field in b"," + rest
        return self._says(line)

    def wants_rejected(self, rejection: Rejection) -> bool:
        """Whether a refused line is wanted: it cannot always be read, so it is enough that the words stand in it."""
        if rejection.objection.cause is Cause.FIELD_STRIPPED:
            return False
        return self._head in rejection.line and all(word.strip(b",=") in rejection.line for word in self._words)

    def seek(self, body: bytes, at: int, end: int) -> int:
        """Where the next line that may be wanted begins, from the line at `at` on; -1 for none before `end`.

        For bodies in which no line spans rows.
        """
        if not self._rare or body.startswith(self._rare.lstrip(b"\n"), at):
            return at
        found = body.find(self._rare, at, end)
        if found < 0 or self._rare.startswith(b"\n"):
            return found + 1 or -1
        return max(body.rfind(b"\n", at, found) + 1, at)

    def _says(self, line: bytes) -> bool:
        interest = self._interest
        try:
            said = parse_line(line)
        except LineError:
            return False
        return (
            interest.measurement in ("", said.measurement)
            and set(interest.tags) <= set(said.tags)
            and (not interest.field or any(key == interest.field for key, _ in said.fields))
        )


@dataclass(slots=True)
class _Waiting:
    """An entry of a queue: a body that was taken, or lines of one that were refused, or a gap; looked at up to `at`."""

    bucket: str = ""
    source: str = ""
    body: bytes = b""
    rejected: Sequence[Rejection] = ()
    lines: int = 0
    skipped: int = 0
    at: int = 0
    size_bytes: int = 0
    one_row_each: bool = False


class Follower:
    """One follower's queue. `wake` is called when something waits, `count_skipped(reason, lines)` at each loss."""

    def __init__(
        self, interest: Interest, queue_bytes: int, wake: Callable[[], None], count_skipped: Callable[[str, int], None]
    ) -> None:
        self.interest = interest
        self._sieve = Sieve(interest)
        self._queue_bytes = queue_bytes
        self._wake = wake
        self._count_skipped = count_skipped
        self._waiting: deque[_Waiting] = deque()
        self._waiting_bytes = 0

    @property
    def waits(self) -> bool:
        """Whether there is something to look at."""
        return bool(self._waiting)

    def offer(self, batch: Batch) -> None:
        """Queue a body that was made durable. Never waits."""
        if self.interest.reaches(batch.bucket, batch.source):
            entry = _Waiting(batch.bucket, batch.source, batch.body, lines=batch.lines)
            self._queue(entry, len(batch.body))

    def offer_rejected(self, bucket: str, source: str, rejected: Sequence[Rejection]) -> None:
        """Queue lines that were refused. Never waits."""
        if self.interest.rejected and self.interest.reaches(bucket, source):
            size_bytes = sum(len(one.line) + _BESIDE_BYTES for one in rejected)
            self._queue(_Waiting(bucket, source, rejected=rejected, lines=len(rejected)), size_bytes)

    def next_slice(self) -> Slice | None:
        """Look at some of what waits; None when nothing does."""
        if not self._waiting:
            return None
        entry = self._waiting[0]
        if entry.body:
            done, found = self._search(entry)
        elif entry.rejected:
            done, found = self._select(entry)
        else:
            done, found = True, Slice(skipped=entry.skipped)
        if done:
            self._waiting_bytes -= entry.size_bytes
            self._waiting.popleft()
        return found

    def _queue(self, entry: _Waiting, size_bytes: int) -> None:
        entry.size_bytes = size_bytes + _BESIDE_BYTES
        if self._waiting_bytes + entry.size_bytes > self._queue_bytes:
            self._skip(entry.lines)
            return
        self._waiting.append(entry)
        self._waiting_bytes += entry.size_bytes
        self._wake()

    def _skip(self, lines: int) -> None:
        """Lose lines, and remember where: losses in a row are one gap."""
        self._count_skipped(SLOW, lines)
        if not self._waiting or not self._waiting[-1].skipped:
            self._waiting.append(_Waiting())
        self._waiting[-1].skipped += lines
        self._wake()

    def _search(self, entry: _Waiting) -> tuple[bool, Slice]:
        body, lines, shown_bytes, too_long = entry.body, list[bytes](), 0, 0
        if not entry.at:
            entry.one_row_each = body.count(b"\n") == entry.lines
        end = entry.at + _SLICE_BYTES
        for _ in range(_SLICE_CLOSE if self._sieve.looks_closely else _SLICE_LINES):
            if entry.at >= min(end, len(body)) or shown_bytes >= _SHOWN_BYTES:
                break
            start = self._sieve.seek(body, entry.at, end) if entry.one_row_each else entry.at
            if start < 0:
                entry.at = _row_behind(body, entry.at, end)
                break
            stop = body.index(b"\n", start) if entry.one_row_each else line_end(body, start)
            entry.at = stop + 1
            line = body[start:stop]
            if not self._sieve.wants(line):
                continue
            if len(line) > LONGEST_SHOWN:
                too_long += 1
            else:
                lines.append(line)
                shown_bytes += len(line)
        if too_long:
            self._count_skipped(TOO_LONG, too_long)
        return entry.at >= len(body), Slice(entry.bucket, entry.source, lines, skipped=too_long)

    def _select(self, entry: _Waiting) -> tuple[bool, Slice]:
        some = entry.rejected[entry.at : entry.at + _SLICE_LINES]
        entry.at += len(some)
        wanted = [one for one in some if self._sieve.wants_rejected(one)]
        return entry.at >= len(entry.rejected), Slice(entry.bucket, entry.source, rejected=wanted)


class Tail:
    """All followers. While there are none, a door has one list to look at."""

    def __init__(self, config: TailConfig, count_skipped: Callable[[str, int], None]) -> None:
        self._config = config
        self._count_skipped = count_skipped
        self.followers: list[Follower] = []

    def adopt(self, config: TailConfig) -> None:
        """Bound by `config` whoever comes from now on."""
        self._config = config

    def follow(self, interest: Interest, wake: Callable[[], None]) -> Follower:
        """One more follower, who has to `leave`. Raises TooManyFollowers."""
        most = self._config.followers
        if len(self.followers) >= most:
            raise TooManyFollowers(f"{most} follow already, which is the most (collector.tail.followers)")
        follower = Follower(interest, self._config.queue_bytes, wake, self._count_skipped)
        self.followers.append(follower)
        return follower

    def leave(self, follower: Follower) -> None:
        """Forget a follower and what waits for it."""
        self.followers.remove(follower)

    def pass_on(self, batch: Batch) -> None:
        """Offer a body that was made durable to everyone."""
        for follower in self.followers:
            follower.offer(batch)

    def pass_on_rejected(self, bucket: str, source: str, rejected: Sequence[Rejection]) -> None:
        """Offer refused lines to everyone."""
        for follower in self.followers:
            follower.offer_rejected(bucket, source, rejected)


def _row_behind(body: bytes, at: int, end: int) -> int:
    """Where to go on when nothing was found from the row at `at` up to `end`: at the row that reaches over `end`."""
    if end >= len(body):
        return len(body)
    return (body.rfind(b"\n", at, end) + 1) or (body.index(b"\n", end) + 1)


def _longest(name: bytes) -> bytes:
    """The longest part of a name that stands in a line as it is."""
    return max(_PLAIN.findall(name), key=len, default=b"")
