"""The same lines, the same query, the same answer: InfluxQL's finer points, over every store and a real InfluxDB.

The table (influxql_answers.yml) was seen on a real influxd 2.9.1; running it over influxd again keeps it true.
"""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import yaml

from foundation.clock import SystemClock
from foundation.secret import Secret
from store.contract import Series, Store
from store.embedded.store import EmbeddedConfig, EmbeddedStore
from store.errors import QuerySyntaxError
from store.influxdb import InfluxConfig, InfluxStore
from tests.fakes.influxd import Influxd
from tests.fakes.shipping import Log

HERE = Path(__file__).parent
LINES = (HERE / "influxql_lines.txt").read_bytes()
RULES = yaml.safe_load((HERE / "influxql_answers.yml").read_text())
CASES = [pytest.param(case, id=f"{rule['rule']}: {case['ask']}") for rule in RULES for case in rule["cases"]]
KINDS = ["embedded", "influxdb"]

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def influx_lines(influxd: Influxd) -> Iterator[str]:
    """A bucket of the shared influxd that holds the lines."""
    made = influxd.make_bucket("influxql")
    status, answer = influxd.call("POST", f"/api/v2/write?org={influxd.org}&bucket=influxql", LINES)
    assert status == 204, answer
    yield "influxql"
    influxd.drop_bucket(made)


@pytest_asyncio.fixture(params=KINDS, scope="module", loop_scope="module")
async def filled(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """An open store of each kind that holds the lines. Nothing here changes them, so one serves all tests."""
    store: Store
    if request.param == "embedded":
        state = tmp_path_factory.mktemp("influxql")
        store, bucket = EmbeddedStore(EmbeddedConfig(), state=state, clock=SystemClock()), "telemetry"
        await store.open()
        await Log(store, bucket).put(LINES)
    else:
        server, bucket = request.getfixturevalue("influxd"), request.getfixturevalue("influx_lines")
        config = InfluxConfig(kind="influxdb", url=server.url, org=server.org, token=Secret(server.token))
        store = InfluxStore(config)
        await store.open()
    try:
        yield Log(store, bucket)
    finally:
        await store.close()


async def test_table_is_whole() -> None:
    """The table holds every point it was made of, so that none is lost by an edit."""
    assert len(RULES) == 45
    assert len(CASES) > 150


@pytest.mark.parametrize("case", CASES)
async def test_answer(filled: Log, case: dict[str, Any], request: pytest.FixtureRequest) -> None:
    """Each query of the table is answered as InfluxDB answered it; a known difference still is one."""
    embedded = request.node.callspec.params["filled"] == "embedded"
    right = await _is_right(filled, case)
    assert right is None or ("differs" in case and embedded), right
    assert not (embedded and "differs" in case and right is None), "the embedded store answers this by now"


async def test_statement_that_fails_hides_those_behind(filled: Log) -> None:
    """A statement that fails ends the request: those before are answered, it says only `not executed`."""
    text = "SELECT v FROM g LIMIT 1; SELECT nosuch(v) FROM g; SELECT v FROM g LIMIT 1"
    first, second = await filled.store.query(text, filled.bucket)
    assert [series.values for series in first.series] == [[[0, 10]]]
    assert second.error == "not executed"


async def test_unknown_database(filled: Log) -> None:
    """A query on a database that does not exist is an error of its statement, not of the request."""
    (result,) = await filled.store.query("SELECT v FROM g", "nosuch")
    assert result.error == "database not found: nosuch"


async def _is_right(log: Log, case: dict[str, Any]) -> str | None:
    """None where the answer is the expected one, else both, side by side."""
    query = case["ask"].replace("{bucket}", log.bucket)
    try:
        (result,) = await log.store.query(query, log.bucket)
    except QuerySyntaxError as error:
        return None if str(error) == case.get("malformed") else f"malformed: {error}"
    if result.error is not None:
        return None if result.error == case.get("error") else f"error: {result.error}"
    if "get" not in case:
        return f"answered: {result.series}"
    factor = 1 if case.get("unit") == "ns" else 1_000_000_000
    wanted = [_expected(series, factor) for series in case["get"]]
    got = [_got(series) for series in result.series]
    return None if _equal(got, wanted) else f"\n got    {got}\n wanted {wanted}"


def _expected(series: dict[str, Any], factor: int) -> list[Any]:
    rows = series["rows"]
    if series["columns"][0] == "time":
        rows = [[row[0] * factor, *row[1:]] for row in rows]
    return [series.get("tags", {}), series["columns"], rows]


def _got(series: Series) -> list[Any]:
    return [dict(series.tags), list(series.columns), list(map(list, series.values))]


def _equal(got: Any, wanted: Any) -> bool:
    """Equal, floats to 1e-9 of their size; a whole float is its integer, as in JSON."""
    if isinstance(wanted, list):
        return isinstance(got, list) and len(got) == len(wanted) and all(map(_equal, got, wanted))
    if isinstance(wanted, bool) or isinstance(got, bool):
        return got is wanted
    if isinstance(wanted, float) or (isinstance(got, float) and isinstance(wanted, int)):
        return isinstance(got, int | float) and math.isclose(got, wanted, rel_tol=1e-9)
    return bool(got == wanted)
