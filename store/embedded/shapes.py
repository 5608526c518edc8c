"""The form that many lines share behind their heads: typed field keys, in the order in which they are written.

A shape recognises its own lines with one linear pass over a whole text, and turns that text into Arrow columns without
an object per point. It takes only what it is sure of: no escapes, no raw newline in a string, numbers within a safe
length. A line that it does not take is no error; the fallback reads it one by one.

The text of a line begins here with the blank behind its head, and ends in its newline.
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
from store.embedded.heads import KEY, PLAIN_HEAD

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

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
_MOST_KEYS: Final = 32_000
"""Bytes of a line's field keys together: with a head of its most bytes they keep to InfluxDB's limit on both."""

_PLAIN_FIELD: Final = KEY + b"=" + _ANY_VALUE
_PLAIN_FIELDS: Final = b" %s(?:,%s)* %s\n" % (_PLAIN_FIELD, _PLAIN_FIELD, _TIME)
_SKELETON: Final = re.compile(rb'=(?:"[^"]*"|[^, \n]*)(?: -?\d+(?=\n))?')


def whole_lines(pattern: bytes) -> Any:
    """Compile `pattern`, which is one line, to match as many of them as follow each other."""
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.never_capture = True
    options.max_mem = 64 << 20
    options.log_errors = False
    return re2.compile(b"(?:" + pattern + b")*", options)


PLAIN_LINES: Final = whole_lines(PLAIN_HEAD + _PLAIN_FIELDS)
"""Matches a run of lines that have neither escapes nor anything else unusual; each ends at its first newline."""
PLAIN_FIELDS: Final = whole_lines(_PLAIN_FIELDS)
"""Matches a run of such lines without their heads."""


def skeletons(lines: bytes) -> list[bytes]:
    """What is left of each of the plain `lines` without values and time: ` field,field`."""
    return _SKELETON.sub(b"", lines).split(b"\n")[:-1]


def names_of(skeleton: bytes) -> tuple[str, ...] | None:
    """Field keys of a skeleton; None where one is not UTF-8, comes twice or is that of the time."""
    try:
        names = skeleton.removeprefix(b" ").decode().split(",")
    except UnicodeDecodeError:
        return None
    if len(skeleton) > _MOST_KEYS or len(set(names)) < len(names) or "time" in names:
        return None
    return tuple(names)


@dataclass(frozen=True)
class Shape:
    """Typed fields in written order."""

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
        """Captures every field value and the time of a line."""
        values = {**_VALUES, FieldType.STRING: rb'[^"]*'}
        return re.compile(self._pattern(b"(%s)", values, quote=b'"'))

    def _pattern(self, group: bytes, values: Mapping[FieldType, bytes], *, quote: bytes = b"") -> bytes:
        cells = []
        for name, type_ in self.fields:
            mark = quote if type_ is FieldType.STRING else b""
            cells.append(re.escape(name.encode()) + b"=" + mark + group % values[type_] + mark)
        return b" " + b",".join(cells) + b" " + group % _TIME + b"\n"

    def columns(self, text: bytes) -> list[Any]:
        """Arrow columns of `text`, all of whose lines `run` matches: fields, time, in this order.

        Raises pyarrow.ArrowInvalid where a value does not fit after all (not UTF-8, a float of 400 digits).
        """
        has_strings = any(type_ is FieldType.STRING for _, type_ in self.fields)
        if not has_strings or self._words.match(text).end() == len(text):
            return self._columns_by_csv(text, quoted=has_strings)
        cells = zip(*self._cells.findall(text), strict=True)
        raw = [pa.array(column, pa.binary()).cast(pa.string()) for column in cells]
        return self._typed(raw)

    def _columns_by_csv(self, text: bytes, *, quoted: bool) -> list[Any]:
        count = len(self.fields)
        names = ["head", *(f"{kind}{index}" for index in range(count) for kind in "kv"), "time"]
        wanted = [*(f"v{index}" for index in range(count)), "time"]
        read_as = [*(_READ_AS[type_] for _, type_ in self.fields), pa.int64()]
        table = csv.read_csv(
            pa.BufferReader(text.translate(_TO_COMMAS)),
            csv.ReadOptions(column_names=names, use_threads=False, block_size=_BLOCK),
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
        typed = [_CONVERT[type_](column) for (_, type_), column in zip(self.fields, raw[:-1], strict=True)]
        return [*typed, raw[-1].cast(pa.int64())]


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
