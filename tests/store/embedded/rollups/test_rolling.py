"""Rollups of an open store: the past filled, late lines, ages, failures, restarts, and how far each is."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from store.contract import RollupStanding, Verdict
from store.embedded.rollups.definition import RollupConfig, RollupTarget
from store.embedded.store import EmbeddedConfig, EmbeddedStore
from tests.fakes.clock import ManualClock
from tests.fakes.polling import until
from tests.fakes.shipping import Log

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
MINUTE_NS, DAY_NS = 60_000_000_000, 86_400_000_000_000
SELDOM = timedelta(days=3650)


def of_minutes(name: str = "r", **changes: Any) -> RollupConfig:
    parts: dict[str, Any] = {"measurement": "m", "window": MINUTE, "aggregates": {"n": "count(f)", "s": "sum(f)"}}
    target = changes.pop("target", RollupTarget(bucket="minutes"))
    return RollupConfig(name=name, target=target, **(parts | changes))


@asynccontextmanager
async def opened(
    tmp_path: Path, clock: ManualClock, *rollups: RollupConfig, **config: Any
) -> AsyncIterator[EmbeddedStore]:
    """A store that does nothing by itself after its first look."""
    settings = {"roll_every": SELDOM, "expire_every": SELDOM, **config}
    store = EmbeddedStore(EmbeddedConfig(rollups=rollups, **settings), state=tmp_path, clock=clock)
    await store.open()
    try:
        yield store
    finally:
        await store.close()


async def rows(store: EmbeddedStore, query: str = "SELECT n, s FROM m", bucket: str = "minutes") -> list[list[Any]]:
    (result,) = await store.query(query, bucket)
    assert result.error is None or "database not found" in result.error
    return [row for series in result.series for row in series.values]


def standing(store: EmbeddedStore, name: str = "r") -> RollupStanding:
    return next(one for one in store.standing().rollups if one.name == name)


async def test_the_past_is_filled_and_writes_go_on(tmp_path: Path, clock: ManualClock) -> None:
    """What a source held before its rollup was configured is rolled slice by slice, and lines are stored between."""
    now, lines = clock.now_ns(), 250_000
    clock.advance(10 * DAY)
    async with opened(tmp_path, clock) as store:
        log = Log(store)
        await log.put(b"".join(b"m f=1i %d\n" % (now + n * MINUTE_NS // 25) for n in range(lines)))
    async with opened(tmp_path, clock, of_minutes()) as store:
        log = Log(store, name="later")
        filling = asyncio.create_task(store.roll())
        await until(lambda: standing(store).rolled > 0, what="the first slice")
        assert await log.put(b"m f=5i %d\n" % (now + 1)) == Verdict(stored=1)
        await filling
        found = await rows(store)
        assert len(found) == lines // 25
        assert found[0] == [now, 26, 30]
        assert {(n, s) for _, n, s in found[1:]} == {(25, 25)}
        assert standing(store).lag_s == standing(store).pending_windows == 0


async def test_late_lines_roll_their_windows_again(tmp_path: Path, clock: ManualClock) -> None:
    """Only the windows that they touch, counted apart from those that are new; a window is rolled when it is over."""
    async with opened(tmp_path, clock, of_minutes()) as store:
        log, start = Log(store), clock.now_ns()
        await log.put(b"".join(b"m,h=%d f=%d %d\n" % (n % 2, n, start + n * MINUTE_NS // 2) for n in range(20)))
        await store.roll()
        assert await rows(store) == []
        assert standing(store).pending_windows == 0
        clock.advance(5 * MINUTE)
        assert standing(store).pending_windows == 5
        assert standing(store).lag_s == 300
        await store.roll()
        assert len(await rows(store)) == 10
        assert (standing(store).rolled, standing(store).again) == (5, 0)
        assert standing(store).complete_until_ns == clock.now_ns()
        await log.put(b"m,h=0 f=100 %d\nm,h=0 f=7 %d\n" % (start, start + 1))
        await store.roll()
        assert (await rows(store))[0] == [start, 2, 107.0]
        assert (standing(store).rolled, standing(store).again) == (5, 1)


async def test_a_restart_takes_the_marks_up(tmp_path: Path, clock: ManualClock) -> None:
    """What was to be rolled when the store was closed is rolled when it is open again, and nothing else."""
    async with opened(tmp_path, clock, of_minutes()) as store:
        start = clock.now_ns()
        await Log(store).put(b"m f=1 %d\nm f=2 %d\n" % (start, start + MINUTE_NS))
        clock.advance(MINUTE)
        await store.roll()
        await Log(store, name="late").put(b"m f=3 %d\n" % (start + 1))
    clock.advance(MINUTE)
    async with opened(tmp_path, clock, of_minutes()) as store:
        await store.roll()
        assert await rows(store) == [[start, 2, 4.0], [start + MINUTE_NS, 1, 2.0]]
        assert (standing(store).rolled, standing(store).again) == (1, 1)


async def test_another_definition_begins_anew(tmp_path: Path, clock: ManualClock) -> None:
    """Rows of what it meant before are replaced; a rollup that is configured no more leaves its rows."""
    start = clock.now_ns()
    async with opened(tmp_path, clock, of_minutes()) as store:
        await Log(store).put(b"m f=1 %d\nm f=2 %d\n" % (start, start + MINUTE_NS))
        clock.advance(HOUR)
        await store.roll()
        assert len(await rows(store)) == 2
    async with opened(tmp_path, clock, of_minutes(window=HOUR)) as store:
        await store.roll()
        assert await rows(store) == [[start, 2, 3.0]]
    async with opened(tmp_path, clock) as store:
        await Log(store, name="between").put(b"m f=4 %d\n" % start)
        await store.roll()
        assert await rows(store) == [[start, 2, 3.0]]
        assert store.standing().rollups == ()
    async with opened(tmp_path, clock, of_minutes(window=HOUR)) as store:
        await store.roll()
        assert await rows(store) == [[start, 2, 6.0]]


async def test_points_of_others_are_left_alone(tmp_path: Path, clock: ManualClock) -> None:
    """A rollup whose target holds points that none has written does not run, says so, and harms nothing."""
    start = clock.now_ns()
    async with opened(tmp_path, clock) as store:
        await Log(store, "minutes").put(b"m f=1 %d\n" % start)
        await Log(store).put(b"m f=1 %d\n" % start)
    clock.advance(HOUR)
    async with opened(tmp_path, clock, of_minutes()) as store:
        await store.roll()
        assert "minutes/m holds points that no rollup wrote" in standing(store).problem
        assert await rows(store, "SELECT * FROM m") == [[start, 1.0]]


async def test_a_failure_is_told_and_harms_no_other(tmp_path: Path, clock: ManualClock) -> None:
    """A field whose type the target holds differently stops its own rollup alone, which is tried again later."""
    start = clock.now_ns()
    mixed = of_minutes("mixed", target=RollupTarget(bucket="minutes", measurement="mixed"), aggregates={"x": "max(f)"})
    async with opened(tmp_path, clock, of_minutes(), mixed) as store:
        await Log(store, "minutes").put(b'mixed x="text" 1\n')
        await Log(store).put(b"m f=1 %d\n" % start)
        clock.advance(HOUR)
        await store.roll()
        told = standing(store, "mixed")
        assert 'field "x" is float, and minutes/mixed holds it as string' in told.problem
        assert (told.failures, told.pending_windows, standing(store).problem) == (1, 1, "")
        assert await rows(store) == [[start, 1, 1.0]]
        await store.roll()
        assert standing(store, "mixed").failures == 1
        (dropped,) = await store.query("DROP MEASUREMENT mixed", "minutes")
        assert dropped.error is None
        clock.advance(HOUR)
        await store.roll()
        assert standing(store, "mixed").problem == ""
        assert await rows(store, "SELECT x FROM mixed") == [[start, 1.0]]


async def test_what_is_deleted_of_a_target_is_rolled_again(tmp_path: Path, clock: ManualClock) -> None:
    """To drop a target is to have it made anew; to delete points of the source is to have windows without them."""
    start = clock.now_ns()
    async with opened(tmp_path, clock, of_minutes()) as store:
        await Log(store).put(b"m,h=a f=1 %d\nm,h=b f=2 %d\n" % (start, start))
        clock.advance(HOUR)
        await store.roll()
        await store.query("DROP MEASUREMENT m", "minutes")
        assert await rows(store) == []
        await store.roll()
        assert await rows(store) == [[start, 1, 1.0], [start, 1, 2.0]]
        await store.query("DELETE FROM m WHERE h = 'a'", "telemetry")
        await store.roll()
        assert await rows(store) == [[start, 1, 2.0]]


async def test_rows_outlive_their_points(tmp_path: Path, clock: ManualClock) -> None:
    """Points go at their age, what they came to stays; a window that lost points is left as it is, and counted."""
    hours = of_minutes(window=HOUR)
    async with opened(tmp_path, clock, hours, retention={"telemetry": DAY}) as store:
        start, log = clock.now_ns(), Log(store)
        await log.put(b"".join(b"m f=1 %d\n" % (start + n * 30 * MINUTE_NS) for n in range(4)))
        clock.advance(2 * HOUR)
        await store.roll()
        kept = [[start, 2, 2.0], [start + 60 * MINUTE_NS, 2, 2.0]]
        assert await rows(store) == kept
        clock.advance(DAY - 2 * HOUR + 15 * MINUTE)
        await store.expire()
        assert len(await rows(store, "SELECT f FROM m", "telemetry")) == 3
        late = b"m f=100 %d\nm f=100 %d\n" % (start + 40 * MINUTE_NS, start + 70 * MINUTE_NS)
        assert await log.put(late) == Verdict(stored=2)
        await store.roll()
        assert await rows(store) == [kept[0], [start + 60 * MINUTE_NS, 3, 102.0]]
        assert standing(store).frozen == 1
        clock.advance(2 * DAY)
        await store.roll()
        await store.expire()
        assert await rows(store, "SELECT f FROM m", "telemetry") == []
        assert len(await rows(store)) == 2


async def test_points_wait_for_their_rollup(tmp_path: Path, clock: ManualClock) -> None:
    """What has yet to be rolled is not deleted for its age, but for a rollup that fails."""
    async with opened(tmp_path, clock, of_minutes(), retention={"telemetry": DAY}) as store:
        start = clock.now_ns()
        await Log(store).put(b"m f=1 %d\nm f=1 %d\n" % (start, start + MINUTE_NS))
        clock.advance(2 * DAY)
        await store.expire()
        assert len(await rows(store, "SELECT f FROM m", "telemetry")) == 2
        await store.roll()
        await store.expire()
        assert await rows(store, "SELECT f FROM m", "telemetry") == []
        assert len(await rows(store)) == 2


async def test_a_target_has_an_age_too(tmp_path: Path, clock: ManualClock) -> None:
    """Windows that the target would not keep are not rolled."""
    start = clock.now_ns()
    clock.advance(3 * DAY)
    async with opened(tmp_path, clock, of_minutes(window=HOUR), retention={"minutes": DAY}) as store:
        now = clock.now_ns()
        await Log(store).put(b"m f=1 %d\nm f=1 %d\n" % (start, now - DAY_NS // 2))
        await store.roll()
        assert len(await rows(store)) == 1
        assert standing(store).pending_windows == 0


async def test_rollups_are_rolled_by_themselves(tmp_path: Path, clock: ManualClock) -> None:
    """An open store rolls what is due every `roll_every`, until it is closed."""
    async with opened(tmp_path, clock, of_minutes(), roll_every=timedelta(milliseconds=20)) as store:
        start = clock.now_ns()
        await Log(store).put(b"m f=1 %d\n" % start)
        clock.advance(HOUR)

        async def rolled() -> bool:
            return await rows(store) == [[start, 1, 1.0]]

        await until(rolled, what="the window to be rolled")
    assert not [task for task in asyncio.all_tasks() if task.get_name() == "store.rollups"]
