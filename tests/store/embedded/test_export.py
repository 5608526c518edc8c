"""Points as line protocol that reads back equal, and as Parquet that others read."""

# ruff: noqa: S608 - queries over files that the test itself has written

from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from pyarrow.dataset import dataset

from foundation.errors import ConfigError
from foundation.line_protocol.line import LineError
from store.embedded.export import Selection, line_protocol, write_parquet
from store.embedded.parquet import lines_of
from store.embedded.store import EmbeddedConfig, EmbeddedStore
from tests.fakes.clock import ManualClock
from tests.fakes.shipping import Log

DAY_NS = 86_400_000_000_000
ODD = (
    b'm,h=a f=1.25,i=-7i,u=18446744073709551615u,s="x",b=true 1700000000000000001\n'
    b"m,h=b\\ c f=1e300 -9223372036854775806\nm f=0.1 9223372036854775806\nm i=-9223372036854775808i 7\n"
    b'SELECT,from=x,tag\\ key=a\\,b\\=c F=1,f=2,"q"=3 10\n'
    + 'grüße,☃=☃ ☃="a\n\\"b\\" \\\\ c, d=e",e="" 10\n'.encode()
    + b'comma\\,and\\ blank,day=1 day=false,h\\ i="\\\\" 11\n'
)


async def copy_of(tmp_path: Path, clock: ManualClock, **bodies: bytes) -> Path:
    store = EmbeddedStore(EmbeddedConfig(), state=tmp_path, clock=clock)
    await store.open()
    for bucket, body in bodies.items():
        verdict = await Log(store, bucket).put(body)
        assert not verdict.refused
    copied = await store.copy()
    await store.close()
    return copied.path


def exported(path: Path, selection: Selection) -> bytes:
    left_out: list[LineError] = []
    body = b"".join(lines for lines, _ in line_protocol(path, selection, left_out.append))
    assert left_out == []
    return body


async def test_lines_read_back_equal(tmp_path: Path, clock: ManualClock) -> None:
    """What is exported and written again is the same store: every type, the ends of each range, the oddest names."""
    path = await copy_of(tmp_path / "one", clock, telemetry=ODD, other=b"m f=99 1\n")
    body = exported(path, Selection("telemetry"))
    assert b"99" not in body
    again = await copy_of(tmp_path / "two", clock, telemetry=body)
    assert sorted(exported(again, Selection()).splitlines()) == sorted(body.splitlines())
    stores = [EmbeddedStore(EmbeddedConfig(path=one), state=tmp_path, clock=clock) for one in (path, again)]
    for store in stores:
        await store.open()
    for query in (
        "SHOW FIELD KEYS",
        "SHOW SERIES",
        "SELECT * FROM m",
        'SELECT * FROM "SELECT", "grüße"',
    ):
        one, two = [await store.query(query, "telemetry") for store in stores]
        assert one == two
        assert one[0].series
    for store in stores:
        await store.close()


async def test_a_selection_of_points(tmp_path: Path, clock: ManualClock) -> None:
    """By measurement, and by time: from the first bound on, before the second."""
    path = await copy_of(tmp_path, clock, telemetry=b"m f=1 1\nm f=2 2\nm f=3 3\nn f=2 2\n")
    assert exported(path, Selection("telemetry", "m", 2, 3)) == b"m f=2.0 2\n"
    assert exported(path, Selection("telemetry", "n")) == b"n f=2.0 2\n"
    assert exported(path, Selection("elsewhere")) == b""


async def test_many_points_come_in_pieces(tmp_path: Path, clock: ManualClock) -> None:
    """Memory holds some thousand lines at a time, and the count is right."""
    path = await copy_of(tmp_path, clock, telemetry=b"".join(b"m f=%d %d\n" % (n, n) for n in range(25_000)))
    pieces = list(line_protocol(path, Selection(), lambda _error: None))
    assert [count for _, count in pieces] == [10_000, 10_000, 5_000]
    assert b"".join(lines for lines, _ in pieces).count(b"\n") == 25_000


async def test_parquet_by_bucket_measurement_and_day(tmp_path: Path, clock: ManualClock) -> None:
    """Partitions as DuckDB and pyarrow expect them; every type; names that differ in case alone are told apart."""
    body = (
        b'm,h=a f=1.5,F=2i,u=18446744073709551615u,s="x",b=true 1\n'
        b"m,h=b f=2.5 %d\nodd\\ name/x,day=d,h=t h=1 5\n" % (DAY_NS + 3)
    )
    path = await copy_of(tmp_path / "state", clock, telemetry=body, other=b"m f=9 1\n")
    folder = tmp_path / "out"
    assert write_parquet(path, Selection("telemetry"), folder) == 3
    names = sorted(str(file.parent.relative_to(folder)) for file in folder.rglob("*.parquet"))
    assert names == [
        "bucket=telemetry/measurement=m/day=1970-01-01",
        "bucket=telemetry/measurement=m/day=1970-01-02",
        "bucket=telemetry/measurement=odd%20name%2Fx/day=1970-01-01",
    ]
    with duckdb.connect() as reader:
        rows = reader.execute(
            "SELECT epoch_ns(time), h, f, F_2, u, s, b, bucket, measurement, day::VARCHAR FROM read_parquet("
            f"'{folder}/*/measurement=m/*/*.parquet', hive_partitioning = true) ORDER BY time"
        ).fetchall()
        odd = reader.execute(
            "SELECT measurement, day_2, h, h_2 FROM read_parquet("
            f"'{folder}/*/measurement=odd*/*/*.parquet', hive_partitioning = true)"
        ).fetchall()
    assert rows == [
        (1, "a", 1.5, 2, 18_446_744_073_709_551_615, "x", True, "telemetry", "m", "1970-01-01"),
        (DAY_NS + 3, "b", 2.5, None, None, None, None, "telemetry", "m", "1970-01-02"),
    ]
    assert odd == [("odd name/x", "d", "t", 1.0)]

    table = dataset(folder / "bucket=telemetry" / "measurement=m", partitioning="hive").to_table().sort_by("time")
    assert table.schema.field("time").type == pa.timestamp("ns")
    assert [table.column(name).to_pylist() for name in ("f", "F_2", "u", "s", "b", "h")] == [
        [1.5, 2.5],
        [2, None],
        [18_446_744_073_709_551_615, None],
        ["x", None],
        [True, None],
        ["a", "b"],
    ]
    assert table.column("time").cast(pa.int64()).to_pylist() == [1, DAY_NS + 3]
    assert table.column("day").to_pylist() == ["1970-01-01", "1970-01-02"]


async def test_both_forms_hold_the_same(tmp_path: Path, clock: ManualClock) -> None:
    """What comes out of Parquet again is what is exported as lines: tags, types, names and every nanosecond."""
    body = ODD + b"odd\\ name/x,day=d,h=t h=1,F=2i,f=3 5\n" + b"%s f=1 9\n" % (b"n" * 300)
    path = await copy_of(tmp_path / "state", clock, telemetry=body, other=b"m f=9 1\n")
    write_parquet(path, Selection(), tmp_path / "out")
    left_out: list[LineError] = []
    found: dict[str, list[bytes]] = {}
    for bucket, lines in lines_of(tmp_path / "out", left_out.append):
        found.setdefault(bucket, []).extend(lines.splitlines())
    assert left_out == []
    assert {bucket: sorted(lines) for bucket, lines in found.items()} == {
        bucket: sorted(exported(path, Selection(bucket)).splitlines()) for bucket in ("telemetry", "other")
    }


def test_parquet_of_somebody_else_is_refused(tmp_path: Path) -> None:
    """Nobody can tell its tags from its texts; a folder without any file is told, too."""
    with pytest.raises(ConfigError, match=r"there is no \.parquet file"):
        list(lines_of(tmp_path, lambda _error: None))
    with duckdb.connect() as writer:
        writer.execute(f"COPY (SELECT 1 AS f) TO '{tmp_path}/x.parquet'")
    with pytest.raises(ConfigError, match=r"x\.parquet: was not written by `tocsin export`"):
        list(lines_of(tmp_path, lambda _error: None))


@pytest.mark.parametrize("time_ns", [-9_223_372_036_854_775_806, 9_223_372_036_854_775_806])
async def test_parquet_at_the_ends_of_time(tmp_path: Path, clock: ManualClock, time_ns: int) -> None:
    """Every nanosecond that line protocol carries is carried, and so is a name that is longer than a folder's."""
    name = b"n" * 300
    path = await copy_of(tmp_path / "state", clock, telemetry=b"%s f=1 %d\n" % (name, time_ns))
    assert write_parquet(path, Selection(), tmp_path / "out") == 1
    (file,) = (tmp_path / "out").rglob("*.parquet")
    with duckdb.connect() as reader:
        assert reader.execute(f"SELECT epoch_ns(time) FROM '{file}'").fetchall() == [(time_ns,)]
