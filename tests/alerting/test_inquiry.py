"""The fake reader answers a rule's question as a real store does."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from isal import igzip
from prometheus_client import CollectorRegistry

from alerting.inquiry import ask
from alerting.rules.query import NothingThere, Question, bound, nanoseconds, read_query
from alerting.rules.recipe import Part, Recipe
from foundation.batch import Position, Shipment
from foundation.clock import SystemClock
from store.catalog import build
from store.contract import Reader
from store.embedded.store import EmbeddedConfig
from tests.fakes.reader import FakeReader

AT = datetime(2026, 1, 1, tzinfo=UTC)
LINES = f"m,host=a cpu=95 {nanoseconds(AT)}\nm,host=b cpu=5 {nanoseconds(AT)}\nm cpu=7 {nanoseconds(AT)}\n"


def recipe(bucket: str = "telemetry") -> Recipe:
    parts = bound(read_query("SELECT mean(cpu) FROM m GROUP BY host"))
    return Recipe(Part(Question(parts, bucket, timedelta(minutes=1), timedelta(minutes=1))))


@pytest.fixture(params=["fake", "embedded"])
async def reader(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Reader]:
    if request.param == "fake":
        yield FakeReader(lambda at: {"a": 95.0, "b": 5.0, "": 7.0} if at == AT else {})
        return
    store = build(EmbeddedConfig(), state=tmp_path, clock=SystemClock(), registry=CollectorRegistry())
    await store.open()
    body = LINES.encode()
    await store.write(Shipment("telemetry", igzip.compress(body), 3), Position("log", "telemetry", len(body)))
    yield store
    await store.close()


async def test_values_by_labels(reader: Reader):
    """Each series has its value; a missing tag is no label."""
    assert await ask(reader, recipe(), AT) == {(("host", "a"),): 95.0, (("host", "b"),): 5.0, (): 7.0}


async def test_the_window_is_open_on_the_left(reader: Reader):
    """A minute later the points at the left edge are out of the window, and there is no series."""
    assert await ask(reader, recipe(), AT + timedelta(minutes=1)) == {}


async def test_no_such_bucket(reader: Reader):
    """A bucket that does not exist is told from an empty answer."""
    with pytest.raises(NothingThere, match="database not found: nosuch"):
        await ask(reader, recipe("nosuch"), AT)
