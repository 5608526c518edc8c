"""Evaluations that wait to be recorded: shared, in order, and never dropped because somebody else gave up."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from alerting.alert import Change, Evaluation
from alerting.memory.contract import MemoryFailed
from alerting.recording import Recording
from tests.alerting.desk import T0, change, evaluation

FIRST, SECOND, THIRD = (evaluation(change(Change.FIRED, name)) for name in ("A", "B", "C"))


class Recorder:
    """Keeps what it is handed, once `open` is set; fails for what holds `failing`."""

    def __init__(self, failing: Evaluation | None = None) -> None:
        self.open = asyncio.Event()
        self.asked = asyncio.Event()
        self.portions: list[tuple[list[Evaluation], datetime]] = []
        self._failing = failing

    async def __call__(self, evaluations: Sequence[Evaluation], now: datetime) -> None:
        self.asked.set()
        await self.open.wait()
        if self._failing in evaluations:
            raise MemoryFailed("disk full")
        self.portions.append((list(evaluations), now))


async def test_what_waits_together_is_recorded_together() -> None:
    """Those that came while one is being stored share the next transaction, in order, as of the latest of them."""
    recorder = Recorder()
    recording = Recording(asyncio.Lock(), recorder)
    first = asyncio.create_task(recording.record(FIRST, T0))
    await recorder.asked.wait()
    later = T0 + timedelta(seconds=1)
    rest = [asyncio.create_task(recording.record(one, at)) for one, at in ((SECOND, later), (THIRD, T0))]
    await asyncio.sleep(0)
    recorder.open.set()
    await asyncio.gather(first, *rest)
    assert recorder.portions == [([FIRST], T0), ([SECOND, THIRD], later)]


async def test_each_of_a_portion_that_fails_learns_it() -> None:
    """A failure is raised to all whose evaluations were in that portion, and to nobody else."""
    recorder = Recorder(failing=THIRD)
    recording = Recording(asyncio.Lock(), recorder)
    first = asyncio.create_task(recording.record(FIRST, T0))
    await recorder.asked.wait()
    rest = [asyncio.create_task(recording.record(one, T0)) for one in (SECOND, THIRD)]
    await asyncio.sleep(0)
    recorder.open.set()
    answers = await asyncio.gather(first, *rest, return_exceptions=True)
    assert [type(answer) for answer in answers] == [type(None), MemoryFailed, MemoryFailed]
    assert recorder.portions == [([FIRST], T0)]


async def test_what_a_cancelled_task_had_taken_along_is_recorded_by_the_next() -> None:
    """Who is cancelled while storing for others leaves all of it to the one that waits behind."""
    recorder = Recorder()
    recording = Recording(asyncio.Lock(), recorder)
    first = asyncio.create_task(recording.record(FIRST, T0))
    await recorder.asked.wait()
    second = asyncio.create_task(recording.record(SECOND, T0))
    await asyncio.sleep(0)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    recorder.open.set()
    await second
    assert recorder.portions == [([FIRST, SECOND], T0)]
