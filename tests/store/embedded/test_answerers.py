"""The threads that answer: as many as there may be, the last one first, and nothing is begun or kept for nobody."""

import asyncio
import gc
import threading
import weakref
from collections.abc import AsyncIterator

import pytest

from store.embedded.answerers import Answerers
from tests.fakes.polling import until

PATIENCE_S = 20.0


@pytest.fixture
async def answerers() -> AsyncIterator[Answerers]:
    """Two of them."""
    made = Answerers(2, "test-answer")
    yield made
    await made.close()


class Held:
    """Work that goes on until it is let go."""

    def __init__(self) -> None:
        self.thread: threading.Thread | None = None
        self._over = threading.Event()

    def __call__(self) -> None:
        self.thread = threading.current_thread()
        assert self._over.wait(PATIENCE_S)

    def let_go(self) -> None:
        self._over.set()


async def test_who_answered_last_is_asked_first(answerers: Answerers) -> None:
    """Two threads begin where two are needed; whichever ends last has all the work that comes alone."""
    both = [Held(), Held()]
    asked = [answerers.ask(one) for one in both]
    for one, answer in zip(both, asked, strict=True):
        one.let_go()
        await answer
    assert both[0].thread is not both[1].thread
    assert {await answerers.ask(threading.current_thread) for _ in range(5)} == {both[1].thread}


async def test_no_more_work_at_once_than_threads(answerers: Answerers) -> None:
    """What comes while all are at work waits, and is begun in the order in which it came."""
    held, begun = [Held(), Held()], list[int]()
    asked = [answerers.ask(one) for one in held]
    waiting = [answerers.ask(lambda number=number: begun.append(number)) for number in range(3)]  # type: ignore[misc]  # a default binds it
    await until(lambda: all(one.thread for one in held))
    assert begun == []
    held[0].let_go()
    await asyncio.gather(*waiting)
    assert begun == [0, 1, 2]
    held[1].let_go()
    await asyncio.gather(*asked)


async def test_an_error_is_the_askers(answerers: Answerers) -> None:
    """Whatever the work raises is raised where it is awaited, and the thread answers on."""

    def fail() -> None:
        raise ValueError("wrong")

    with pytest.raises(ValueError, match="wrong"):
        await answerers.ask(fail)
    assert await answerers.ask(lambda: 1) == 1


async def test_work_that_nobody_waits_for_is_not_begun(answerers: Answerers) -> None:
    """A question taken back while it waits costs nothing; one that is under way is only not listened to."""
    held, begun = [Held(), Held()], list[str]()
    asked = [answerers.ask(one) for one in held]
    gone = answerers.ask(lambda: begun.append("gone"))
    gone.cancel()
    asked[0].cancel()
    for one in held:
        one.let_go()
    await answerers.ask(lambda: begun.append("next"))
    await asked[1]
    assert begun == ["next"]


async def test_closing_waits_for_what_runs_and_begins_nothing() -> None:
    """What is under way ends, and has its answer; what waits is cancelled."""
    answerers, held = Answerers(1, "test-answer"), Held()
    running, waiting = answerers.ask(held), answerers.ask(lambda: None)
    await until(lambda: held.thread is not None)
    closing = asyncio.create_task(answerers.close())
    await asyncio.sleep(0)
    assert not closing.done()
    assert waiting.cancelled()
    held.let_go()
    await closing
    assert await running is None
    assert held.thread is not None
    assert not held.thread.is_alive()


async def test_an_answer_is_not_kept(answerers: Answerers) -> None:
    """A large answer is free as soon as whoever asked lets it go, not when the thread has another."""

    class Large:
        pass

    known = weakref.ref(await answerers.ask(Large))
    gc.collect()
    await until(lambda: known() is None)
