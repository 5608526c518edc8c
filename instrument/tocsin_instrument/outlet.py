"""One process's way out: gives points their time, keeps them, and starts the thread that sends them.

`telemetry` owns one and makes another in a forked worker, where threads and locks of the parent mean nothing. The
invariant: each point has a time of its own, so that two of one series in the same nanosecond do not replace each other.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Mapping

from tocsin_instrument.line import Value, head, line
from tocsin_instrument.push import Pusher
from tocsin_instrument.queue import Counts, Queue
from tocsin_instrument.settings import Settings
from tocsin_instrument.transport import Transport

_HEALTH_EVERY_NS = 60_000_000_000


class Outlet:
    """Takes points of this process. The thread begins with the first of them."""

    def __init__(
        self,
        settings: Settings,
        transport: Callable[[Settings], Transport],
        clock: Callable[[], int] = time.time_ns,  # noqa: TID251 - an app has no clock of ours
    ) -> None:
        self.process = os.getpid()
        self.counts = Counts()
        self._settings, self._transport, self._clock = settings, transport, clock
        self._lock = threading.Lock()
        self._queue = Queue(settings.most_lines, settings.most_bytes, self.counts)
        self._pusher: Pusher | None = None
        self._last_ns = self._told_ns = 0

    def put(self, start: str, fields: Mapping[str, Value]) -> None:
        """Keep a point of now; `start` is what `line.head` made. Raises ValueError where no field can be written."""
        with self._lock:
            now_ns = self._last_ns = max(self._clock(), self._last_ns + 1)
            is_due = now_ns - self._told_ns >= _HEALTH_EVERY_NS
            if is_due:
                self._told_ns = now_ns
            if self._pusher is None:
                self._pusher = self._started()
        self._queue.put(line(start, fields, now_ns))
        if is_due:
            self._queue.put(self._health(now_ns))

    def fail(self) -> None:
        """Count a point that could not be made."""
        self._queue.fail()

    def close(self, timeout_s: float) -> None:
        """Send what waits, for at most so many seconds; what is left is dropped and counted."""
        with self._lock:
            pusher, self._pusher = self._pusher, None
        if pusher is not None:
            pusher.stop(timeout_s)

    def _started(self) -> Pusher:
        transport = self._transport(self._settings)
        pusher = Pusher(self._queue, transport, self.counts, every_s=self._settings.every_s)
        pusher.start()
        return pusher

    def _health(self, now_ns: int) -> bytes:
        """Our own health: what became of this process's lines."""
        tags = {"service": self._settings.service, "host": socket.gethostname(), "process": str(self.process)}
        counts = self.counts
        fields: dict[str, Value] = {
            "sent": counts.sent,
            "refused": counts.refused,
            "dropped": counts.dropped,
            "failed": counts.failed,
            "waiting": self._queue.held,
        }
        return line(head("tocsin_instrument", tags), fields, now_ns)
