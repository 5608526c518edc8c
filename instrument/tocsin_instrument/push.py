"""The thread that sends what waits: every second, again with growing waits while nobody answers, never twice at once.

`telemetry` owns one. The invariants: lines leave in the order in which they came, what was refused for good is not sent
again, and the app's threads are never waited for.
"""

from __future__ import annotations

import http.client
import logging
import random
import re
import threading
import time
from collections.abc import Callable

from tocsin_instrument.queue import Counts, Queue
from tocsin_instrument.transport import Answer, Transport

_MOST_LINES, _MOST_BYTES = 5_000, 1 << 20
_FIRST_S, _LONGEST_S = 1.0, 60.0
_MOST_ASKED_S = 3_600.0
_LATER = frozenset({401, 403, 404, 408, 425, 429})
"""Answers that somebody may mend while the app runs: a token, a bucket, a proxy, a limit. 3xx and 5xx are such, too."""

_PARTLY = re.compile(r"\bdropped=(\d+)\b")
"""How the write API says that it took the other lines: `partial write: ... dropped=2`."""

_log = logging.getLogger("tocsin_instrument")


class Pusher:
    """Sends the lines of `queue` through `transport` from a thread of its own."""

    def __init__(
        self,
        queue: Queue,
        transport: Transport,
        counts: Counts,
        *,
        every_s: float,
        luck: Callable[[], float] = random.random,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self._queue, self._transport, self._counts = queue, transport, counts
        self._every_s, self._luck, self._timer = every_s, luck, timer
        self._pending: list[bytes] = []
        self._attempt, self._complained, self._dropped = 0, False, 0
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="tocsin-push", daemon=True)
        self._deadline = float("inf")

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def stop(self, timeout_s: float) -> None:
        """Send what still waits, for at most so many seconds; what is left then is dropped and counted."""
        self._deadline = self._timer() + timeout_s
        self._stopping.set()
        self._thread.join(timeout_s)

    @property
    def waiting(self) -> int:
        """Lines that are not sent yet."""
        return self._queue.held

    def step(self) -> float:
        """Send one batch, if there is one; how many seconds to wait before the next."""
        self._pending = self._pending or self._queue.take(_MOST_LINES, _MOST_BYTES)
        if not self._pending:
            return self._every_s
        try:
            answer = self._transport.send(b"\n".join(self._pending))
        except (OSError, http.client.HTTPException) as error:
            return self._later(str(error) or type(error).__name__, None)
        except Exception as error:  # noqa: BLE001 - the thread must live; the words of such an error may hold the token
            return self._later(type(error).__name__, None)
        if answer.status in _LATER or answer.status // 100 in (3, 5):
            return self._later(f"{answer.status} {answer.told}", answer.retry_after_s)
        self._book(answer)
        return 0.0 if len(self._queue) >= _MOST_LINES else self._every_s

    def _run(self) -> None:
        wait_s = self._every_s
        while not self._stopping.wait(wait_s):
            wait_s = self.step()
        while self.waiting and self._timer() < self._deadline:
            if self.step() > 0 and self._attempt:
                break
        self._counts.dropped += self.waiting
        self._transport.close()

    def _book(self, answer: Answer) -> None:
        self._queue.let_go(self._pending)
        count, self._pending, self._attempt = len(self._pending), [], 0
        if answer.status < 300:  # noqa: PLR2004 - 2xx of HTTP
            self._counts.sent += count
            self._recover()
        else:
            partly = _PARTLY.search(answer.told)
            refused = min(int(partly[1]), count) if partly else count
            self._counts.refused += refused
            self._counts.sent += count - refused
            self._complain(f"lines were refused: {answer.status} {answer.told}")

    def _later(self, reason: str, asked_s: float | None) -> float:
        self._complain(f"telemetry waits, the collector does not take it: {reason}")
        longest = min(_LONGEST_S, _FIRST_S * 2.0**self._attempt)
        self._attempt += 1
        return max(min(asked_s or 0.0, _MOST_ASKED_S), longest * (0.5 + self._luck() / 2))

    def _complain(self, text: str) -> None:
        """Say it once until something is sent again."""
        if not self._complained:
            self._complained, self._dropped = True, self._counts.dropped
            _log.warning("%s", text)

    def _recover(self) -> None:
        """Say that it is well again, and what was lost meanwhile."""
        if self._complained:
            self._complained = False
            lost = self._counts.dropped - self._dropped
            _log.warning("telemetry is taken again; %d lines found no room meanwhile", lost)
