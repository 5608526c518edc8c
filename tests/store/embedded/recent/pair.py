"""One database asked twice, with a memory and without: the answers have to be the same."""

from __future__ import annotations

import math
from collections import Counter
from itertools import count
from typing import Any

import duckdb
from isal import igzip

from foundation.batch import Position, Shipment
from influxql.ast import Delete, DropMeasurement
from influxql.parser import parse
from influxql.standing import StandingTexts
from store.contract import StatementResult
from store.embedded.catalog import Catalog
from store.embedded.index import SeriesIndex
from store.embedded.query import EmbeddedReader, parse_query
from store.embedded.recent.memory import Outcome, Recent
from store.embedded.schema import CATALOG_SQL
from store.embedded.writer import Writer
from tests.fakes.clock import ManualClock

SECOND = 1_000_000_000
NOW = 1_700_000_000 * SECOND


class Pair:
    """One database with two readers: one that has a memory, one that has none."""

    def __init__(self, limit_bytes: int = 64_000_000, settled_bytes: int | None = None) -> None:
        self.connection = duckdb.connect(config={"threads": 1})
        self.connection.execute(CATALOG_SQL)
        self.catalog = Catalog(self.connection)
        self.outcomes: Counter[Outcome] = Counter()
        self.recent = Recent(limit_bytes, lambda outcome: self.outcomes.update([outcome]), settled_bytes)
        index = SeriesIndex()
        self.writer = Writer(self.connection.cursor(), self.catalog, recent=self.recent, index=index)
        file, clock = (self.connection.cursor, self.catalog.tables), ManualClock()
        self.with_memory = EmbeddedReader(*file, clock, recent=self.recent, index=index)
        self.without = EmbeddedReader(*file, clock, index=index)
        self.texts, self.at_once = StandingTexts(), 0
        self.offsets, self.buckets = count(1), (f"b{number}" for number in count())

    def write(self, bucket: str, lines: list[str]) -> None:
        self.write_body(bucket, "".join(f"{line}\n" for line in lines).encode())

    def write_body(self, bucket: str, body: bytes) -> None:
        shipment = Shipment(bucket, igzip.compress(body), body.count(b"\n"))
        self.writer.write(shipment, Position("log", bucket, next(self.offsets)))

    def change(self, bucket: str, text: str) -> None:
        (statement,) = parse(text)
        assert isinstance(statement, Delete | DropMeasurement)
        self.writer.delete(bucket, statement, NOW)

    def ask(self, bucket: str, text: str, now_ns: int = NOW) -> tuple[StatementResult, ...]:
        return self.with_memory.answer(parse_query(text, self.texts.parse), bucket, now_ns)

    def compare(self, bucket: str, text: str, now_ns: int = NOW) -> None:
        found, truth = self.ask(bucket, text, now_ns), self.without.answer(parse_query(text), bucket, now_ns)
        assert shown(found) == shown(truth), text
        standing = self.texts.find(text)
        at_once = None if standing is None else self.with_memory.answer_at_once(standing, bucket, now_ns)
        if at_once is not None:
            self.at_once += 1
            assert shown(at_once) == shown(truth), text


def shown(results: tuple[StatementResult, ...]) -> Any:
    """Results without the last digits of floats that were added up."""
    return [
        (result.error, [(one.name, one.columns, dict(one.tags), [*map(rounded, one.values)]) for one in result.series])
        for result in results
    ]


def rounded(row: list[Any]) -> list[Any]:
    return [Close(value) if isinstance(value, float) else value for value in row]


class Close:
    """Equal to what differs by less than a billionth."""

    def __init__(self, value: float) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Close) and math.isclose(self.value, other.value, rel_tol=1e-9, abs_tol=1e-9)

    __hash__ = None  # type: ignore[assignment]  # what is close is no key

    def __repr__(self) -> str:
        return repr(self.value)
