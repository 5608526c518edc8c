"""Results as an answer over HTTP: JSON, JSON in documents of some rows, or CSV; packed for who takes that.

A short answer is made and sent at once. A long one is made piece by piece in a thread, each sent before the next is
made, so writes go on meanwhile and its text is never held whole; who does not read it is hung up on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from aiohttp import web
from isal import isal_zlib

from collector.intake.answers import HEADERS, Contents, stays
from collector.intake.chunks import chunked_json
from store.contract import StatementResult
from store.render import csv_pieces, json_pieces, to_json
from store.windowed import count_values

_EPOCHS = frozenset({"u", "ms", "s", "m", "h"})
_CSV = ("text/csv", "application/csv")
_JSON = "application/json"
_CHUNK_ROWS = 10_000
_MOST_DIGITS = 9
_LEAST_PACKED_BYTES = 1_400
"""Shorter answers fit into one packet as they are; InfluxDB leaves them so, too."""
_GZIP_LEVEL, _GZIP_WINDOW = 1, 31
_SHORT_VALUES = 50_000
_LONGEST_PIECE_S = 60.0


@dataclass(frozen=True, slots=True)
class Wish:
    """How somebody wants the answer. `epoch` is None for RFC 3339, `chunk_rows` for one document."""

    kind: str = _JSON
    epoch: str | None = None
    chunk_rows: int | None = None
    pretty: bool = False
    packed: bool = False

    @classmethod
    def of(cls, headers: Mapping[str, str], params: Mapping[str, str]) -> Wish:
        """What a request says; a unit of time that is none means ns, as in InfluxDB."""
        accepted = headers.get("Accept", "")
        kind = next((one for one in _CSV if one in accepted), _JSON)
        epoch = params.get("epoch")
        unit = (epoch if epoch in _EPOCHS else "ns") if epoch else None
        return cls(
            kind,
            unit or (None if kind == _JSON else "ns"),
            _chunk_rows(params) if params.get("chunked") == "true" else None,
            pretty=params.get("pretty", "") in ("true", "1"),
            packed=_takes_gzip(headers.get("Accept-Encoding", "")),
        )


async def send_results(
    request: web.BaseRequest, results: Sequence[StatementResult], wish: Wish, contents: Contents
) -> web.StreamResponse:
    """The answer, sent or ready to be."""
    if not _are_short(results) and request.method != "HEAD":
        return await _stream(request, _pieces(results, wish), _headers(wish), wish)
    body, headers = _short(results, wish)
    if stays(request) and request.method != "HEAD" and request.content.is_eof():
        return contents.answer(body, headers)
    return web.Response(body=body, headers=headers)


def wire_results(results: Sequence[StatementResult], wish: Wish, contents: Contents) -> bytes | None:
    """The same answer for a client that stays, ready to go out; None where it is long."""
    return contents.wire(*_short(results, wish)) if _are_short(results) else None


def _are_short(results: Sequence[StatementResult]) -> bool:
    return sum([count_values(result.series) for result in results]) <= _SHORT_VALUES


def _headers(wish: Wish) -> dict[str, str]:
    return {**HEADERS, "Content-Type": wish.kind, "Vary": "Accept-Encoding"}


def _short(results: Sequence[StatementResult], wish: Wish) -> tuple[bytes, dict[str, str]]:
    """The body of an answer, packed where that is worth it, and its headers."""
    is_plain = wish.kind == _JSON and wish.chunk_rows is None
    body = to_json(results, epoch=wish.epoch, pretty=wish.pretty) if is_plain else b"".join(_pieces(results, wish))
    headers = _headers(wish)
    if wish.packed and len(body) >= _LEAST_PACKED_BYTES:
        body, headers["Content-Encoding"] = b"".join(_packed(iter((body,)))), "gzip"
    return body, headers


async def _stream(
    request: web.BaseRequest, pieces: Iterator[bytes], headers: dict[str, str], wish: Wish
) -> web.StreamResponse:
    if wish.packed:
        pieces, headers = _packed(pieces), {**headers, "Content-Encoding": "gzip"}
    response = web.StreamResponse(headers=headers)
    try:
        await response.prepare(request)
        while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
            async with asyncio.timeout(_LONGEST_PIECE_S):
                await response.write(piece)
    except (ConnectionError, TimeoutError):
        if request.transport is not None:
            request.transport.abort()
    return response


def _pieces(results: Sequence[StatementResult], wish: Wish) -> Iterator[bytes]:
    if wish.kind != _JSON:
        return csv_pieces(results, epoch=wish.epoch)
    if wish.chunk_rows is not None:
        return chunked_json(results, wish.chunk_rows, epoch=wish.epoch)
    if wish.pretty:
        return iter((to_json(results, epoch=wish.epoch, pretty=True),))
    return json_pieces(results, epoch=wish.epoch)


def _packed(pieces: Iterator[bytes]) -> Iterator[bytes]:
    packer = isal_zlib.compressobj(_GZIP_LEVEL, wbits=_GZIP_WINDOW)
    for piece in pieces:
        yield packer.compress(piece)
    yield packer.flush()


def _takes_gzip(accepted: str) -> bool:
    for one in accepted.split(","):
        name, _, weight = one.partition(";")
        if name.strip().lower() in ("gzip", "*"):
            return weight.replace(" ", "").rstrip("0") not in ("q=", "q=0.")
    return False


def _chunk_rows(params: Mapping[str, str]) -> int:
    """`chunk_size`; what is none means InfluxDB's own, as there."""
    text = params.get("chunk_size", "").removeprefix("+")
    return (int(text) if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS else 0) or _CHUNK_ROWS
