"""Answers to `chunked=true` as InfluxDB 1.x gives them: a JSON document a line, each with some rows of one series.

`partial` on a series says that more of its rows follow, on a result that more of the statement does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain, pairwise
from typing import Any

import orjson

from store.contract import StatementResult
from store.render import to_json


def chunked_json(results: Sequence[StatementResult], rows: int, *, epoch: str | None) -> Iterator[bytes]:
    """All results, one document after the other, at most `rows` rows in each."""
    return (orjson.dumps(document) + b"\n" for result in results for document in _documents(result, rows, epoch))


def _documents(result: StatementResult, rows: int, epoch: str | None) -> Iterator[dict[str, Any]]:
    if not result.series:
        yield _document(result, epoch)
        return
    for (number, piece), following in pairwise(chain(_pieces(result, rows), [(-1, result)])):
        document = _document(piece, epoch)
        shown = document["results"][0]
        if following[0] == number:
            shown["series"][0]["partial"] = True
        if following[0] >= 0:
            shown["partial"] = True
        yield document


def _pieces(result: StatementResult, rows: int) -> Iterator[tuple[int, StatementResult]]:
    for number, series in enumerate(result.series):
        for first in range(0, max(len(series.values), 1), rows):
            part = replace(series, values=series.values[first : first + rows])
            yield number, replace(result, series=(part,))


def _document(result: StatementResult, epoch: str | None) -> dict[str, Any]:
    document: dict[str, Any] = orjson.loads(to_json([result], epoch=epoch))
    return document
