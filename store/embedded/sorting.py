"""A body of lines, sorted by shape. Uniform bodies cost one pass; mixed ones are grouped line by line, without parsing.

Every line goes to exactly one place: into the group of its shape, or to the odd lines, which the fallback reads.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from foundation.line_protocol.split import BLANK, line_end
from store.embedded.shapes import PLAIN_LINES, Shape, skeletons

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    ShapeOf = Callable[[bytes, bytes], Shape | None]

LONG_RUN: Final = 16_384
"""Bytes of equal shape in a row that make it worth going on run by run."""


@dataclass(frozen=True, slots=True)
class Group:
    """Lines of one shape (each with its newline), and where each stood in the body, counted from 0."""

    shape: Shape
    text: bytes
    ordinals: Sequence[int]


@dataclass(slots=True)
class Sorted:
    """A body, sorted. `odd` holds (ordinal, line without newline); `lines` counts what holds data."""

    groups: list[Group] = field(default_factory=list)
    odd: list[tuple[int, bytes]] = field(default_factory=list)


def sort_lines(body: bytes, shape_of: ShapeOf) -> Sorted:
    """Sort the lines of `body`. `shape_of(skeleton, line)` knows or learns shapes, None where it must not."""
    return _Sorter(body, shape_of).sort()


class _Sorter:
    def __init__(self, body: bytes, shape_of: ShapeOf) -> None:
        self._body = body
        self._shape_of = shape_of
        self._sorted = Sorted()

    def sort(self) -> Sorted:
        body, at, ordinal = self._body, 0, 0
        mixed = False
        while at < len(body):
            if mixed:
                end, ordinal = self._take_plain(at, ordinal)
            else:
                end, ordinal = self._take_run(at, ordinal)
                mixed = end - at < LONG_RUN
            if end == at and mixed:
                end = self._take_odd(at, ordinal)
                ordinal += 1
            at = end
        return self._sorted

    def _take_run(self, at: int, ordinal: int) -> tuple[int, int]:
        """Take as many lines from `at` as have the shape of the first; none when it has no shape."""
        first = self._body[at : line_end(self._body, at) + 1]
        if PLAIN_LINES.match(first).end() != len(first):
            return at, ordinal
        shape = self._shape_of(skeletons(first)[0], first)
        end = shape.run.match(self._body, at).end() if shape else at
        if shape is None or end == at:
            return at, ordinal
        count = self._body.count(b"\n", at, end)
        self._sorted.groups.append(Group(shape, self._body[at:end], range(ordinal, ordinal + count)))
        return end, ordinal + count

    def _take_plain(self, at: int, ordinal: int) -> tuple[int, int]:
        """Take all plain lines that follow, whatever their shapes."""
        end = PLAIN_LINES.match(self._body, at).end()
        if end == at:
            return at, ordinal
        lines = self._body[at:end].split(b"\n")
        lines.pop()
        for alike in _by_beginning(lines):
            self._take_alike(alike, lines, ordinal)
        return end, ordinal + len(lines)

    def _take_alike(self, members: list[int], lines: list[bytes], ordinal: int) -> None:
        """Take lines that begin alike: mostly they have one shape; if not, they are told apart by skeleton."""
        text = b"\n".join([lines[index] for index in members]) + b"\n"
        first = lines[members[0]] + b"\n"
        shape = self._shape_of(skeletons(first)[0], first)
        if shape is not None and shape.run.match(text).end() == len(text):
            self._sorted.groups.append(Group(shape, text, [ordinal + index for index in members]))
            return
        for skeleton, places in _by_skeleton(text).items():
            self._take_members(skeleton, [members[place] for place in places], lines, ordinal)

    def _take_members(self, skeleton: bytes, members: list[int], lines: list[bytes], ordinal: int) -> None:
        """Take the lines of one skeleton; those whose values do not fit its types are odd."""
        for start, stop, shape in self._fitting(skeleton, [lines[index] for index in members]):
            chosen = members[start:stop]
            numbers = [ordinal + index for index in chosen]
            if shape is None:
                self._sorted.odd += zip(numbers, [lines[index] for index in chosen], strict=True)
            else:
                text = b"\n".join([lines[index] for index in chosen]) + b"\n"
                self._sorted.groups.append(Group(shape, text, numbers))

    def _fitting(self, skeleton: bytes, lines: list[bytes]) -> Iterator[tuple[int, int, Shape | None]]:
        """Cut `lines` into stretches (start, stop, shape), with None for those that the shape does not take."""
        text = b"\n".join(lines) + b"\n"
        at = done = 0
        while done < len(lines):
            shape = self._shape_of(skeleton, lines[done] + b"\n")
            end = shape.run.match(text, at).end() if shape else at
            count = text.count(b"\n", at, end)
            if count:
                yield done, done + count, shape
            done += count
            at = end
            if done < len(lines):
                yield done, done + 1, None
                at += len(lines[done]) + 1
                done += 1

    def _take_odd(self, at: int, ordinal: int) -> int:
        end = line_end(self._body, at)
        line = self._body[at:end].lstrip(BLANK)
        if line and not line.startswith(b"#"):
            self._sorted.odd.append((ordinal, line))
        return end + 1


def _by_beginning(lines: list[bytes]) -> Iterable[list[int]]:
    """Indices of the plain `lines` by what stands before their first `=`: measurement and first tag, mostly."""
    groups: defaultdict[bytes, list[int]] = defaultdict(list)
    for index, line in enumerate(lines):
        groups[line[: line.find(b"=")]].append(index)
    return groups.values()


def _by_skeleton(text: bytes) -> Mapping[bytes, list[int]]:
    """Indices of the lines of `text` by what is left of them without values."""
    groups: defaultdict[bytes, list[int]] = defaultdict(list)
    for index, skeleton in enumerate(skeletons(text)):
        groups[skeleton].append(index)
    return groups
