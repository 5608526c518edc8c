"""What every store promises: the same lines and the same query give the same answer, here as on a real InfluxDB."""

import uuid
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from foundation.batch import FieldType, Position
from foundation.secret import Secret
from store.contract import Store, Verdict
from store.embedded.store import EmbeddedConfig, EmbeddedStore
from store.errors import BodyRefused, BucketMissing, QuerySyntaxError, StoreUnavailable
from store.influxdb import InfluxConfig, InfluxStore
from tests.fakes.clock import ManualClock
from tests.fakes.influxd import Influxd
from tests.fakes.shipping import Log, shipment

KINDS = ["embedded", "influxdb"]
Answer = list[tuple[str, dict[str, str], tuple[str, ...], list[list[Any]]]]


def influx_config(server: Influxd, **changes: Any) -> InfluxConfig:
    given = {"kind": "influxdb", "url": server.url, "org": server.org, "token": Secret(server.token)}
    return InfluxConfig(**{**given, **changes})


@pytest.fixture(params=KINDS)
async def log(request: pytest.FixtureRequest, tmp_path: Path, clock: ManualClock) -> AsyncIterator[Log]:
    """An open store of each kind, with a bucket of its own that holds nothing."""
    store: Store
    if request.param == "embedded":
        store, bucket = EmbeddedStore(EmbeddedConfig(), state=tmp_path, clock=clock), "telemetry"
    else:
        server, bucket = request.getfixturevalue("influxd"), request.getfixturevalue("influx_bucket")
        store = InfluxStore(influx_config(server))
    await store.open()
    try:
        yield Log(store, bucket)
    finally:
        await store.close()


async def ask(log: Log, influxql: str) -> Answer:
    """Series of the one statement's answer."""
    (result,) = await log.store.query(influxql, log.bucket)
    assert result.error is None
    return [(series.name, dict(series.tags), series.columns, series.values) for series in result.series]


async def refusal(log: Log, body: bytes) -> str:
    """The reason for which the store refuses the only line of `body`, whichever way it says so."""
    try:
        verdict = await log.put(body)
    except BodyRefused as error:
        return str(error)
    (refused,) = verdict.refused
    assert verdict.stored == 0
    return refused.reason


async def test_lines_come_back(log: Log) -> None:
    """Every type of field comes back as it was written, under its tags, at its nanosecond."""
    body = (
        b'm,h=a f=1.25,i=-7i,u=18446744073709551615u,s="x",b=true 1700000000000000001\nm,h=b f=2 1700000000000000002\n'
    )
    assert await log.put(body) == Verdict(stored=2)
    assert await ask(log, "SELECT * FROM m") == [
        (
            "m",
            {},
            ("time", "b", "f", "h", "i", "s", "u"),
            [
                [1_700_000_000_000_000_001, True, 1.25, "a", -7, "x", 18_446_744_073_709_551_615],
                [1_700_000_000_000_000_002, None, 2, "b", None, None, None],
            ],
        )
    ]


async def test_several_members_are_one_body(log: Log) -> None:
    """Concatenated gzip members are read to the end."""
    body = b"".join(b"m f=%d %d\n" % (n, n) for n in range(100))
    assert await log.put(body, members=7) == Verdict(stored=100)
    assert await ask(log, "SELECT count(f), sum(f) FROM m") == [("m", {}, ("time", "count", "sum"), [[0, 100, 4950]])]


async def test_same_lines_twice_leave_one_point_each(log: Log) -> None:
    """Writing again is harmless."""
    body = b"m,h=a f=1 10\nm,h=b f=2 10\nm f=3 10\n"
    await log.put(body)
    await log.put(body)
    assert await ask(log, "SELECT count(f) FROM m") == [("m", {}, ("time", "count"), [[0, 3]])]


async def test_overwrite_merges_field_by_field(log: Log) -> None:
    """For one series and time the last write of each field wins, and other fields stay."""
    await log.put(b"m,h=a f=1,g=1 10\n")
    await log.put(b"m,h=a f=2,k=9i 10\nm,h=a f=3 10\nm,h=b f=5 10\n")
    assert await ask(log, "SELECT f, g, k FROM m GROUP BY h") == [
        ("m", {"h": "a"}, ("time", "f", "g", "k"), [[10, 3, 1, 9]]),
        ("m", {"h": "b"}, ("time", "f", "g", "k"), [[10, 5, None, None]]),
    ]


async def test_late_points_are_in_order(log: Log) -> None:
    """Points that arrive late stand where their time puts them, before 1970 too."""
    await log.put(b"m f=3 3000\nm f=4 4000\n")
    await log.put(b"m f=2 2000\nm f=5 5000\nm f=-1 -1000\n")
    expected = [[-1000, -1], [2000, 2], [3000, 3], [4000, 4], [5000, 5]]
    assert await ask(log, "SELECT f FROM m WHERE time >= -5000") == [("m", {}, ("time", "f"), expected)]


async def test_new_tags_and_fields_at_any_time(log: Log) -> None:
    """A point may bring names that the measurement did not have; points without them stay without them."""
    await log.put(b"m f=1 10\n")
    await log.put(b'm,h=a,r=eu f=2,s="new" 20\n')
    await log.put(b"m,h=a f=3 30\n")
    assert await ask(log, "SELECT f, s FROM m GROUP BY h, r") == [
        ("m", {"h": "", "r": ""}, ("time", "f", "s"), [[10, 1, None]]),
        ("m", {"h": "a", "r": ""}, ("time", "f", "s"), [[30, 3, None]]),
        ("m", {"h": "a", "r": "eu"}, ("time", "f", "s"), [[20, 2, "new"]]),
    ]


async def test_odd_names_and_strings(log: Log) -> None:
    """Names may be keywords, differ in case alone, hold quotes, blanks, commas; strings may hold anything."""
    await log.put(
        'SELECT,from=x,tag\\ key=a\\,b F=1,f=2,"q"=3 10\nselect f=4 10\ngrüße ☃="a\n\\"b\\" \\\\ c",e="" 10\n'.encode()
    )
    assert await ask(log, 'SELECT "F", "f", "\\"q\\"" FROM "SELECT" GROUP BY "from", "tag key"') == [
        ("SELECT", {"from": "x", "tag key": "a,b"}, ("time", "F", "f", '"q"'), [[10, 1, 2, 3]])
    ]
    assert await ask(log, 'SELECT "f" FROM "select"') == [("select", {}, ("time", "f"), [[10, 4]])]
    assert await ask(log, 'SELECT "☃", e FROM "grüße"') == [
        ("grüße", {}, ("time", "☃", "e"), [[10, 'a\n"b" \\ c', ""]])
    ]


@pytest.mark.parametrize(
    ("pinned", "line", "was", "is_"),
    [
        (b"m f=1 10", b"m f=2i 20", "float", "integer"),
        (b"m f=1i 10", b"m f=2u 20", "integer", "unsigned"),
        (b"m f=true 10", b'm f="t" 20', "boolean", "string"),
        (b'm f="1" 10', b"m f=1 20", "string", "float"),
    ],
)
async def test_type_conflict_is_refused(log: Log, pinned: bytes, line: bytes, was: str, is_: str) -> None:
    """A line whose field has another type than it is pinned to is refused, with InfluxDB's reason."""
    await log.put(pinned + b"\n")
    reason = f'input field "f" on measurement "m" is type {is_}, already exists as type {was}'
    assert reason in await refusal(log, line + b"\n")
    assert len((await ask(log, "SELECT f FROM m"))[0][3]) == 1


async def test_bad_line_is_refused(log: Log) -> None:
    """What is no line protocol is refused with its reason."""
    assert "missing fields" in await refusal(log, b"nonsense\n")


async def test_good_lines_of_a_body_survive_a_conflict(log: Log) -> None:
    """Around a line of the wrong type the others are stored, at once or when the halves are written again."""
    lines = [b"m f=1 10\n", b"m f=2i 20\n", b"m f=3 30\n"]
    await log.put(b"m f=0 0\n")
    try:
        verdict = await log.put(b"".join(lines))
        assert (verdict.stored, [refused.number for refused in verdict.refused]) == (2, [2])
    except BodyRefused:
        await log.put(lines[0])
        with pytest.raises(BodyRefused):
            await log.put(lines[1])
        await log.put(lines[2])
    assert await ask(log, "SELECT f FROM m") == [("m", {}, ("time", "f"), [[0, 0], [10, 1], [30, 3]])]


async def test_field_types_are_told(log: Log) -> None:
    """The types of all fields can be asked for, to seed the collector's own pins."""
    await log.put(b'm,h=a f=1,i=1i,u=1u,s="",b=f 10\nn f=1i 10\n')
    assert await log.store.field_types(log.bucket) == {
        "m": {
            "f": FieldType.FLOAT,
            "i": FieldType.INTEGER,
            "u": FieldType.UNSIGNED,
            "s": FieldType.STRING,
            "b": FieldType.BOOLEAN,
        },
        "n": {"f": FieldType.INTEGER},
    }


async def test_buckets_are_told(log: Log) -> None:
    """The bucket is among those that exist, sorted, and none that InfluxDB keeps for itself."""
    await log.put(b"m f=1 1\n")
    buckets = await log.store.buckets()
    assert log.bucket in buckets
    assert list(buckets) == sorted(buckets)
    assert not [name for name in buckets if name.startswith("_")]


async def test_aggregates_over_windows(log: Log) -> None:
    """Windows, tags and gaps come out alike: the boards' most common question."""
    await log.put(b"m,h=a f=1 0\nm,h=a f=3 4000000000\nm,h=a f=8 25000000000\nm,h=b f=10 12000000000\n")
    query = "SELECT mean(f), count(f) FROM m WHERE time >= 0 AND time < 30s GROUP BY time(10s), h fill(null)"
    second = 1_000_000_000
    assert await ask(log, query) == [
        ("m", {"h": "a"}, ("time", "mean", "count"), [[0, 2, 2], [10 * second, None, 0], [20 * second, 8, 1]]),
        ("m", {"h": "b"}, ("time", "mean", "count"), [[0, None, 0], [10 * second, 10, 1], [20 * second, None, 0]]),
    ]


async def test_several_statements(log: Log) -> None:
    """Each statement has its own result, in order."""
    await log.put(b"m f=1 10\n")
    results = await log.store.query("SELECT f FROM m; SHOW MEASUREMENTS; SELECT f FROM nothing", log.bucket)
    assert [result.statement_id for result in results] == [0, 1, 2]
    assert [[series.values for series in result.series] for result in results] == [[[[10, 1]]], [[["m"]]], []]


async def test_error_of_a_statement_stands_in_its_result(log: Log) -> None:
    """A statement that parses but cannot be answered has InfluxDB's error in its result."""
    await log.put(b"m f=1,g=1 10\n")
    (result,) = await log.store.query("SELECT mean(f), g FROM m", log.bucket)
    assert result.error == "mixing aggregate and non-aggregate queries is not supported"


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        ("SHOW USERS", "SHOW USERS"),
        ("SHOW GRANTS FOR someone", "SHOW GRANTS"),
        ("SHOW SHARD GROUPS", "SHOW SHARD GROUPS"),
        ("SHOW CONTINUOUS QUERIES", "SHOW CONTINUOUS QUERIES"),
        ("CREATE DATABASE other", "CREATE DATABASE"),
        ("CREATE USER someone WITH PASSWORD 'x'", "CREATE USER"),
        ("DROP DATABASE other", "DROP DATABASE"),
        ("ALTER RETENTION POLICY autogen ON db DURATION 2d", "ALTER RETENTION POLICY"),
        ("REVOKE READ ON db FROM someone", "REVOKE"),
        ("REVOKE ALL PRIVILEGES FROM someone", "REVOKE ALL"),
        ("SELECT f INTO other FROM m", "SELECT INTO"),
    ],
)
async def test_statements_that_no_store_runs(log: Log, statement: str, name: str) -> None:
    """They are answered one by one, in InfluxDB's words, so what stands before them is answered too."""
    await log.put(b"m f=1 10\n")
    first, second = await log.store.query(f"SELECT f FROM m; {statement}", log.bucket)  # noqa: S608 - InfluxQL
    assert (len(first.series), second.error) == (1, f"not implemented: {name}")


async def test_unknown_database(log: Log) -> None:
    """A database that does not exist is an error of the statement, in InfluxDB's words."""
    (result,) = await log.store.query("SELECT f FROM m", "nowhere")
    assert result.error == "database not found: nowhere"


async def test_text_that_does_not_parse(log: Log) -> None:
    """What is no InfluxQL raises, with the place and what was expected."""
    with pytest.raises(QuerySyntaxError, match=r"found f, expected FROM at line 1, char 10"):
        await log.store.query("SELECT f f FROM m", log.bucket)


@pytest.mark.parametrize("kind", KINDS)
async def test_missing_bucket(kind: str, tmp_path: Path, clock: ManualClock, request: pytest.FixtureRequest) -> None:
    """A write to a bucket that is not there, and must not be made, says so: its lines wait."""
    store: Store = EmbeddedStore(EmbeddedConfig(create_buckets=False), state=tmp_path, clock=clock)
    if kind == "influxdb":
        store = InfluxStore(influx_config(request.getfixturevalue("influxd")))
    await store.open()
    try:
        with pytest.raises(BucketMissing):
            await Log(store, "nowhere").put(b"m f=1 1\n")
    finally:
        await store.close()


async def test_positions(log: Log) -> None:
    """A store either tells the position committed with the last rows, 0 before the first, or keeps none at all."""
    keeps = log.store.name == "embedded"
    assert await log.store.position(log.name, log.bucket) == (0 if keeps else None)
    await log.put(b"m f=1 1\n")
    await log.put(b"m f=2 2\n")
    assert await log.store.position(log.name, log.bucket) == (log.offset if keeps else None)
    assert await log.store.position("another log", log.bucket) == (0 if keeps else None)


async def test_position_stays_where_lines_are_refused(log: Log) -> None:
    """Whoever dies before refused lines are dead letters is not past them; a shipment of no lines moves it alone."""
    await log.put(b"m f=1 1\n")
    before = await log.store.position(log.name, log.bucket)
    assert "conflict" in await refusal(log, b'm f="x" 2\n')
    assert await log.store.position(log.name, log.bucket) == before

    if before is not None:
        behind = Position(log.name, log.bucket, log.offset)
        assert await log.store.write(shipment(b"", log.bucket), behind) == Verdict(stored=0)
        assert await log.store.position(log.name, log.bucket) == log.offset


async def test_closed_store_is_unavailable(tmp_path: Path, clock: ManualClock) -> None:
    """Before open and after close every store says that it is unavailable, and closing twice is harmless."""
    stores: list[Store] = [
        EmbeddedStore(EmbeddedConfig(), state=tmp_path, clock=clock),
        InfluxStore(InfluxConfig(kind="influxdb", url="http://127.0.0.1:1", org="o", token=Secret("t"))),
    ]
    for store in stores:
        with pytest.raises(StoreUnavailable):
            await store.query("SHOW DATABASES", "telemetry")
        await store.open()
        await store.close()
        with pytest.raises(StoreUnavailable):
            await Log(store).put(b"m f=1 1\n")
        await store.close()


async def test_a_bucket_made_is_there_and_empty(log: Log) -> None:
    """It can be asked before its first line; making it again, or where the server has it, changes nothing."""
    await log.store.make_bucket(log.bucket)
    await log.store.make_bucket(log.bucket)
    assert log.bucket in await log.store.buckets()
    assert await ask(log, "SELECT f FROM m") == []
    await log.put(b"m f=1 10\n")
    await log.store.make_bucket(log.bucket)
    assert await ask(log, "SELECT f FROM m") == [("m", {}, ("time", "f"), [[10, 1]])]


async def test_no_bucket_is_made_where_writing_makes_none(tmp_path: Path, clock: ManualClock, influxd: Influxd) -> None:
    """BucketMissing, from a server that has none of the name and from an embedded store that may not make it."""
    for store in (
        EmbeddedStore(EmbeddedConfig(create_buckets=False), state=tmp_path, clock=clock),
        InfluxStore(influx_config(influxd)),
    ):
        assert not store.makes_buckets
        await store.open()
        try:
            with pytest.raises(BucketMissing):
                await store.make_bucket("nowhere")
        finally:
            await store.close()


@pytest.mark.parametrize("kind", KINDS)
async def test_buckets_with_a_slash_are_policies(
    request: pytest.FixtureRequest, tmp_path: Path, clock: ManualClock, kind: str
) -> None:
    """Bucket `a/b` is policy `b` of database `a`; every policy says 0s, whatever is kept."""
    database = f"slashed-{uuid.uuid4().hex}"
    names, other = [database, f"{database}/b", f"{database}/a"], f"{database}x"
    store: Store
    made = []
    if kind == "embedded":
        config = EmbeddedConfig(retention={database: timedelta(days=90)})
        store = EmbeddedStore(config, state=tmp_path, clock=clock)
        await store.open()
        for name in (*names, f"{other}/autogen"):
            await store.make_bucket(name)
    else:
        server: Influxd = request.getfixturevalue("influxd")
        made = [server.make_bucket(name) for name in (*names, f"{other}/autogen")]
        store = InfluxStore(influx_config(server))
        await store.open()
    try:
        asked = [f'SHOW RETENTION POLICIES ON "{name}"' for name in (database, other, f"{database}/b")]
        results = await store.query("; ".join(asked), database)
        policies = [[series.values for series in result.series] for result in results]
        assert policies == [
            [[[name, "0s", "168h0m0s", 1, first] for name, first in (("autogen", True), ("a", False), ("b", False))]],
            [[["autogen", "0s", "168h0m0s", 1, False]]],
            [[]],
        ]
    finally:
        await store.close()
        for one in made:
            request.getfixturevalue("influxd").drop_bucket(one)
