"""Rows of numbers as JSON, put together of the texts of whole columns, as no object is made for a number or a row.

`render` asks for this where answers are long. What it makes is what `render` makes otherwise, byte by byte.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import orjson

from store.column import NumberColumn
from store.contract import OneRowSeries, Value
from store.windowed import WindowedSeries

_FEW: Final = 128
"""So many rows are made one by one in the same time."""
_FEW_ALONE: Final = 12
"""The same of series of one row each."""
_AT_ONCE: Final = 4_000
"""So many values are put together at once: their texts fit into a core's own memory."""
INTEGERS: Final = 2.0**63
"""Beyond these JSON integers would not be read back by everybody."""

Array = npt.NDArray[Any]
Columns = Sequence[Sequence[Value]]
"""Of one series; its times first, as numbers or as texts without a comma."""


class Splicer:
    """Makes the rows of series; those of one query mostly have the same times, whose text is made once."""

    def __init__(self) -> None:
        self._times: Sequence[Value] = ()
        self._width = 0
        self._template = b""

    def splice(self, members: Sequence[Columns]) -> list[bytes] | None:
        """The rows of each of these series; None where they are few, or not of numbers alone."""
        if sum(len(columns[0]) for columns in members if columns) < _FEW or not _are_alike(members):
            return None
        width = len(members[0]) - 1
        texts = [_texts_of_column(_joined([columns[place + 1] for columns in members])) for place in range(width)]
        made: list[bytes] = []
        begin = 0
        for columns in members:
            end = begin + len(columns[0])
            cells = texts[0][begin:end] if width == 1 else _interleaved([column[begin:end] for column in texts])
            made.append(self._rows_of(columns[0], width) % tuple(cells))
            begin = end
        return made

    def _rows_of(self, times: Sequence[Value], width: int) -> bytes:
        """All rows with their times, and a place for each of the `width` other columns."""
        if times is not self._times or width != self._width:
            self._times, self._width, self._template = times, width, _rows_at(times, width)
        return self._template


def _are_alike(members: Sequence[Columns]) -> bool:
    """Whether all have the same columns of numbers."""
    kinds = [[_kind_of(column) for column in columns[1:]] for columns in members]
    return bool(kinds[0]) and "" not in kinds[0] and all(one == kinds[0] for one in kinds)


def _kind_of(column: Sequence[Value]) -> str:
    """Of which numbers it is; nothing for what is no column of numbers."""
    return column.values.dtype.kind if isinstance(column, NumberColumn) else ""


def _joined(columns: Sequence[Any]) -> NumberColumn:
    """Columns under each other."""
    if len(columns) == 1:
        only: NumberColumn = columns[0]
        return only
    values = np.concatenate([column.values for column in columns])
    if all(column.known is None for column in columns):
        return NumberColumn(values)
    known = [np.ones(len(one), np.bool_) if one.known is None else one.known for one in columns]
    return NumberColumn(values, np.concatenate(known))


def splice_windows(found: WindowedSeries, times: Sequence[Value]) -> Iterator[bytes]:
    """The series, without the brackets around them, some at a time; `times` as they are shown, as above."""
    rows = _rows_at(times, len(found.values))
    at_once = max(1, _AT_ONCE // (len(found.times) * len(found.values)))
    for first in range(0, len(found.groups), at_once):
        yield (b"," if first else b"") + _windows_text(found, slice(first, first + at_once), rows)


def _windows_text(found: WindowedSeries, at: slice, rows: bytes) -> bytes:
    """Some of the series; `rows` has a place for each number of one."""
    name = {"name": found.name} if found.name else {}
    shown = (
        [
            {**name, "tags": dict(zip(found.dimensions, group, strict=True)), "columns": found.columns}
            for group in found.groups[at]
        ]
        if found.dimensions
        else [{**name, "columns": found.columns}]
    )
    heads = [orjson.dumps(head)[:-1].replace(b"%", b"%%") for head in shown]
    cells = [
        texts_of(values[at].ravel(), None if known is None else known[at].ravel()) for values, known in found.values
    ]
    behind = b',"values":' + rows + b"}"
    return (behind + b",").join([*heads, b""])[:-1] % tuple(cells[0] if len(cells) == 1 else _interleaved(cells))


def _rows_at(times: Sequence[Value], width: int) -> bytes:
    """All rows with their times, and a place for each of the `width` other columns."""
    places = b",%b" * width
    return b"[[" + _text_of_times(times).replace(b",", places + b"],[") + places + b"]]"


def splice_alone(found: OneRowSeries, groups: Sequence[tuple[str, ...]], columns: Columns) -> bytes | None:
    """The series of these groups, without the brackets around them; their one rows are `columns`, as above."""
    times, *others = columns
    if len(groups) < _FEW_ALONE or len({*found.dimensions}) < len(found.dimensions):
        return None
    cells = [_split_texts(values) for values in zip(*groups, strict=True)]
    cells.append(_text_of_times(times).split(b","))
    for column in others:
        if not isinstance(column, NumberColumn):
            return None
        cells.append(_texts_of_column(column))
    one = _template_alone(found, len(columns))
    return (one + (b"," + one) * (len(groups) - 1)) % tuple(_interleaved(cells))


def _text_of_times(times: Sequence[Value]) -> bytes:
    """They follow each other with a comma between them."""
    if isinstance(times, range):
        return _text(np.arange(times.start, times.stop, times.step))
    if isinstance(times, NumberColumn):
        return _text(times.values)
    return orjson.dumps(times if isinstance(times, list) else list(times))[1:-1]


def _texts_of_column(column: NumberColumn) -> list[bytes]:
    return texts_of(column.values, column.known)


def texts_of(values: Array, known: Array | None) -> list[bytes]:
    """The text of each number; a whole float is written as an integer, as InfluxDB does, if it is one of 64 bits."""
    if known is None:
        return _texts(values)
    if values.dtype.kind == "f":
        return _texts(np.where(known, values, np.nan))  # which is written as null
    gaps = (~known).nonzero()[0]
    return _put(_split(values), gaps, [b"null"] * len(gaps))


def _texts(values: Array) -> list[bytes]:
    """Of floats, those that are more are made together, whole ones or others, and the rest put between them."""
    if values.dtype.kind != "f":
        return _split(values)
    is_whole = (np.floor(values) == values) & (np.abs(values) < INTEGERS)
    places = is_whole.nonzero()[0]
    if not len(places):
        return _split(values)
    if len(places) <= len(values) // 2:
        return _put(_split(values), places, _split(values[places].astype(np.int64)))
    if len(places) == len(values):
        return _split(values.astype(np.int64))
    others = (~is_whole).nonzero()[0]
    return _put(_split(np.where(is_whole, values, 0).astype(np.int64)), others, _split(values[others]))


def _split(values: Array) -> list[bytes]:
    if not len(values):
        return []
    return _text(values).split(b",")


def _text(values: Array) -> bytes:
    return orjson.dumps(np.ascontiguousarray(values), option=orjson.OPT_SERIALIZE_NUMPY)[1:-1]


def _split_texts(values: Sequence[str]) -> list[bytes]:
    """The JSON of each without its quotes."""
    text = orjson.dumps(values)
    if b"\\" in text:  # else a quote ends or begins one
        return [orjson.dumps(value)[1:-1] for value in values]
    return text[2:-2].split(b'","')


def _put(texts: list[bytes], places: Array, others: Sequence[bytes]) -> list[bytes]:
    """The same list, with others at some places."""
    for place, text in zip(places.tolist(), others, strict=True):
        texts[place] = text
    return texts


def _interleaved(cells: Sequence[Sequence[bytes]]) -> list[bytes]:
    """The first of each, then the second of each, and so on."""
    found: list[Any] = [b""] * (len(cells) * len(cells[0]))
    for place, texts in enumerate(cells):
        found[place :: len(cells)] = texts
    return found


def _template_alone(found: OneRowSeries, width: int) -> bytes:
    """One series, with a place for each of its tags and for each of the `width` columns of its row."""
    name = b'"name":' + orjson.dumps(found.name) + b"," if found.name else b""
    keys = b",".join(_escaped(orjson.dumps(key)) + b':"%b"' for key in found.dimensions)
    tags = b'"tags":{' + keys + b"}," if keys else b""
    row = b",".join([b"%b"] * width)
    return (
        b"{"
        + _escaped(name)
        + tags
        + b'"columns":'
        + _escaped(orjson.dumps(found.columns))
        + b',"values":[['
        + row
        + b"]]}"
    )


def _escaped(text: bytes) -> bytes:
    return text.replace(b"%", b"%%")
