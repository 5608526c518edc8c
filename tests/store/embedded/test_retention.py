"""How long the embedded store keeps points: what is deleted, what is refused, and what it does to the file."""

import asyncio
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest

from foundation.batch import Refused
from foundation.errors import ConfigError
from foundation.settings import decode
from store.contract import Verdict
from store.embedded.retention import Retention
from store.embedded.store import EmbeddedConfig, EmbeddedStore
from store.embedded.upkeep import Counts
from tests.fakes.clock import ManualClock
from tests.fakes.polling import until
from tests.fakes.shipping import Log

DAY = timedelta(days=1)
DAY_NS = 86_400_000_000_000


def read(text: str) -> EmbeddedConfig:
    return decode(EmbeddedConfig, text, name="store", folder=Path(), env={})


def make(tmp_path: Path, clock: ManualClock, expired: Counter[str] | None = None, **spans: timedelta) -> EmbeddedStore:
    counted = Counter[str]() if expired is None else expired

    def count(bucket: str, lines: int) -> None:
        counted[bucket] += lines

    config = EmbeddedConfig(retention=spans, expire_every=timedelta(days=3650))
    return EmbeddedStore(config, state=tmp_path, clock=clock, counts=Counts(count))


async def times(store: EmbeddedStore, bucket: str = "telemetry") -> list[int]:
    (result,) = await store.query("SELECT f FROM m", bucket)
    assert result.error is None
    return [int(str(row[0])) for series in result.series for row in series.values]


def test_retention_in_the_configuration() -> None:
    """Spans stand by bucket, `default` for the others; zero is for ever."""
    config = read("retention: {telemetry: 90d, default: 0}")
    retention = Retention(config.retention)
    bound = retention.bound("telemetry", 100 * DAY_NS)
    assert bound is not None
    assert bound.first_ns == 10 * DAY_NS
    assert retention.bound("other", 100 * DAY_NS) is None
    assert not Retention({}).limited
    with pytest.raises(ConfigError, match="expire_every must be longer than nothing"):
        read("expire_every: 0")


async def test_old_points_are_deleted_and_counted(tmp_path: Path, clock: ManualClock) -> None:
    """What is older than its bucket keeps goes, to the nanosecond; other buckets are left alone; after opening, too."""
    expired = Counter[str]()
    store = make(tmp_path, clock, expired, telemetry=DAY)
    await store.open()
    now = clock.now_ns()
    for bucket in ("telemetry", "archive"):
        await Log(store, bucket).put(b"m,h=a f=1 %d\nm,h=b f=2 %d\nm f=3 %d\n" % (now, now + 1, now + 2))
    clock.advance(DAY)
    await store.expire()
    assert not expired["telemetry"]
    clock.advance(timedelta(microseconds=1))
    await store.expire()
    assert expired["telemetry"] == 3
    assert await times(store) == []
    assert await times(store, "archive") == [now, now + 1, now + 2]
    assert expired == {"telemetry": 3}
    later = clock.now_ns()
    await Log(store, name="another").put(b"m,h=a f=4 %d\n" % later)
    await store.close()
    again = make(tmp_path, clock, telemetry=DAY)
    await again.open()
    assert await times(again) == [later]
    await again.close()


async def test_late_lines_are_refused(tmp_path: Path, clock: ManualClock) -> None:
    """A line older than its bucket keeps is refused with InfluxDB's words, plain or odd; the others are stored."""
    store = make(tmp_path, clock, default=DAY)
    await store.open()
    first = clock.now_ns() - DAY_NS
    old = [b"m f=1 %d" % (first - 1), b'm s="a\nb" %d' % (first - 2), b"only,h=x f=9i %d" % (first - 3)]
    good = [b"m f=2 %d" % first, b'm f=3,s="c\nd" %d' % (first + 1)]
    body = b"\n".join([old[0], good[0], old[1], good[1], old[2], b""])
    reason = 'points beyond retention policy: bucket "telemetry" keeps the last 1d'
    verdict = await Log(store).put(body)
    assert verdict.stored == 2
    assert sorted(verdict.refused, key=lambda one: one.number) == [
        Refused(old[0], reason, 1),
        Refused(old[1], reason, 3),
        Refused(old[2], reason, 7),
    ]
    assert await times(store) == [first, first + 1]
    await store.close()


async def test_a_body_of_late_lines_is_refused(tmp_path: Path, clock: ManualClock) -> None:
    """Where every line is too old, each is refused and nothing is stored; lines that follow are."""
    store = make(tmp_path, clock, telemetry=DAY)
    await store.open()
    log = Log(store)
    verdict = await log.put(b"m f=1 1\nm f=2 2\n")
    assert (verdict.stored, [one.number for one in verdict.refused]) == (0, [1, 2])
    now = clock.now_ns()
    assert await log.put(b"m f=3 %d\n" % now) == Verdict(stored=1)
    assert await times(store) == [now]
    await store.close()


async def test_writes_and_queries_go_on_between_slices(tmp_path: Path, clock: ManualClock) -> None:
    """A shipment that comes during a long sweep is stored before the sweep has ended."""
    expired = Counter[str]()
    store = make(tmp_path, clock, expired, telemetry=DAY)
    await store.open()
    log, now = Log(store), clock.now_ns()
    await log.put(b"".join(b"m f=1 %d\n" % (now + n) for n in range(250_000)))
    clock.advance(2 * DAY)
    later = clock.now_ns()
    sweep = asyncio.create_task(store.expire())
    await until(lambda: expired["telemetry"], what="the first slice")
    assert await log.put(b"m f=2 %d\n" % later) == Verdict(stored=1)
    assert later in await times(store)
    await sweep
    assert expired["telemetry"] == 250_000
    assert await times(store) == [later]
    await store.close()


async def test_freed_space_is_used_again(tmp_path: Path, clock: ManualClock) -> None:
    """A file whose oldest points make room for new ones does not grow for ever."""
    expired = Counter[str]()
    store = make(tmp_path, clock, expired, telemetry=DAY)
    await store.open()
    log, sizes = Log(store), []
    for number in range(1, 7):
        now = clock.now_ns()
        await log.put(b"".join(b"m,h=%d f=%d.5 %d\n" % (n % 7, n * 7919 % 9973, now + n) for n in range(50_000)))
        clock.advance(2 * DAY)
        await store.expire()
        assert expired["telemetry"] == number * 50_000
        sizes.append((tmp_path / "telemetry.duckdb").stat().st_size)
    assert max(sizes) < 3 * sizes[0]
    await store.close()


async def test_points_expire_by_themselves(tmp_path: Path, clock: ManualClock) -> None:
    """An open store with a retention sweeps every `expire_every`, until it is closed."""
    config = EmbeddedConfig(retention={"telemetry": DAY}, expire_every=timedelta(milliseconds=20))
    store = EmbeddedStore(config, state=tmp_path, clock=clock)
    await store.open()
    await Log(store).put(b"m f=1 %d\n" % clock.now_ns())
    clock.advance(2 * DAY)

    async def gone() -> bool:
        return await times(store) == []

    await until(gone, what="the point to expire")
    await store.close()
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "store.expiry"]
