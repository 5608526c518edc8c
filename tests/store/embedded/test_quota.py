"""How much of the disk the store takes: lines refused or days dropped at the end of it, and writes that resume."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from foundation.errors import ConfigError
from foundation.settings import decode
from store.contract import Verdict
from store.embedded.rollups.definition import RollupConfig, RollupTarget
from store.embedded.sizes import read_size, tell_size
from store.embedded.store import EmbeddedConfig, EmbeddedStore
from store.embedded.upkeep import Counts
from store.errors import StoreFull
from tests.fakes.clock import ManualClock
from tests.fakes.shipping import Log

DAY_NS = 86_400_000_000_000
LINES = 50_000
SELDOM = timedelta(days=3650)
AGES = timedelta(days=30_000)
Dropped = Counter[str]


@asynccontextmanager
async def opened(tmp_path: Path, clock: ManualClock, dropped: Dropped, **config: Any) -> AsyncIterator[EmbeddedStore]:
    """A store whose log is worked in after every megabyte."""

    def count(bucket: str, lines: int) -> None:
        dropped[bucket] += lines

    settings = {"checkpoint_at": "1MB", "expire_every": SELDOM, "roll_every": SELDOM, **config}
    store = EmbeddedStore(EmbeddedConfig(**settings), state=tmp_path, clock=clock, counts=Counts(dropped=count))
    await store.open()
    try:
        yield store
    finally:
        await store.close()


def day(number: int) -> bytes:
    """Lines of one day, which do not compress well."""
    first = number * DAY_NS
    return b"".join(b"m,h=%d f=%d.25 %d\n" % (n % 5, n * 7919 % 99_991, first + n * 1_000) for n in range(LINES))


async def days(store: EmbeddedStore, bucket: str = "telemetry") -> list[int]:
    """The days of which the bucket has points."""
    (result,) = await store.query("SELECT count(f) FROM m WHERE time >= 0 AND time < 30d GROUP BY time(1d)", bucket)
    return [int(str(row[0])) // DAY_NS for series in result.series for row in series.values if row[1]]


async def fill(store: EmbeddedStore, clock: ManualClock, most: int = 20) -> int:
    """Write day after day until the store is full; how many days it took."""
    log = Log(store)
    for number in range(most):
        try:
            await log.put(day(number))
        except StoreFull:
            return number
        clock.advance(timedelta(seconds=2))
    return most


def test_sizes() -> None:
    """A number and a unit; anything else is a clear error."""
    assert [read_size("quota", text) for text in ("1KB", "2 MB", "1.5GiB")] == [1_000, 2_000_000, 3 << 29]
    assert [tell_size(size) for size in (999, 1_500, 2_000_000, 3_210_000_000)] == [
        "999 bytes",
        "1.5 kB",
        "2.0 MB",
        "3.2 GB",
    ]
    with pytest.raises(ConfigError, match="quota must be a number and a unit, as in 512MB or 2GB, not '5'"):
        decode(EmbeddedConfig, "quota: '5'", name="t", folder=Path(), env={})
    with pytest.raises(ConfigError, match="did you mean drop-oldest"):
        decode(EmbeddedConfig, "when_full: drop_oldest", name="t", folder=Path(), env={})


async def test_a_full_store_refuses_lines_until_there_is_room(tmp_path: Path, clock: ManualClock) -> None:
    """Questions are answered meanwhile; points that are deleted make room, and the same shipment goes in."""
    async with opened(tmp_path, clock, Dropped(), quota="3MB") as store:
        stored = await fill(store, clock)
        assert 4 < stored < 20
        log = Log(store, name="more")
        with pytest.raises(StoreFull, match=r"used up its quota: .* MB of 3\.0 MB; raise store\.quota") as caught:
            await log.put(day(stored))
        assert caught.value.retry_after_s
        assert await days(store) == list(range(stored))
        assert "used up its quota" in str(store.standing().problems)
        assert store.standing().used_bytes >= store.standing().quota_bytes == 3_000_000

        await store.query("DELETE FROM m WHERE time < 4d", "telemetry")
        clock.advance(timedelta(seconds=2))
        assert await log.put(day(stored)) == Verdict(stored=LINES)
        assert store.standing().problems == ()
        assert await days(store) == list(range(4, stored + 1))


async def test_the_oldest_days_are_dropped(tmp_path: Path, clock: ManualClock) -> None:
    """Whole days, oldest first, of buckets without a retention, until there is room; counted, and never the newest."""
    dropped = Dropped()
    config: dict[str, Any] = {"retention": {"kept": AGES}, "quota": "3500KB", "when_full": "drop-oldest"}
    async with opened(tmp_path, clock, dropped, **config) as store:
        await Log(store, "kept").put(day(0))
        log = Log(store)
        for number in range(14):
            assert await log.put(day(number)) == Verdict(stored=LINES)
            clock.advance(timedelta(seconds=2))
            await store.relieve()
            assert store.standing().used_bytes < 3_500_000
        left = await days(store)
        assert left == list(range(left[0], 14))
        assert left[0] >= 1
        assert dropped == {"telemetry": left[0] * LINES}
        assert await days(store, "kept") == [0]


async def test_what_rollups_made_is_dropped_last(tmp_path: Path, clock: ManualClock) -> None:
    """Days of a bucket that rollups write go when there is nothing else, and the newest day of it stays."""
    config = RollupConfig(
        name="r", query="SELECT max(f) AS f FROM m GROUP BY time(1s), h", target=RollupTarget(bucket="r")
    )
    dropped = Dropped()
    async with opened(tmp_path, clock, dropped, rollups=(config,), quota="2500KB", when_full="drop-oldest") as store:
        await Log(store, "r").put(day(0))
        await Log(store).put(day(1))
        await Log(store).put(day(2))
        await store.relieve()
        assert dropped["telemetry"] == LINES
        assert await days(store, "r") == [0]


async def test_when_nothing_may_go_lines_are_refused(tmp_path: Path, clock: ManualClock) -> None:
    """With drop-oldest too, where every bucket has a retention."""
    dropped = Dropped()
    config: dict[str, Any] = {"retention": {"default": AGES}, "quota": "2MB", "when_full": "drop-oldest"}
    async with opened(tmp_path, clock, dropped, **config) as store:
        assert await fill(store, clock) < 20
        await store.relieve()
        assert not dropped
