"""A destination that failed is left alone, then asked by one write and not by all."""

import asyncio
from collections.abc import Sequence

import pytest

from collector.deliver.rest import Patience, Rest
from foundation.backoff import Backoff
from store.errors import BodyRefused, BucketForbidden, BucketMissing, StoreBusy, StoreUnavailable

EXACT = Patience(Backoff(first_s=2.0, factor=2.0, most_s=60.0), lambda: 0.0)
"""Waits of 1, 2, 4, ... seconds."""
pytestmark = pytest.mark.looptime


class Door:
    """Writers that go through a rest; `answers` says what the destination makes of each attempt, in order."""

    def __init__(self, answers: Sequence[Exception | None]) -> None:
        self.rest = Rest(EXACT)
        self.answers = list(answers)
        self.at: list[float] = []

    async def write(self) -> None:
        async with self.rest.attempt():
            self.at.append(asyncio.get_running_loop().time())
            answer = self.answers.pop(0)
            await asyncio.sleep(0.1)
            if answer is not None:
                raise answer

    async def all(self, count: int) -> list[BaseException | None]:
        """So many writers at once."""
        return await asyncio.gather(*(self.write() for _ in range(count)), return_exceptions=True)


def away(retry_after_s: float | None = None) -> StoreUnavailable:
    return StoreUnavailable("away", retry_after_s=retry_after_s)


async def test_while_all_is_well_nobody_waits():
    """Writers go through side by side."""
    door = Door([None] * 3)
    assert await door.all(3) == [None] * 3
    assert door.at == [0.0] * 3


async def test_after_a_failure_one_asks_and_the_others_wait_for_the_answer():
    """The wait doubles with each probe that fails; the first that succeeds lets all through."""
    door = Door([away(), away(), None, None, None])
    with pytest.raises(StoreUnavailable):
        await door.write()
    first, second, *others = await door.all(4)
    assert isinstance(first, StoreUnavailable)
    assert [second, *others] == [None] * 3
    assert door.at == pytest.approx([0.0, 1.1, 3.2, 3.3, 3.3])


async def test_the_destinations_own_word_is_kept_to():
    """Retry-After is a lower bound, for all writers alike."""
    door = Door([StoreBusy("busy", retry_after_s=17), None])
    await door.all(1)
    await door.all(1)
    assert door.at == pytest.approx([0.0, 17.1])


async def test_a_destination_that_asks_for_a_day_is_asked_in_ten_minutes():
    """A mistake in a header must not stop delivery for a day."""
    door = Door([away(retry_after_s=86_400), None])
    await door.all(2)
    await door.all(0)
    assert door.at == pytest.approx([0.0, 0.0])
    door.answers = [None]
    await door.all(1)
    assert door.at[-1] == pytest.approx(600.1)


async def test_failures_of_writes_that_were_sent_together_count_once():
    """Four that were under way when it went: one wait, of the first length, and not four."""
    door = Door([away()] * 4 + [None])
    await door.all(4)
    await door.all(1)
    assert door.at[-1] == pytest.approx(1.1)


@pytest.mark.parametrize("error", [BodyRefused("no"), BucketMissing("none"), BucketForbidden("not yours")])
async def test_a_refusal_is_a_sign_of_life(error: Exception):
    """What concerns a body or a bucket alone closes the way for nobody, and opens it when it was the probe's answer."""
    door = Door([error, None, away(), error, None])
    await door.all(2)
    assert door.at == [0.0, 0.0]
    await door.all(1)
    await door.all(1)
    await door.all(1)
    assert door.at[-1] == pytest.approx(door.at[-2] + 0.1)


async def test_who_is_cancelled_while_asking_leaves_the_asking_to_the_next():
    """Otherwise everybody would wait for ever."""
    door = Door([away(), None, None])
    await door.all(1)
    asking = asyncio.create_task(door.write())
    waiting = asyncio.create_task(door.write())
    await asyncio.sleep(1.05)
    asking.cancel()
    await asyncio.wait([asking])
    await waiting
    assert door.answers == []
