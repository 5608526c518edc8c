"""The threads in which questions are answered, one in each at a time.

Whoever answered last is asked first: what it needs is still in the caches of its core, and the others stay asleep. A
pool of Python's own wakes them in turn, which costs a small question a tenth of its time. Everything but the work
itself is done on the event loop, so nothing here is locked.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from queue import SimpleQueue
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class _Job:
    work: Callable[[], Any]
    answer: asyncio.Future[Any]


class Answerers:
    """At most `count` threads called `name`; each begins when all others are at work."""

    def __init__(self, count: int, name: str) -> None:
        self._count = count
        self._name = name
        self._answerers: list[_Answerer] = []
        self._idle: list[_Answerer] = []
        self._waiting: deque[_Job] = deque()

    def ask(self, work: Callable[[], T]) -> asyncio.Future[T]:
        """What the work comes to, in a thread. Work that nobody waits for any more is not begun."""
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        job = _Job(work, answer)
        if self._idle:
            self._idle.pop().jobs.put(job)
        elif len(self._answerers) < self._count:
            self._answerers.append(_Answerer(f"{self._name}_{len(self._answerers)}", self._take_back))
            self._answerers[-1].jobs.put(job)
        else:
            self._waiting.append(job)
        return answer

    async def close(self) -> None:
        """Begin nothing any more, and wait until nothing is done. Nobody asks from here on."""
        while self._waiting:
            self._waiting.popleft().answer.cancel()
        for answerer in self._answerers:
            answerer.jobs.put(None)
        for answerer in self._answerers:
            await asyncio.to_thread(answerer.thread.join)

    def _take_back(self, answerer: _Answerer) -> None:
        """On the event loop: it is free again."""
        while self._waiting:
            job = self._waiting.popleft()
            if not job.answer.done():
                answerer.jobs.put(job)
                return
        self._idle.append(answerer)


@dataclass(slots=True, eq=False)
class _Answerer:
    """One thread, which ends when it is given None. `free` is called on the event loop behind each job."""

    name: str
    free: Callable[[_Answerer], None]
    jobs: SimpleQueue[_Job | None] = field(default_factory=SimpleQueue)
    thread: threading.Thread = field(init=False)

    def __post_init__(self) -> None:
        self.thread = threading.Thread(target=self._answer_all, name=self.name, daemon=True)
        self.thread.start()

    def _answer_all(self) -> None:
        while self._answer_next():
            pass

    def _answer_next(self) -> bool:
        """Whether there may be another. What a job came to is held no longer than it takes."""
        job = self.jobs.get()
        if job is None:
            return False
        result, error = None, None
        try:
            result = job.work()
        except BaseException as raised:  # noqa: BLE001 - it is whoever asked that it concerns
            error = raised
        with suppress(RuntimeError):  # the loop is closed, and with it nobody waits
            job.answer.get_loop().call_soon_threadsafe(self._hand_over, job.answer, result, error)
        return True

    def _hand_over(self, answer: asyncio.Future[Any], result: object, error: BaseException | None) -> None:
        self.free(self)
        if answer.done():
            return
        if error is not None:
            answer.set_exception(error)
        else:
            answer.set_result(result)
