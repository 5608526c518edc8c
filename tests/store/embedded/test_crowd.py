"""Statements that share memory: who lacks it beside others is answered when they are done."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import duckdb
import pytest

from store.embedded.crowd import Crowd
from tests.fakes.polling import until

_PATIENCE_S = 30.0


class Room:
    """Memory for so many statements at once, which stay until they are let go."""

    def __init__(self, places: int) -> None:
        self._places = threading.Semaphore(places)
        self.let_go = threading.Event()
        self.turned_away = 0
        self.inside = 0

    def once(self) -> str:
        """One try to be answered."""
        if not self._places.acquire(blocking=False):
            self.turned_away += 1
            raise duckdb.OutOfMemoryException("no room")
        try:
            self.inside += 1
            assert self.let_go.wait(_PATIENCE_S)
            return "answered"
        finally:
            self._places.release()


def nothing_is_late() -> None:
    """There is always time."""


async def _two(crowd: Crowd, room: Room, check: Callable[[], None], pool: ThreadPoolExecutor) -> list[Future[str]]:
    """Two that ask, when one is inside and the other was turned away."""
    first = pool.submit(crowd.answer, room.once, nothing_is_late)
    await until(lambda: room.inside == 1)
    second = pool.submit(crowd.answer, room.once, check)
    await until(lambda: room.turned_away == 1)
    return [first, second]


async def test_who_lacks_room_waits_for_others() -> None:
    """It is tried again once, when who was there before is done; both are answered."""
    crowd, room = Crowd(), Room(1)
    with ThreadPoolExecutor(2) as pool:
        asked = await _two(crowd, room, nothing_is_late, pool)
        room.let_go.set()
        assert [one.result(_PATIENCE_S) for one in asked] == ["answered", "answered"]
    assert room.turned_away == 1


async def test_all_are_answered_however_many_come() -> None:
    """Those that lacked room come one after the other."""
    crowd, room = Crowd(), Room(1)
    room.let_go.set()
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(crowd.answer, room.once, nothing_is_late) for _ in range(200)]
        assert [one.result(_PATIENCE_S) for one in asked] == ["answered"] * 200


def test_who_lacks_room_alone_is_refused() -> None:
    """After a second try, in which nobody was beside it."""
    crowd, room = Crowd(), Room(0)
    with pytest.raises(duckdb.OutOfMemoryException, match="no room"):
        crowd.answer(room.once, nothing_is_late)
    assert room.turned_away == 2


async def test_who_waits_is_stopped_in_time() -> None:
    """Also while it waits for others; the next one is answered as if it had never come."""
    crowd, room, is_late = Crowd(), Room(1), threading.Event()

    def check() -> None:
        if is_late.is_set():
            raise TimeoutError("too late")

    with ThreadPoolExecutor(2) as pool:
        first, second = await _two(crowd, room, check, pool)
        is_late.set()
        with pytest.raises(TimeoutError, match="too late"):
            second.result(_PATIENCE_S)
        room.let_go.set()
        assert first.result(_PATIENCE_S) == "answered"
        assert crowd.answer(room.once, nothing_is_late) == "answered"
