"""Results in InfluxDB's own JSON and CSV, and JSON read back into results.

Without `epoch` times are RFC 3339 with only the digits they need, in the zone of the statement's tz(); with it they are
integers cut to whole units. Long answers come in pieces, which whoever sends them need never hold together.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from functools import partial
from typing import Any, Final
from zoneinfo import ZoneInfo

import numpy as np
import orjson

from store.column import NumberColumn
from store.contract import OneRowSeries, Rows, Series, StatementResult, Value
from store.splice import INTEGERS, Splicer, splice_alone, splice_windows
from store.windowed import WindowedSeries

_UNITS: Final = {
    "u": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60_000_000_000,
    "h": 3_600_000_000_000,
}
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND: Final = 1_000_000_000
_PIECE_ROWS: Final = 5_000
_BATCH_ROWS: Final = 2_000
"""What is made of so many fits into a core's own memory, where it is put together twice as fast."""
_WHOLE: Final = re.compile(rb"\.0(?=[,\]])")
_NEGATIVE_ZERO: Final = re.compile(rb"-0\.0[,\]]")

_ShowTimes = Callable[[Sequence[Value]], Sequence[Value]]
"""Makes of a column of moments what is shown."""


def to_json(results: Sequence[StatementResult], *, epoch: str | None, pretty: bool = False) -> bytes:
    """InfluxDB's JSON. `epoch`: ns, u, ms, s, m, h (anything else means ns), or None for RFC 3339."""
    if pretty:
        answer = {"results": [_result(result, epoch) for result in results]} if results else {}
        return orjson.dumps(answer, option=orjson.OPT_INDENT_2) + b"\n"
    if len(results) == 1 and results[0].series:
        return _only_json(results[0], epoch)
    return b"".join(json_pieces(results, epoch=epoch))


def json_pieces(results: Sequence[StatementResult], *, epoch: str | None) -> Iterator[bytes]:
    """What `to_json` says, in pieces of some thousand rows."""
    if not results:
        yield b"{}\n"
        return
    before = b'{"results":['
    for result in results:
        yield before
        yield from _result_pieces(result, epoch)
        before = b","
    yield b"]}\n"


def to_csv(results: Sequence[StatementResult], *, epoch: str | None) -> bytes:
    """InfluxDB's CSV: name, tags, then the columns; a blank line and a new header where the columns change."""
    return b"".join(csv_pieces(results, epoch=epoch))


def csv_pieces(results: Sequence[StatementResult], *, epoch: str | None) -> Iterator[bytes]:
    """What `to_csv` says, in pieces of some thousand rows."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    header: tuple[str, ...] | None = None
    for result in results:
        if result.error is not None:
            writer.writerows([["error"], [result.error]])
        show = _time_writer(result, epoch)
        for series in result.series:
            if series.columns != header:
                if header is not None:
                    out.write("\n")
                header = series.columns
                writer.writerow(["name", "tags", *header])
            tags = ",".join(f"{key}={value}" for key, value in sorted(series.tags.items()))
            for part in _parts(series):
                writer.writerows([series.name, tags, *map(_cell, row)] for row in _rows(part, show))
                yield _emptied(out)
    yield _emptied(out)


def from_json(body: bytes) -> tuple[StatementResult, ...]:
    """Results out of InfluxDB's JSON, which was asked for with epoch=ns. Raises ValueError for anything else.

    An error beside the results, and an answer that the server has cut, is the error of a statement.
    """
    answer = orjson.loads(body)
    if not isinstance(answer, dict) or not isinstance(answer.get("results", []), list):
        raise ValueError("the answer is not InfluxDB's JSON: no list of results")  # noqa: TRY004 - it is the value's form
    if answer.get("error"):
        return (StatementResult(0, error=str(answer["error"])),)
    return tuple(_read_result(index, item) for index, item in enumerate(answer.get("results", [])))


def _emptied(out: io.StringIO) -> bytes:
    text = out.getvalue()
    out.seek(0)
    out.truncate()
    return text.encode()


def _parts(series: Series) -> Iterator[Series]:
    """The series, some thousand rows at a time."""
    for first in range(0, len(series.values), _PIECE_ROWS):
        yield replace(series, values=series.values[first : first + _PIECE_ROWS])


def _result_pieces(result: StatementResult, epoch: str | None) -> Iterator[bytes]:
    """One result of which every long series comes in parts."""
    yield b'{"statement_id":%d' % result.statement_id
    if result.series:
        yield b',"series":['
        yield from _series_pieces(result.series, _time_writer(result, epoch))
        yield b"]"
    yield _end(result)


def _only_json(result: StatementResult, epoch: str | None) -> bytes:
    """The whole answer where this is all of it: the pieces of a short one take longer to hand on than to make."""
    begin = b'{"results":[{"statement_id":%d,"series":[' % result.statement_id
    return b"".join([begin, *_series_pieces(result.series, _time_writer(result, epoch)), b"]", _end(result), b"]}\n"])


def _end(result: StatementResult) -> bytes:
    return b"}" if result.error is None else b',"error":' + orjson.dumps(result.error) + b"}"


def _series_pieces(found: Sequence[Series], show: _ShowTimes | None) -> Iterable[bytes]:
    """All series, with a comma between them."""
    if type(found) is OneRowSeries:
        return _one_row_pieces(found, show)
    if type(found) is WindowedSeries and len(found.times) <= _PIECE_ROWS:
        times = found.times if show is None or found.columns[0] != "time" else show(found.times)
        return splice_windows(found, times)
    return _listed_pieces(found, show)


def _listed_pieces(found: Iterable[Series], show: _ShowTimes | None) -> Iterator[bytes]:
    """The same of series that are looked at one by one."""
    comma, splicer = b"", Splicer()
    for batch in _batches(found):
        if len(batch[0].values) > _PIECE_ROWS:
            yield from _long_pieces(batch[0], comma, show, splicer)
        else:
            for series, rows in zip(batch, _rows_texts(batch, show, splicer), strict=True):
                head = orjson.dumps(_head(series.name, series.tags, series.columns))
                yield comma + (head[:-1] + b',"values":' + rows + b"}" if rows else head)
                comma = b","
        comma = b","


def _batches(found: Iterable[Series]) -> Iterator[list[Series]]:
    """The series in order, so many together that they have some hundred rows."""
    batch: list[Series] = []
    rows = 0
    for series in found:
        rows += len(series.values)
        if batch and rows > min(_BATCH_ROWS, _PIECE_ROWS):
            yield batch
            batch, rows = [], len(series.values)
        batch.append(series)
    if batch:
        yield batch


def _long_pieces(series: Series, comma: bytes, show: _ShowTimes | None, splicer: Splicer) -> Iterator[bytes]:
    yield comma + orjson.dumps(_head(series.name, series.tags, series.columns))[:-1] + b',"values":['
    for index, part in enumerate(_parts(series)):
        yield (b"," if index else b"") + _rows_texts([part], show, splicer)[0][1:-1]
    yield b"]}"


def _rows_texts(batch: Sequence[Series], show: _ShowTimes | None, splicer: Splicer) -> list[bytes]:
    """The rows of each series; nothing where there are none."""
    members = [_columns(series, show) for series in batch]
    return splicer.splice(members) or [_rows_text(columns) if columns else b"" for columns in members]


def _rows_text(columns: Sequence[Sequence[Value]]) -> bytes:
    """Rows as JSON, whole floats as `_plain` makes them.

    Where there are nothing but numbers, and none that takes an exponent, that is a matter of their text: to take `.0`
    out of it costs a fifth of looking at each value.
    """
    if not any(isinstance(column[0], str) for column in columns):
        text = orjson.dumps(list(zip(*columns, strict=True)))
        if b'"' not in text and b"e" not in text and not (b"-" in text and _NEGATIVE_ZERO.search(text)):
            return _WHOLE.sub(b"", text)
    return orjson.dumps(list(zip(*map(_plain, columns), strict=True)))


def _one_row_pieces(found: OneRowSeries, show: _ShowTimes | None) -> Iterable[bytes]:
    """Series of one row each, some thousand at a time: what is done for each value is done column by column."""
    if len(found.groups) <= _PIECE_ROWS:
        return (_one_row_text(found, found.groups, _shown(found.values, found.columns, show)),)
    whole = Series(found.name, found.columns, Rows(found.values))
    starts = range(0, len(found.groups), _PIECE_ROWS)
    return (
        (b"," if first else b"") + _one_row_text(found, found.groups[first : first + _PIECE_ROWS], _columns(part, show))
        for first, part in zip(starts, _parts(whole), strict=True)
    )


def _one_row_text(found: OneRowSeries, groups: Sequence[tuple[str, ...]], columns: Sequence[Sequence[Value]]) -> bytes:
    """The series of these groups, whose rows are `columns`, without the brackets around them."""
    text = splice_alone(found, groups, columns)
    if text is not None:
        return text
    name, keys, shown = {"name": found.name} if found.name else {}, found.dimensions, found.columns
    rows = zip(*map(_plain, columns), strict=True)
    if not keys:
        return orjson.dumps([{**name, "columns": shown, "values": [row]} for row in rows])[1:-1]
    return orjson.dumps(
        [
            {**name, "tags": dict(zip(keys, group, strict=True)), "columns": shown, "values": [row]}
            for row, group in zip(rows, groups, strict=True)
        ]
    )[1:-1]


def _result(result: StatementResult, epoch: str | None) -> dict[str, Any]:
    shown: dict[str, Any] = {"statement_id": result.statement_id}
    if result.series:
        show = _time_writer(result, epoch)
        shown["series"] = [_series(series, show) for series in result.series]
    if result.error is not None:
        shown["error"] = result.error
    return shown


def _series(series: Series, show: _ShowTimes | None) -> dict[str, Any]:
    shown = _head(series.name, series.tags, series.columns)
    if series.values:
        shown["values"] = list(zip(*map(_plain, _columns(series, show)), strict=True))
    return shown


def _head(name: str, tags: Mapping[str, str], columns: Sequence[str]) -> dict[str, Any]:
    head: dict[str, Any] = {"name": name} if name else {}
    if tags:
        head["tags"] = dict(tags)
    head["columns"] = columns
    return head


def _plain(column: Sequence[Value]) -> Sequence[Value]:
    """Whole floats as InfluxDB writes them, without `.0`: a client must not see another type for every store."""
    kinds = set(map(type, column))
    if float not in kinds:
        return column
    floats = column if len(kinds) == 1 else [value for value in column if type(value) is float]
    if not any(map(float.is_integer, floats)):  # type: ignore[arg-type]  # they are
        return column
    return [
        int(value) if type(value) is float and value.is_integer() and -INTEGERS < value < INTEGERS else value
        for value in column
    ]


def _rows(series: Series, show: _ShowTimes | None) -> Iterable[Sequence[Value]]:
    return zip(*_columns(series, show), strict=True)


def _columns(series: Series, show: _ShowTimes | None) -> Sequence[Sequence[Value]]:
    """The series by columns: what is done for each value is cheaper there than row by row."""
    rows = series.values
    return _shown(
        rows.columns if isinstance(rows, Rows) else list[Sequence[Value]](zip(*rows, strict=True)), series.columns, show
    )


def _shown(
    columns: Sequence[Sequence[Value]], names: Sequence[str], show: _ShowTimes | None
) -> Sequence[Sequence[Value]]:
    """Columns with their times as they are shown."""
    return [show(columns[0]), *columns[1:]] if show is not None and columns and names[0] == "time" else columns


def _time_writer(result: StatementResult, epoch: str | None) -> _ShowTimes | None:
    """How times are shown; None where they stay as they are."""
    if epoch is None:
        zone: tzinfo = UTC if result.zone is None else ZoneInfo(result.zone)
        return _shown_once(
            lambda moments: [format_time(moment, zone) if isinstance(moment, int) else moment for moment in moments]
        )
    unit = _UNITS.get(epoch, 1)
    return None if unit == 1 else _shown_once(partial(_cut_times, unit))


def _cut_times(unit: int, moments: Sequence[Value]) -> Sequence[Value]:
    """Towards zero, as InfluxDB divides."""
    if isinstance(moments, range) and not (moments.start % unit or moments.step % unit):
        first, step = moments.start // unit, moments.step // unit
        return range(first, first + step * len(moments), step)
    if isinstance(moments, NumberColumn):
        return NumberColumn(np.where(moments.values >= 0, moments.values // unit, -(-moments.values // unit)))
    return [
        (moment // unit if moment >= 0 else -(-moment // unit)) if isinstance(moment, int) else moment
        for moment in moments
    ]


def _shown_once(show: _ShowTimes) -> _ShowTimes:
    """The same for series behind series: those with the windows of one query have the very same times."""
    last: Sequence[Value] = ()
    shown: Sequence[Value] = ()

    def show_again(moments: Sequence[Value]) -> Sequence[Value]:
        nonlocal last, shown
        if moments is not last:
            last, shown = moments, show(moments)
        return shown

    return show_again


def format_time(moment_ns: int, zone: tzinfo = UTC) -> str:
    """RFC 3339 with the digits that are needed: `1970-01-01T00:01:10.5Z`."""
    seconds, rest = divmod(moment_ns, _SECOND)
    moment = (_EPOCH + timedelta(seconds=seconds)).astimezone(zone)
    offset = moment.strftime("%z")
    # Years below 1000 are written with four digits by isoformat, not by strftime.
    text = moment.replace(tzinfo=None).isoformat()
    digits = f".{rest:09d}".rstrip("0") if rest else ""
    return text + digits + ("Z" if offset == "+0000" else f"{offset[:3]}:{offset[3:5]}")


def _cell(value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return format(value, ".17g") if value != int(value) or abs(value) >= 2**53 else str(int(value))
    return str(value)


def _read_result(index: int, item: Mapping[str, Any]) -> StatementResult:
    series = tuple(
        Series(
            name=read.get("name", ""),
            columns=tuple(read.get("columns", ())),
            values=read.get("values", []),
            tags=read.get("tags", {}),
        )
        for read in item.get("series", ())
    )
    is_cut = any(read.get("partial") for read in (item, *item.get("series", ())))
    error = item.get("error") or ("the server cut the answer, it has more rows than its limit" if is_cut else None)
    return StatementResult(item.get("statement_id", index), series, error)
