"""A body of lines, sorted by measurement and shape: as columns of bytes, without an object per line.

Every line goes to exactly one place: into a group, or to the odd lines, which the fallback reads.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa

from store.embedded.cutting import Cut, cut_body
from store.embedded.shapes import PLAIN_FIELDS, Shape, skeletons

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy.typing as npt

    from store.embedded.heads import Head

    HeadsOf = Callable[[Sequence[bytes]], Sequence[Head | None]]
    ShapeOf = Callable[[str, bytes, bytes], Shape | None]
    Numbers = npt.NDArray[Any]

_UNREADABLE: Final = 0
_FEW: Final = 2**15


@dataclass(frozen=True, slots=True)
class Group:
    """Lines of one measurement and one shape, without their heads, each with its newline.

    `rows`: where each stood in the body, counted from 0. `heads`: which of the body's heads it had.
    """

    measurement: str
    shape: Shape
    text: bytes
    rows: Numbers
    heads: Numbers


@dataclass(slots=True)
class Sorted:
    """A body, sorted. `heads` are the different ones; `odd` holds (row, line without newline) of what holds data."""

    cut: Cut
    heads: Sequence[Head | None] = ()
    groups: list[Group] = field(default_factory=list)
    odd: list[tuple[int, bytes]] = field(default_factory=list)


def sort_lines(body: bytes, heads_of: HeadsOf, shape_of: ShapeOf) -> Sorted:
    """Sort the lines of `body`. `heads_of` reads heads (None: it must not).

    `shape_of(measurement, skeleton, line)` knows or learns the shape of a line, None where it must not.
    """
    return _Sorter(cut_body(body), heads_of, shape_of).sort()


class _Sorter:
    def __init__(self, cut: Cut, heads_of: HeadsOf, shape_of: ShapeOf) -> None:
        self._cut = cut
        self._heads_of = heads_of
        self._shape_of = shape_of
        self._sorted = Sorted(cut)
        self._odd: list[int] = []

    def sort(self) -> Sorted:
        cut = self._cut
        heads = cut.halves.take(pa.array(np.arange(0, 2 * len(cut.ends), 2))).dictionary_encode()
        self._sorted.heads = self._heads_of(heads.dictionary.to_pylist())
        codes = heads.indices.to_numpy()
        for measurement, rows, rests in self._by_measurement(codes):
            self._take(measurement, rows, codes, rests)
        for row in sorted(self._odd):
            line = cut.odd_line(row)
            if line is not None:
                self._sorted.odd.append((row, line))
        return self._sorted

    def _by_measurement(self, codes: Numbers) -> Iterator[tuple[str, Numbers, bytes]]:
        """Rows of each measurement in order, and the text of what is behind their heads."""
        numbers: dict[str | None, int] = {None: _UNREADABLE}
        named = [None if head is None else head.measurement for head in self._sorted.heads]
        of_head = np.array([numbers.setdefault(name, len(numbers)) for name in named], np.int32)
        # Sixteen bits are sorted several times as fast.
        of_row = of_head.astype(np.int16 if len(numbers) < _FEW else np.int32)[codes]
        for first, (last, _) in self._cut.long.items():
            of_row[first : last + 1] = _UNREADABLE
        order = np.argsort(of_row, kind="stable") if np.ptp(of_row) else np.arange(len(codes))
        rests = self._cut.halves.take(pa.array(2 * order + 1))
        edges = np.concatenate([[0], np.cumsum(np.bincount(of_row, minlength=len(numbers)))])
        text, offsets = _text_of(rests)
        for name, number in numbers.items():
            first, last = edges[number], edges[number + 1]
            if name is None:
                self._odd += self._beginnings(order[first:last])
            elif first < last:
                yield name, order[first:last], bytes(text[offsets[first] : offsets[last]])

    def _beginnings(self, rows: Numbers) -> list[int]:
        """Those of the rows in which a line begins."""
        if self._cut.long:
            inside = [np.arange(first + 1, last + 1) for first, (last, _) in self._cut.long.items()]
            rows = np.setdiff1d(rows, np.concatenate(inside))
        return list(map(int, rows))

    def _take(self, measurement: str, rows: Numbers, codes: Numbers, text: bytes) -> None:
        """Take lines of one measurement: mostly they have one shape; if not, they are told apart by skeleton."""
        end = text.index(b"\n") + 1
        if PLAIN_FIELDS.match(text[:end]).end() == end:
            shape = self._shape_of(measurement, skeletons(text[:end])[0], self._cut.line(rows[0]))
            if shape is not None and shape.run.match(text).end() == len(text):
                self._sorted.groups.append(Group(measurement, shape, text, rows, codes[rows]))
                return
        lines = text.split(b"\n")
        for skeleton, places in self._by_skeleton(text, rows).items():
            self._take_alike(measurement, skeleton, [lines[place] for place in places], rows[places], codes)

    def _by_skeleton(self, text: bytes, rows: Numbers) -> dict[bytes, list[int]]:
        """Places of the plain lines of `text` by what is left of them without values; all others are odd."""
        groups: defaultdict[bytes, list[int]] = defaultdict(list)
        at = done = 0
        while done < len(rows):
            end = PLAIN_FIELDS.match(text, at).end()
            for place, skeleton in enumerate(skeletons(text[at:end]), start=done):
                groups[skeleton].append(place)
            done += text.count(b"\n", at, end)
            at = end
            if done < len(rows):
                self._odd.append(int(rows[done]))
                at = text.index(b"\n", at) + 1
                done += 1
        return groups

    def _take_alike(self, measurement: str, skeleton: bytes, lines: list[bytes], rows: Numbers, codes: Numbers) -> None:
        """Take the lines of one skeleton; those whose values do not fit its types are odd."""
        text = b"\n".join(lines) + b"\n"
        at = done = 0
        while done < len(rows):
            shape = self._shape_of(measurement, skeleton, self._cut.line(rows[done]))
            end = shape.run.match(text, at).end() if shape else at
            count = text.count(b"\n", at, end)
            if shape is not None and count:
                taken = rows[done : done + count]
                self._sorted.groups.append(Group(measurement, shape, text[at:end], taken, codes[taken]))
            done += count
            at = end
            if done < len(rows):
                self._odd.append(int(rows[done]))
                at += len(lines[done]) + 1
                done += 1


def _text_of(rests: Any) -> tuple[memoryview, Numbers]:
    """What the array's values are together, and where each begins."""
    _, offsets, data = rests.buffers()
    return memoryview(data or b""), np.frombuffer(offsets, np.int32, len(rests) + 1, rests.offset * 4)
