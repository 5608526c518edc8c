"""The form that many lines share: measurement, tag keys and typed field keys, in the order in which they are written.

A shape recognises its own lines with one linear pass over a whole text, and turns that text into Arrow columns without
an object per point. It takes only what it is sure of: no escapes, no raw newline in a string, numbers within a safe
length. A line that it does not take is no error; the fallback reads it one by one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import re2
from pyarrow import csv

from foundation.batch import FieldType

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Names = tuple[tuple[str, ...], tuple[str, ...]]
"""(tag keys, field keys) of a line, as written"""

_TAG: Final = rb'[^,= \n\r"\\]+'
_KEY: Final = rb'[^,= \n\r"\\]+'
_TIME: Final = rb"-?(?:\d{1,18}|[0-8]\d{18})"
_VALUES: Final[Mapping[FieldType, bytes]] = {
    FieldType.FLOAT: rb"-?\d{1,18}(?:\.\d{1,18})?(?:[eE][+-]?\d{1,2})?",
    FieldType.INTEGER: rb"-?\d{1,18}i",
    FieldType.UNSIGNED: rb"\d{1,19}u",
    FieldType.STRING: rb'"[^"\\\n\r]*"',
    FieldType.BOOLEAN: rb"(?:t|T|true|True|TRUE|f|F|false|False|FALSE)",
}
_WORD: Final = rb'"[^"\\\n\r,= ]*"'
_ANY_VALUE: Final = rb'(?:"[^"\\\n\r]*"|[^",= \n\r\\]+)'
_TRUE: Final = ("t", "T", "true", "True", "TRUE")
_TO_COMMAS: Final = bytes.maketrans(b"= ", b",,")
_BLOCK: Final = 1 << 20
"""The reader's block in bytes; a line beyond it (a string near InfluxDB's limit) is left to the fallback."""

_MEASUREMENT: Final = rb'[^#\t\x00,= \n\r"\\][^,= \n\r"\\]*'
"""A line that begins with # is a comment; tab and NUL are skipped at the beginning."""
_PLAIN_FIELD: Final = _KEY + b"=" + _ANY_VALUE
_PLAIN_LINE: Final = b"%s(?:,%s=%s)* %s(?:,%s)* %s\n" % (_MEASUREMENT, _KEY, _TAG, _PLAIN_FIELD, _PLAIN_FIELD, _TIME)
_SKELETON: Final = re.compile(rb'=(?:"[^"]*"|[^, \n]*)(?: -?\d+(?=\n))?')


def whole_lines(pattern: bytes) -> Any:
    """Compile `pattern`, which is one line, to match as many of them as follow each other."""
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.never_capture = True
    options.max_mem = 64 << 20
    options.log_errors = False
    return re2.compile(b"(?:" + pattern + b")*", options)


PLAIN_LINES: Final = whole_lines(_PLAIN_LINE)
"""Matches a run of lines that have neither escapes nor anything else unusual; each ends at its first newline."""


def skeletons(lines: bytes) -> list[bytes]:
    """What is left of each of the plain `lines` (trailing newline) without values and time: `m,tag,tag field,field`."""
    return _SKELETON.sub(b"", lines).split(b"\n")[:-1]


def names_of(skeleton: bytes) -> tuple[str, Names] | None:
    """Measurement and names of a skeleton; None where a name is not UTF-8 or comes twice."""
    head, _, tail = skeleton.partition(b" ")
    try:
        measurement, *tags = head.decode().split(",")
        fields = tail.decode().split(",")
    except UnicodeDecodeError:
        return None
    if len(set(tags)) < len(tags) or len(set(fields)) < len(fields):
        return None
    return measurement, (tuple(tags), tuple(fields))


@dataclass(frozen=True)
class Shape:
    """Measurement, tag keys and typed fields in written order."""

    measurement: str
    tags: tuple[str, ...]
    fields: tuple[tuple[str, FieldType], ...]

    @property
    def compiles(self) -> bool:
        """Whether the shape can recognise its lines at all: there is a limit to the size of a pattern."""
        try:
            return self.run is not None
        except re2.error:
            return False

    @cached_property
    def run(self) -> Any:
        """RE2 that matches the longest run of lines of this shape."""
        return whole_lines(self._pattern(b"(?:%s)", _VALUES))

    @cached_property
    def _words(self) -> Any:
        """RE2 that matches a run of lines whose strings could stand in a CSV cell as they are."""
        return whole_lines(self._pattern(b"(?:%s)", {**_VALUES, FieldType.STRING: _WORD}))

    @cached_property
    def _cells(self) -> re.Pattern[bytes]:
        """Captures every tag value, field value and time of a line."""
        values = {**_VALUES, FieldType.STRING: rb'[^"]*'}
        return re.compile(self._pattern(b"(%s)", values, quote=b'"'))

    def _pattern(self, group: bytes, values: Mapping[FieldType, bytes], *, quote: bytes = b"") -> bytes:
        head = re.escape(self.measurement.encode())
        head += b"".join(b"," + re.escape(tag.encode()) + b"=" + group % _TAG for tag in self.tags)
        cells = []
        for name, type_ in self.fields:
            mark = quote if type_ is FieldType.STRING else b""
            cells.append(re.escape(name.encode()) + b"=" + mark + group % values[type_] + mark)
        return head + b" " + b",".join(cells) + b" " + group % _TIME + b"\n"

    def columns(self, text: bytes) -> list[Any]:
        """Arrow columns of `text`, all of whose lines `run` matches: tags, fields, time, in this order.

        Raises pyarrow.ArrowInvalid where a value does not fit after all (not UTF-8, a float of 400 digits).
        """
        has_strings = any(type_ is FieldType.STRING for _, type_ in self.fields)
        if not has_strings or self._words.match(text).end() == len(text):
            return self._columns_by_csv(text, quoted=has_strings)
        cells = zip(*self._cells.findall(text), strict=True)
        raw = [pa.array(column, pa.binary()).cast(pa.string()) for column in cells]
        return self._typed(raw)

    def _columns_by_csv(self, text: bytes, *, quoted: bool) -> list[Any]:
        count = len(self.tags)
        wanted = [*(f"c{2 + 2 * index}" for index in range(count + len(self.fields))), "time"]
        names = ["c0"]
        for index in range(count + len(self.fields)):
            names += [f"c{1 + 2 * index}", f"c{2 + 2 * index}"]
        read_as = [pa.string()] * count + [_READ_AS[type_] for _, type_ in self.fields] + [pa.int64()]
        table = csv.read_csv(
            pa.BufferReader(text.translate(_TO_COMMAS)),
            csv.ReadOptions(column_names=[*names, "time"], use_threads=False, block_size=_BLOCK),
            csv.ParseOptions(quote_char='"' if quoted else False, double_quote=False),
            csv.ConvertOptions(
                include_columns=wanted,
                column_types=dict(zip(wanted, read_as, strict=True)),
                null_values=[],
                strings_can_be_null=False,
                quoted_strings_can_be_null=False,
            ),
        )
        return self._typed([table.column(name) for name in wanted])

    def _typed(self, raw: Sequence[Any]) -> list[Any]:
        count = len(self.tags)
        fields = zip(self.fields, raw[count:-1], strict=True)
        typed = [_CONVERT[type_](column) for (_, type_), column in fields]
        return [*raw[:count], *typed, raw[-1].cast(pa.int64())]


def _without_suffix(column: Any) -> Any:
    return pc.utf8_slice_codeunits(column, 0, -1)


_READ_AS: Final[Mapping[FieldType, Any]] = {
    FieldType.FLOAT: pa.float64(),
    FieldType.INTEGER: pa.string(),
    FieldType.UNSIGNED: pa.string(),
    FieldType.STRING: pa.string(),
    FieldType.BOOLEAN: pa.string(),
}
_CONVERT: Final[Mapping[FieldType, Callable[[Any], Any]]] = {
    FieldType.FLOAT: lambda column: column.cast(pa.float64()),
    FieldType.INTEGER: lambda column: _without_suffix(column).cast(pa.int64()),
    FieldType.UNSIGNED: lambda column: _without_suffix(column).cast(pa.uint64()),
    FieldType.STRING: lambda column: column,
    FieldType.BOOLEAN: lambda column: pc.is_in(column, value_set=pa.array(_TRUE)),
}
