"""The one thread that touches the SQLite file.

`sqlite` hands it jobs and waits. The invariants: jobs run in the order they came; those that wait at the same moment
share one transaction and one fsync; a job that fails takes back its own work and no other's (for that, all may be run
a second time); when a job's answer arrives, what it wrote is on the disk.
"""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")

_MOST_JOBS = 256
Prepare = Callable[[sqlite3.Connection], None]
_Job = tuple[Callable[[sqlite3.Connection], Any], "asyncio.Future[Any]"]
_Done = tuple["asyncio.Future[Any]", Any, Exception | None]


class Writer:
    """Runs jobs on a connection of its own. `prepare` is run first, outside any transaction."""

    def __init__(self, path: Path, prepare: Prepare) -> None:
        self._path = path
        self._prepare = prepare
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def start(self) -> None:
        """Open the file. Raises what `prepare` raises, or sqlite3.Error."""
        ready: Future[None] = Future()
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._live, args=(ready,), name="alerting.memory", daemon=True)
        self._thread.start()
        await asyncio.wrap_future(ready)

    async def run(self, job: Callable[[sqlite3.Connection], T]) -> T:
        """What `job` returns, once it is durable. Raises what it raises, or sqlite3.Error."""
        if self._thread is None or self._loop is None:
            raise sqlite3.ProgrammingError("the file is closed")
        done: asyncio.Future[T] = self._loop.create_future()
        self._jobs.put((job, done))
        return await done

    async def stop(self) -> None:
        """Finish the jobs that wait and close the file."""
        if self._thread is not None:
            thread, self._thread = self._thread, None
            self._jobs.put(None)
            await asyncio.to_thread(thread.join)

    def _live(self, ready: Future[None]) -> None:
        try:
            connection = sqlite3.connect(self._path, isolation_level=None)
            try:
                self._prepare(connection)
            except BaseException:
                connection.close()
                raise
        except BaseException as error:  # noqa: BLE001 - handed to whoever called start
            ready.set_exception(error)
            return
        ready.set_result(None)
        stopping = False
        while not stopping:
            jobs, stopping = self._next_jobs()
            done = _transact(connection, jobs)
            if done and self._loop is not None:
                # one call for all: each wakes the loop, and costs more than a small job
                self._loop.call_soon_threadsafe(_answer, done)
        connection.close()

    def _next_jobs(self) -> tuple[list[_Job], bool]:
        jobs: list[_Job] = []
        job = self._jobs.get()
        while job is not None:
            if not job[1].cancelled():
                jobs.append(job)
            if len(jobs) >= _MOST_JOBS:
                return jobs, False
            try:
                job = self._jobs.get_nowait()
            except queue.Empty:
                return jobs, False
        return jobs, True


def _transact(connection: sqlite3.Connection, jobs: list[_Job]) -> list[_Done]:
    """Run the jobs in one transaction; where one fails, again from the start, each with a point to go back to."""
    try:
        connection.execute("BEGIN IMMEDIATE")
        done: list[_Done] = [(future, job(connection), None) for job, future in jobs]
        connection.execute("COMMIT")
    except Exception:  # noqa: BLE001 - whose failure it is shows below
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        return _transact_apart(connection, jobs)
    return done


def _transact_apart(connection: sqlite3.Connection, jobs: list[_Job]) -> list[_Done]:
    done: list[_Done] = []
    try:
        connection.execute("BEGIN IMMEDIATE")
        for job, future in jobs:
            connection.execute("SAVEPOINT job")
            try:
                done.append((future, job(connection), None))
            except Exception as error:  # noqa: BLE001 - handed to the one who asked; the others go on
                connection.execute("ROLLBACK TO job")
                done.append((future, None, error))
            connection.execute("RELEASE job")
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        done = [(future, None, error) for _, future in jobs]
    return done


def _answer(done: list[_Done]) -> None:
    for future, result, error in done:
        if future.done():
            continue
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)
