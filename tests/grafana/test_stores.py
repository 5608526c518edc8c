"""Every query of every board runs on a real influxd and on the embedded store: rows, finite values, the same answer."""

import math
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from foundation.secret import Secret
from store.contract import Series, Store
from store.embedded.store import EmbeddedConfig, EmbeddedStore
from store.influxdb import InfluxConfig, InfluxStore
from tests.fakes.clock import ManualClock
from tests.fakes.influxd import Influxd
from tests.fakes.shipping import Log
from tests.fakes.telemetry import HOUR_S, NS, an_hour
from tests.grafana.counting import OVER_TIME, VALUES, read
from tests.grafana.reading import ONE, Asked, expand, queries, seconds

END_S = 1_767_225_600
WINDOW_S = 60
PICKED = {
    "service": "(payments|shop)",
    "endpoint": "(\\/pay|\\/products\\/\\{id\\})",
    "feature": "(checkout|browse)",
    "site": "north",
    "country": "(de|fr)",
}

MAY_BE_EMPTY = ("How response times are spread",)
"""One query a range of values: nothing need be that fast, or that slow."""

pytestmark = pytest.mark.timeout(180)


def query_at(asked: Asked, picked: dict[str, str] | None = None) -> str:
    """The query over the seeded hour, or over its last minutes where the panel has a window of its own."""
    span_s = seconds(asked.window) if asked.window else HOUR_S
    end_s = END_S - (seconds(asked.shift) if asked.shift else 0)
    span = {"from_ms": (end_s - span_s) * 1000, "to_ms": end_s * 1000}
    one = ONE.get(asked.board, {})
    return expand(asked.text, window_s=WINDOW_S, picked={**one, **(picked or {}), **one}, **span)


async def open_store(kind: str, request: pytest.FixtureRequest, folder: Path) -> Log:
    """An open store of that kind, with a bucket of its own."""
    store: Store
    if kind == "embedded":
        store, bucket = EmbeddedStore(EmbeddedConfig(), state=folder, clock=ManualClock()), "telemetry"
    else:
        server: Influxd = request.getfixturevalue("influxd")
        bucket = request.getfixturevalue("influx_bucket")
        store = InfluxStore(InfluxConfig(kind="influxdb", url=server.url, org=server.org, token=Secret(server.token)))
    await store.open()
    return Log(store, bucket)


@pytest.fixture(params=["embedded", "influxdb"])
async def log(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Log]:
    """Each store in turn, empty."""
    opened = await open_store(request.param, request, tmp_path)
    yield opened
    await opened.store.close()


async def series_of(log: Log, text: str) -> tuple[Series, ...]:
    (result,) = await log.store.query(text, log.bucket)
    assert result.error is None, f"{text}: {result.error}"
    return result.series


def numbers(series: Series) -> list[float]:
    return [cell for row in series.values for cell in row[1:] if isinstance(cell, int | float)]


async def test_every_query_finds_its_data(log: Log):
    """With an hour of everything, each panel, variable and annotation gets rows, and no number is infinite or NaN."""
    await log.put(an_hour(END_S * NS))
    for asked in queries():
        found = await series_of(log, query_at(asked))
        assert found or asked.where.startswith(MAY_BE_EMPTY), asked.name
        assert all(math.isfinite(value) for series in found for value in numbers(series)), asked.name
        if asked.kind == "panel" and not asked.where.startswith((*MAY_BE_EMPTY, "Last word of each rule")):
            assert any(numbers(series) for series in found), asked.name


async def test_picking_narrows_what_is_found(log: Log):
    """With values picked, regular-expression signs in them included, only their series are left."""
    await log.put(an_hour(END_S * NS))
    wanted = {
        "Slowest endpoints": {"/pay", "/products/{id}"},
        "endpoint": {"/pay", "/checkout", "/products", "/products/{id}"},
    }
    seen = {}
    for asked in queries():
        found = await series_of(log, query_at(asked, PICKED))
        if asked.board == "tocsin-red" and asked.where == "Slowest endpoints":
            seen[asked.where] = {series.tags["endpoint"] for series in found}
        if asked.board == "tocsin-red" and asked.where == "endpoint":
            seen[asked.where] = {str(row[1]) for series in found for row in series.values}
    assert seen == wanted


async def test_an_empty_store_is_empty_and_no_error(log: Log):
    """Before the first line of telemetry every query answers without an error and without rows."""
    await log.put(b"unrelated value=1 1767225600000000000\n")
    for asked in queries():
        assert await series_of(log, query_at(asked)) == (), asked.name


async def test_both_stores_answer_the_same(request: pytest.FixtureRequest, tmp_path: Path):
    """Each query of each board: the same series, the same times, the same numbers on both stores."""
    logs = [await open_store(kind, request, tmp_path) for kind in ("embedded", "influxdb")]
    try:
        for log in logs:
            await log.put(an_hour(END_S * NS))
        for asked in queries():
            ours, theirs = [await series_of(log, query_at(asked)) for log in logs]
            assert [comparable(one) for one in ours] == [comparable(one) for one in theirs], asked.name
    finally:
        for log in logs:
            await log.store.close()


def of_range(found: tuple[Series, ...]) -> dict[tuple[str, ...], list[float]]:
    """Tag values -> the numbers of the one row."""
    return {tuple(one.tags.values()): [float(cell) for cell in one.values[0][1:]] for one in found}  # type: ignore[arg-type]  # tests compare


def over_time(found: tuple[Series, ...]) -> dict[tuple[str, ...], dict[int, float]]:
    """Tag values -> window's second -> the first number, nulls and zeros left out."""
    return {
        tuple(one.tags.values()): {int(row[0]) // NS: float(row[1]) for row in one.values if row[1]}  # type: ignore[arg-type]  # as above
        for one in found
    }


async def test_boards_show_what_the_raw_lines_say(log: Log):
    """The main figures of every board, counted again in Python from the lines, are what its queries answer."""
    body = an_hour(END_S * NS)
    await log.put(body)
    hour = read(body, END_S)
    asked = {(one.board.removeprefix("tocsin-"), one.where): one for one in queries() if one.kind == "panel"}
    for where, count in VALUES.items():
        expected = {key: value if isinstance(value, list) else [value] for key, value in count(hour).items()}
        found = of_range(await series_of(log, query_at(asked[where])))
        assert found.keys() == expected.keys(), where
        for key, numbers_ in expected.items():
            assert found[key] == pytest.approx(numbers_, rel=1e-9), (where, key)
    for where, count in OVER_TIME.items():
        lines = {key: {at: value for at, value in line.items() if value} for key, line in count(hour).items()}
        shown = over_time(await series_of(log, query_at(asked[where])))
        assert shown.keys() == lines.keys(), where
        for key, line in lines.items():
            assert shown[key] == pytest.approx(line, rel=1e-9), (where, key)


def test_every_board_has_figures_that_are_counted_again():
    """No board is left out."""
    counted = {board for board, _ in (*VALUES, *OVER_TIME)}
    assert counted == {one.board.removeprefix("tocsin-") for one in queries()}


def comparable(series: Series) -> tuple[object, ...]:
    """A series whose floats are equal when they agree to nine digits: the order of a sum is nobody's promise."""
    rows = [[f"{cell:.9g}" if isinstance(cell, float) else cell for cell in row[1:]] for row in series.values]
    whole = [[str(float(cell)) if is_number(cell) else cell for cell in row] for row in rows]
    return series.name, dict(series.tags), series.columns, [row[0] for row in series.values], whole


def is_number(cell: object) -> bool:
    try:
        float(str(cell))
    except ValueError:
        return False
    return True
