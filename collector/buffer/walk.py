"""Walks the frames of one segment, front to back, past whatever is broken. Pure but for the `read` it is given.

Recovery walks them to count lines, reading to ship them. Both see a broken stretch as a `Gap` and go on behind it: at
the next place where a whole frame checks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from collector.buffer.frames import HEADER, MAGIC, Header, account, checks, decode_account, parse, payload, source
from collector.ledger import Terms

Read = Callable[[int, int], bytes]
"""(offset in the segment, length) -> bytes, fewer at the end of the file."""

_WINDOW = 1 << 20


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame at `start` in its segment. `member` is empty where it has no lines; `account` is still encoded."""

    start: int
    header: Header
    source: str
    account: bytes
    member: memoryview

    @property
    def terms(self) -> Terms:
        """What the door counted of the bodies that its lines are left of."""
        return decode_account(self.account, self.header.lines)

    @property
    def end(self) -> int:
        """The byte behind it."""
        return self.start + self.header.size


@dataclass(frozen=True, slots=True)
class Gap:
    """Bytes `start` to `end` of a segment hold no frame that checks."""

    start: int
    end: int


class _Window:
    """The part of the segment in memory; moves forward only."""

    def __init__(self, read: Read, end: int, size: int) -> None:
        self._read = read
        self._end = end
        self._size = size
        self._at = 0
        self._data = b""

    def hold(self, at: int, length: int) -> tuple[bytes, int]:
        """Bytes that cover `at` to `at + length` (less at the end), and where in them `at` is."""
        if at < self._at or at + length > self._at + len(self._data):
            self._data = self._read(at, min(max(length, self._size), self._end - at))
            self._at = at
        return self._data, at - self._at


def walk(read: Read, start: int, end: int, *, window: int = _WINDOW) -> Iterator[Frame | Gap]:
    """Frames, every one checked, and gaps from `start` (where a frame begins) to `end`."""
    view = _Window(read, end, window)
    at = start
    while at < end:
        found = _frame(view, at, end)
        if found is None:
            behind = _resync(view, at, end)
            yield Gap(at, behind)
            at = behind
        else:
            yield found
            at = found.end


def _frame(view: _Window, at: int, end: int) -> Frame | None:
    data, inside = view.hold(at, HEADER.size)
    header = parse(data, inside)
    if header is None or at + header.size > end:
        return None
    data, inside = view.hold(at, header.size)
    if not checks(data, inside, header):
        return None
    name, counted = source(data, inside, header), account(data, inside, header)
    return Frame(at, header, name, counted, payload(data, inside, header))


def _resync(view: _Window, broken: int, end: int) -> int:
    """Where the next whole frame begins behind `broken`, or `end`."""
    at = broken + 1
    while at < end:
        data, inside = view.hold(at, min(_WINDOW, end - at))
        found = data.find(MAGIC, inside)
        if found < 0:
            if len(data) - inside <= len(MAGIC):
                return end
            at += len(data) - inside - len(MAGIC) + 1
            continue
        at += found - inside
        if _frame(view, at, end) is not None:
            return at
        at += 1
    return end
