"""One body of lines on its way to its tables: sorted by shape, made into Arrow columns, held to the bucket's age.

The writer makes one for each shipment; nothing of it touches the file. What a body teaches is in `learnt` and in the
growth, and counts once the writer has committed.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from foundation.batch import Refused
from foundation.line_protocol.line import LineError, field_type
from foundation.line_protocol.parse import parse_line
from store.embedded.fallback import Row, as_part, check_types, read_lines
from store.embedded.heads import Head, read_head
from store.embedded.numbering import Part, Tags, trimmed
from store.embedded.schema import SERIES, TIME
from store.embedded.shapes import Shape, names_of
from store.embedded.sorting import Group, Sorted, sort_lines

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from store.embedded.catalog import Growth
    from store.embedded.retention import Bound

_MOST_SHAPES: Final = 1_000
"""Shapes kept in memory (about 60 kB each); when there are more, all are learnt again."""
_MOST_HEADS: Final = 100_000
"""The same of heads (about 700 bytes each)."""


@dataclass(slots=True)
class Learnt:
    """What lines taught: (bucket, measurement, skeleton) -> shape, and the heads as they were written."""

    shapes: dict[tuple[str, str, bytes], Shape] = field(default_factory=dict)
    heads: dict[bytes, Head | None] = field(default_factory=dict)

    def adopt(self, learnt: Learnt) -> None:
        """Take over what a body taught, within bounds."""
        if len(self.shapes) > _MOST_SHAPES:
            self.shapes.clear()
        if len(self.heads) > _MOST_HEADS:
            self.heads.clear()
        self.shapes |= learnt.shapes
        self.heads |= learnt.heads

    def clear(self) -> None:
        """Know nothing of the tables any more; a head means the same whatever they are."""
        self.shapes.clear()


class Intake:
    """One body on its way from bytes to Arrow tables."""

    def __init__(self, growth: Growth, known: Learnt, bound: Bound | None) -> None:
        self.learnt = Learnt()
        self.parts: dict[str, list[Part]] = {}
        self.refused: list[Refused] = []
        self.stored = 0
        self._growth = growth
        self._known = known
        self._bound = bound

    def take(self, body: bytes) -> None:
        """Sort, convert, and read one by one what is left."""
        result = sort_lines(body, self._heads_of, self._shape_of)
        odd = result.odd
        for group in result.groups:
            try:
                columns = group.shape.columns(group.text)
            except pa.ArrowInvalid:
                odd += [(int(row), result.cut.line(row)) for row in group.rows]
            else:
                part = self._part(group, columns, result.heads)
                self._add(group.measurement, replace(part, rows=self._kept(group, part.rows, result)))
        if odd:
            read = read_lines(sorted(odd), self._growth)
            self.refused += read.refused
            texts = dict(odd)
            for measurement, rows in read.rows.items():
                tags = self._growth.table(measurement).tags.values()
                self._add(measurement, as_part(self._kept_of(rows, texts), tags))

    def _kept(self, group: Group, table: Any, result: Sorted) -> Any:
        """The rows that are not too old; nearly always all of them, which one look at the oldest tells."""
        times, bound = table.column("time"), self._bound
        if bound is None or pc.min(times).as_py() >= bound.first_ns:
            return table
        kept = pc.greater_equal(times, bound.first_ns)
        for index in pc.indices_nonzero(pc.invert(kept)).to_pylist():
            row = int(group.rows[index])
            self.refused.append(Refused(result.cut.line(row), bound.reason, row + 1))
        return table.filter(kept)

    def _kept_of(self, rows: list[Row], texts: Mapping[int, bytes]) -> list[Row]:
        bound = self._bound
        if bound is None:
            return rows
        old = [ordinal for ordinal, time_ns, _ in rows if time_ns < bound.first_ns]
        self.refused += [Refused(texts[ordinal], bound.reason, ordinal + 1) for ordinal in old]
        return [row for row in rows if row[1] >= bound.first_ns]

    def _add(self, measurement: str, part: Part) -> None:
        if not part.rows.num_rows:
            return
        self.parts.setdefault(measurement, []).append(part)
        self.stored += part.rows.num_rows

    def _part(self, group: Group, columns: Sequence[Any], heads: Sequence[Head | None]) -> Part:
        present, codes = _renumbered(group.heads, len(heads))
        found = [head for number in present if (head := heads[number])]
        for key in dict.fromkeys(chain.from_iterable({head.keys for head in found})):
            self._growth.column(group.measurement, key, "tag", None)
        table = self._growth.table(group.measurement)
        keys = tuple(table.tags)
        places: dict[Tags, int] = {}
        series = [places.setdefault(_tags_of(head, keys), len(places)) for head in found]
        fields = [table.fields[name].physical for name, _ in group.shape.fields]
        made = dict(zip(fields, columns[:-1], strict=True))
        made[SERIES] = pa.array(np.array(series, np.int32)[codes])
        return Part(pa.table({**made, TIME: columns[-1], "ordinal": pa.array(group.rows)}), tuple(places))

    def _heads_of(self, texts: Sequence[bytes]) -> list[Head | None]:
        known, learnt = self._known.heads, self.learnt.heads
        for text in texts:
            if text not in known:
                learnt[text] = read_head(text)
        return [known[text] if text in known else learnt[text] for text in texts]

    def _shape_of(self, measurement: str, skeleton: bytes, line: bytes) -> Shape | None:
        """The shape of a plain line, from memory or learnt from this very line; None leaves it to the fallback."""
        key = (self._growth.bucket, measurement, skeleton)
        found = self._known.shapes.get(key) or self.learnt.shapes.get(key)
        if found is None:
            found = self._learn(skeleton, line)
            if found is not None:
                self.learnt.shapes[key] = found
        return found

    def _learn(self, skeleton: bytes, text: bytes) -> Shape | None:
        if names_of(skeleton) is None:
            return None
        try:
            line = parse_line(text)
            check_types(line, self._growth)
        except LineError:
            return None
        shape = Shape(tuple((key, field_type(value)) for key, value in line.fields))
        if not shape.compiles:
            return None
        for key, _ in line.tags:
            self._growth.column(line.measurement, key, "tag", None)
        for key, value in line.fields:
            self._growth.column(line.measurement, key, "field", field_type(value))
        return shape


def _tags_of(head: Head, keys: Sequence[str]) -> Tags:
    """The head's series in the order of the table's tags; mostly that is how it was written."""
    if head.keys == keys[: len(head.keys)]:
        return head.values
    own = dict(zip(head.keys, head.values, strict=True))
    return trimmed([own.get(key) for key in keys])


def _renumbered(codes: Any, most: int) -> tuple[Any, Any]:
    """The different codes in order, and for each of the `codes` its place among them; all are below `most`."""
    if most > len(codes):
        return np.unique(codes, return_inverse=True)
    present = np.flatnonzero(np.bincount(codes, minlength=most))
    places = np.zeros(most, np.int32)
    places[present] = np.arange(len(present))
    return present, places[codes]
