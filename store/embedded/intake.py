"""One body of lines on its way to its tables: sorted by shape, made into Arrow columns, held to the bucket's age.

The writer makes one for each shipment; nothing of it touches the file. What a body teaches is in `learnt` and in the
growth, and counts once the writer has committed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc

from foundation.batch import Refused
from foundation.line_protocol.line import LineError, field_type
from foundation.line_protocol.parse import parse_line
from store.embedded.fallback import Row, as_table, check_types, read_lines
from store.embedded.shapes import Shape, names_of
from store.embedded.sorting import Group, sort_lines

if TYPE_CHECKING:
    from collections.abc import Mapping

    from store.embedded.catalog import Growth
    from store.embedded.retention import Bound


class Intake:
    """One body on its way from bytes to Arrow tables."""

    def __init__(self, growth: Growth, known: dict[tuple[str, bytes], Shape], bound: Bound | None) -> None:
        self.learnt: dict[tuple[str, bytes], Shape] = {}
        self.parts: dict[str, list[Any]] = {}
        self.refused: list[Refused] = []
        self.stored = 0
        self._growth = growth
        self._known = known
        self._bound = bound

    def take(self, body: bytes) -> None:
        """Sort, convert, and read one by one what is left."""
        result = sort_lines(body, self._shape_of)
        odd = result.odd
        for group in result.groups:
            try:
                columns = self._columns(group)
            except pa.ArrowInvalid:
                odd += zip(group.ordinals, group.text.split(b"\n"), strict=False)
            else:
                self._add(group.shape.measurement, self._kept(group, columns))
        if odd:
            read = read_lines(sorted(odd), self._growth)
            self.refused += read.refused
            texts = dict(odd)
            for measurement, rows in read.rows.items():
                self._add(measurement, as_table(self._kept_of(rows, texts)))

    def _kept(self, group: Group, table: Any) -> Any:
        """The rows that are not too old; nearly always all of them, which one look at the oldest tells."""
        times, bound = table.column("time"), self._bound
        if bound is None or pc.min(times).as_py() >= bound.first_ns:
            return table
        kept = pc.greater_equal(times, bound.first_ns)
        texts = group.text.split(b"\n")
        for index in pc.indices_nonzero(pc.invert(kept)).to_pylist():
            self.refused.append(Refused(texts[index], bound.reason, group.ordinals[index] + 1))
        return table.filter(kept)

    def _kept_of(self, rows: list[Row], texts: Mapping[int, bytes]) -> list[Row]:
        bound = self._bound
        if bound is None:
            return rows
        old = [ordinal for ordinal, time_ns, _ in rows if time_ns < bound.first_ns]
        self.refused += [Refused(texts[ordinal], bound.reason, ordinal + 1) for ordinal in old]
        return [row for row in rows if row[1] >= bound.first_ns]

    def _add(self, measurement: str, table: Any) -> None:
        if not table.num_rows:
            return
        self.parts.setdefault(measurement, []).append(table)
        self.stored += table.num_rows

    def _columns(self, group: Group) -> Any:
        shape = group.shape
        table = self._growth.table(shape.measurement)
        names = [
            *(table.tags[name].physical for name in shape.tags),
            *(table.fields[name].physical for name, _ in shape.fields),
            "time",
        ]
        columns = shape.columns(group.text)
        return pa.table([*columns, pa.array(group.ordinals, pa.int64())], names=[*names, "ordinal"])

    def _shape_of(self, skeleton: bytes, line: bytes) -> Shape | None:
        """The shape of a plain line, from memory or learnt from this very line; None leaves it to the fallback."""
        key = (self._growth.bucket, skeleton)
        found = self._known.get(key) or self.learnt.get(key)
        if found is None:
            found = self._learn(skeleton, line)
            if found is not None:
                self.learnt[key] = found
        return found

    def _learn(self, skeleton: bytes, text: bytes) -> Shape | None:
        named = names_of(skeleton)
        try:
            line = parse_line(text.removesuffix(b"\n"))
            check_types(line, self._growth)
        except LineError:
            return None
        if named is None or "time" in named[1][1]:
            return None
        for key, _ in line.tags:
            self._growth.column(line.measurement, key, "tag", None)
        for key, value in line.fields:
            self._growth.column(line.measurement, key, "field", field_type(value))
        fields = tuple((key, field_type(value)) for key, value in line.fields)
        shape = Shape(line.measurement, tuple(key for key, _ in line.tags), fields)
        return shape if shape.compiles else None
