"""Which clock retention believes: one that jumps far has to stand to it for a day, and deletes nothing until then."""

from collections import Counter
from datetime import timedelta
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from store.contract import Verdict
from store.embedded.belief import DOUBT, PATIENCE, Belief
from store.embedded.store import EmbeddedConfig, EmbeddedStore
from store.embedded.upkeep import Counts
from tests.fakes.clock import ManualClock
from tests.fakes.shipping import Log

DAY, YEARS = timedelta(days=1), timedelta(days=3650)
SECOND = 1_000_000_000
DOUBT_NS = DOUBT // timedelta(microseconds=1) * 1_000


class Wrong(ManualClock):
    """A clock whose time of day can be set; what is monotonic runs on."""

    def __init__(self) -> None:
        super().__init__()
        self.off = timedelta()

    def now_ns(self) -> int:
        return super().now_ns() + self.off // timedelta(microseconds=1) * 1_000


def make(tmp_path: Path, clock: Wrong, expired: Counter[str]) -> EmbeddedStore:
    def count(bucket: str, lines: int) -> None:
        expired[bucket] += lines

    config = EmbeddedConfig(retention={"telemetry": 5 * DAY}, expire_every=YEARS)
    return EmbeddedStore(config, state=tmp_path, clock=clock, counts=Counts(count))


async def test_a_clock_that_is_wrong_by_years_deletes_nothing(tmp_path: Path) -> None:
    """Nothing goes, true lines are taken, also after a restart; the right clock is believed at once."""
    clock, expired = Wrong(), Counter[str]()
    store = make(tmp_path, clock, expired)
    await store.open()
    log, true = Log(store), clock.now_ns()
    await log.put(b"m f=1 %d\n" % true)
    await store.expire()
    clock.off = YEARS
    assert await log.put(b"m f=2 %d\n" % (true + 1)) == Verdict(stored=1)
    await store.expire()
    assert "the clock is 3650d ahead of what the store knows (2026-01-01T00:00:00Z)" in str(store.standing().problems)
    await store.close()

    store = make(tmp_path, clock, expired)
    await store.open()
    log = Log(store, name="again")
    await store.expire()
    assert await log.put(b"m f=3 %d\n" % (true + 2)) == Verdict(stored=1)
    clock.off = timedelta()
    await store.expire()
    assert store.standing().problems == ()
    assert expired["telemetry"] == 0
    clock.advance(6 * DAY)
    await store.expire()
    assert expired["telemetry"] == 3
    await store.close()


async def test_a_clock_that_stands_to_it_is_believed(tmp_path: Path) -> None:
    """A machine that was off for a month deletes what is too old once it has run for a day, in two parts."""
    clock, expired = Wrong(), Counter[str]()
    store = make(tmp_path, clock, expired)
    await store.open()
    await Log(store).put(b"m f=1 %d\n" % clock.now_ns())
    await store.expire()
    await store.close()
    clock.off = 30 * DAY
    store = make(tmp_path, clock, expired)
    await store.open()
    await store.expire()
    clock.advance(PATIENCE / 2)
    await store.expire()
    await store.close()
    store = make(tmp_path, clock, expired)
    await store.open()
    await store.expire()
    clock.advance(PATIENCE / 2 - timedelta(seconds=1))
    await store.expire()
    assert expired["telemetry"] == 0
    clock.advance(timedelta(seconds=1))
    await store.expire()
    assert expired["telemetry"] == 1
    assert store.standing().problems == ()
    await store.close()


async def test_a_file_without_a_moment_is_known_by_its_newest_point(tmp_path: Path) -> None:
    """Points of the future, which a sender with a wrong clock may have left, do not count."""
    clock, expired = Wrong(), Counter[str]()
    plain = EmbeddedStore(EmbeddedConfig(), state=tmp_path, clock=clock)
    await plain.open()
    true = clock.now_ns()
    await Log(plain).put(b"m f=1 %d\nm f=2 %d\n" % (true, true + YEARS // timedelta(microseconds=1) * 2_000))
    await plain.close()
    clock.off = YEARS
    store = make(tmp_path, clock, expired)
    await store.open()
    await store.expire()
    assert expired["telemetry"] == 0
    await store.close()


STEPS = st.lists(st.tuples(st.integers(0, 200_000), st.integers(-(10**9), 10**9)), max_size=20)


@given(steps=STEPS)
def test_no_jump_is_followed_at_once(steps: list[tuple[int, int]]) -> None:
    """Whatever the clock does, ages never run more than a day ahead of the time that has really gone by."""
    belief, monotonic = Belief(0, 0.0), 0
    for run, off in steps:
        monotonic += run
        now, before = (monotonic + off) * SECOND, belief.expected(monotonic)
        assert belief.moment(now, monotonic) <= min(now, before + DOUBT_NS)
        after = belief.judge(now, monotonic)
        if after.believed_ns == now and abs(now - before) > DOUBT_NS:
            assert belief.doubted_s is not None
            assert belief.doubted_s + monotonic - belief.looked_s >= PATIENCE.total_seconds()
        belief = after
