"""One thread counts for all questions, and interrupts none that is answered."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from store.embedded.deadline import Timekeeper
from tests.fakes.clock import ManualClock
from tests.fakes.polling import until

PATIENCE_S = 20.0


Counting = Callable[[], list[threading.Thread]]


@pytest.fixture
def counting() -> Counting:
    """The threads that count and were not there before."""
    others = set(threading.enumerate())
    return lambda: [one for one in threading.enumerate() if one.name == "query deadlines" and one not in others]


@contextmanager
def limiting(keeper: Timekeeper, limit_s: float, act: Callable[[], None]) -> Iterator[None]:
    """`act` is called where the block lasts longer."""
    limit = keeper.limit(keeper.now() + limit_s, act)
    yield
    keeper.forget(limit)


def test_what_takes_too_long_is_stopped_whoever_waits_beside_it(counting: Counting) -> None:
    """A short time that begins while a long one runs is over first."""
    keeper, early, late = Timekeeper(lingers_s=0), threading.Event(), threading.Event()
    with limiting(keeper, 3600, late.set), limiting(keeper, 0, early.set):
        assert early.wait(PATIENCE_S)
        assert len(counting()) == 1
    assert not late.is_set()


def test_what_is_over_is_not_stopped() -> None:
    """A block that was left in time is left alone when its time comes."""
    clock, told = ManualClock(), list[str]()
    keeper, done = Timekeeper(clock, lingers_s=0), threading.Event()
    with limiting(keeper, 3600, lambda: told.append("outer")):
        with limiting(keeper, 0.05, lambda: told.append("left")):
            pass
        clock.advance(timedelta(seconds=1))
        with limiting(keeper, 0, done.set):
            assert done.wait(PATIENCE_S)
    assert told == []


async def test_the_thread_ends_when_nobody_asks(counting: Counting) -> None:
    """It is there while somebody asks, and begins anew when somebody asks again."""
    keeper = Timekeeper(lingers_s=0)
    for _ in range(2):
        done = threading.Event()
        with limiting(keeper, 0, done.set):
            assert done.wait(PATIENCE_S)
        await until(lambda: not counting())
