"""Whatever the mixture of lines, the table holds what reading them one by one says: fast path and slow path agree."""

from collections.abc import Iterator
from itertools import count
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from isal import igzip

from foundation.batch import FieldType, Position, Shipment
from foundation.line_protocol.line import LineError, field_type
from foundation.line_protocol.parse import parse_line
from store.embedded.catalog import Catalog
from store.embedded.schema import CATALOG_SQL
from store.embedded.writer import Writer

TAGS = [b"a=x", b"a=y", b"A=x", b"sp\\ ace=com\\,ma", "ü=日本".encode(), b'q="uote"']
FIELDS = {
    b"f": [b"1", b"-2.5e3", b".5", b"00.25"],
    b"F": [b"7i", b"-9223372036854775808i"],
    b"u": [b"8u", b"18446744073709551615u"],
    b"select": [b'"s"', b'""', b'"two words"', b'"a,b=c"', b'"n\nl"', b'"\\"q\\""'],
    b"x\\=y": [b"t", b"FALSE"],
}
ANY_VALUE = [value for values in FIELDS.values() for value in values]
TIMES = [b"0", b"1", b"-5", b"1700000000000000000", b"001"]
BROKEN = [
    b"m",
    b"m f=",
    b"m f=1 x",
    b"m,t= f=1 1",
    b"m,t=1,t=2 f=1 1",
    b"# comment",
    b"",
    b"m f=1i5 1",
    b"m f=1  1 ",
    b"\xff f=1 1",
]
SERIES_TIME_VALUE = dict[tuple[str, tuple[tuple[str, str], ...], int], dict[str, Any]]


@st.composite
def good_line(draw: st.DrawFn) -> bytes:
    """A line of few names and values, so that equal points are frequent; now and then a value of another type."""
    tags = draw(st.lists(st.sampled_from(TAGS), unique_by=lambda tag: tag.split(b"=")[0], max_size=2))
    names = draw(st.lists(st.sampled_from(list(FIELDS)), unique=True, min_size=1, max_size=3))
    odd = draw(st.integers(0, 9)) == 0
    fields = [name + b"=" + draw(st.sampled_from(ANY_VALUE if odd else FIELDS[name])) for name in names]
    measurement = draw(st.sampled_from([b"m", b"m", b"n\\ o"]))
    return b"%s %s %s" % (b",".join([measurement, *tags]), b",".join(fields), draw(st.sampled_from(TIMES)))


BODIES = st.lists(st.lists(good_line() | st.sampled_from(BROKEN), max_size=40), min_size=1, max_size=3)


class Model:
    """Points as a dictionary: every line read by the line protocol's own parser, in order."""

    def __init__(self) -> None:
        self.points: SERIES_TIME_VALUE = {}
        self.types: dict[tuple[str, str], FieldType] = {}

    def take(self, text: bytes, types: dict[tuple[str, str], FieldType]) -> bool:
        """Whether the line is good under the types that the store pinned; if so, its point is merged."""
        line = parse_line(text)
        if line.time_ns is None:
            return False
        if any(types.get((line.measurement, name)) is not field_type(value) for name, value in line.fields):
            return False
        key = (line.measurement, tuple(sorted(line.tags)), line.time_ns)
        self.points.setdefault(key, {}).update(dict(line.fields))
        return True


class Memory:
    """A writer on a database in memory, a new bucket for each example."""

    def __init__(self) -> None:
        self.connection = duckdb.connect()
        self.connection.execute(CATALOG_SQL)
        self.catalog = Catalog(self.connection)
        self.writer = Writer(self.connection.cursor(), self.catalog)
        self.buckets = (f"bucket{number}" for number in count())

    def points(self, bucket: str) -> SERIES_TIME_VALUE:
        """What the tables hold. A point that stands there twice fails."""
        found: SERIES_TIME_VALUE = {}
        for table in (self.catalog.tables(bucket) or {}).values():
            names = ", ".join(["time", *(column.physical for column in table.columns)])
            for time, *values in self.connection.execute(f"SELECT {names} FROM {table.relation}").fetchall():  # noqa: S608 - our own names
                cells = [
                    (column, value) for column, value in zip(table.columns, values, strict=True) if value is not None
                ]
                tags = tuple(sorted((column.name, value) for column, value in cells if column.kind == "tag"))
                key = (table.measurement, tags, time)
                assert key not in found
                found[key] = {column.name: value for column, value in cells if column.kind == "field"}
        return found

    def types(self, bucket: str) -> dict[tuple[str, str], FieldType]:
        """The types that the store pinned."""
        return {
            (table.measurement, name): column.type
            for table in (self.catalog.tables(bucket) or {}).values()
            for name, column in table.fields.items()
            if column.type is not None
        }


@pytest.fixture(scope="module")
def memory() -> Iterator[Memory]:
    made = Memory()
    yield made
    made.connection.close()


def readable(text: bytes) -> bool:
    try:
        parse_line(text)
    except LineError:
        return False
    return True


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(bodies=BODIES)
def test_table_holds_what_the_lines_say(memory: Memory, bodies: list[list[bytes]]) -> None:
    """After any shipments each point is there once, its fields are the last ones written, the rest was refused."""
    bucket, model = next(memory.buckets), Model()
    for offset, lines in enumerate(bodies, 1):
        body = b"".join(line + b"\n" for line in lines)
        verdict = memory.writer.write(
            Shipment(bucket, igzip.compress(body, 1), len(lines)), Position("log", bucket, offset)
        )
        data = [line for line in lines if line and not line.startswith(b"#")]
        types = memory.types(bucket)
        taken = [line for line in data if readable(line) and model.take(line, types)]
        assert verdict.stored == len(taken)
        assert sorted(refused.line for refused in verdict.refused) == sorted(set_minus(data, taken))
    assert memory.points(bucket) == model.points


def set_minus(all_: list[bytes], some: list[bytes]) -> list[bytes]:
    """`all_` without `some`, counting how often each stands there."""
    left = list(all_)
    for line in some:
        left.remove(line)
    return left
