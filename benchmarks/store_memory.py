"""What a collector with its store keeps in memory while lines come in at full rate and ten boards are open.

One sender writes as fast as it is acknowledged; ten readers ask all that a board asks about the last hour, five seconds
after the last answer again. Everything over HTTP, the collector on one core.
"""

from __future__ import annotations

import http.client
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import psutil

from benchmarks.boards import questions
from benchmarks.contract import Wish
from benchmarks.figures import Figure
from benchmarks.process import collector, pin_load
from benchmarks.store_pair import CONFIG, Server
from benchmarks.store_points import BUCKET, START_NS, shipments

_HOUR_NS = 3_600_000_000_000
_PATH = f"/api/v2/write?bucket={BUCKET}&org=bench&precision=ns"
_STORED, _BUSY = 204, 503
_POINTS = 2_000_000_000
"""More than can be sent; a second of time for every 10 000 of them."""
_SPAN_NS = _POINTS // 10_000 * 1_000_000_000
_BOARDS = 10
_REFRESH_S, _EVERY_S, _QUICK_S, _MINUTE_S = 5.0, 1.0, 8.0, 60.0


def measure(wish: Wish) -> Iterator[Figure]:
    """The largest resident memory for `--minutes`, what was acknowledged and answered meanwhile."""
    seconds = _QUICK_S if wish.quick else wish.minutes * _MINUTE_S
    pin_load()
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as name, collector(Path(name), CONFIG) as (address, pid):
        scene = _Scene(address)
        threads = [threading.Thread(target=scene.send)]
        threads += [threading.Thread(target=scene.watch, args=(number,)) for number in range(_BOARDS)]
        for thread in threads:
            thread.start()
        sizes = _sample(psutil.Process(pid), seconds)
        scene.ended.set()
        for thread in threads:
            thread.join()
    yield Figure("resident memory, largest", max(sizes), "bytes", "< 600 M")
    yield Figure("resident memory, last", sizes[-1], "bytes", "< 600 M")
    yield Figure("lines acknowledged meanwhile", scene.lines / seconds, "lines/s")
    yield Figure("questions of boards answered meanwhile", scene.answers / seconds, "1/s")


class _Scene:
    """What sender and readers share. Counters are written by one thread each, or under the lock."""

    def __init__(self, address: str) -> None:
        self.ended = threading.Event()
        self.lines = 0
        self.answers = 0
        self._address = address
        self._until_ns = START_NS
        self._lock = threading.Lock()

    def send(self) -> None:
        """Lines in order of time, each shipment when the one before is safe; again where the collector is full."""
        connection = http.client.HTTPConnection(self._address, timeout=60)
        for shipment in shipments(_POINTS, _SPAN_NS):
            while not self.ended.is_set():
                connection.request("POST", _PATH, shipment.members, {"Content-Encoding": "gzip"})
                answer = connection.getresponse()
                text = answer.read()
                if answer.status == _STORED:
                    self.lines += shipment.lines
                    self._until_ns = START_NS + self.lines * _SPAN_NS // _POINTS
                    break
                if answer.status != _BUSY:
                    raise RuntimeError(f"{answer.status}: {text[:300]!r}")
                self.ended.wait(_EVERY_S)
            if self.ended.is_set():
                return

    def watch(self, number: int) -> None:
        """One board, over and over."""
        server = Server(self._address, {})
        while not self.ended.wait(_REFRESH_S * (0.5 + number / _BOARDS)):
            boards = defaultdict(list)
            for question in questions(self._until_ns - _HOUR_NS, self._until_ns):
                boards[question.board].append(question.influxql)
            for influxql in boards[sorted(boards)[number % len(boards)]]:
                server.ask(influxql)
                with self._lock:
                    self.answers += 1


def _sample(process: psutil.Process, seconds: float) -> list[int]:
    end = time.monotonic() + seconds
    sizes = []
    while time.monotonic() < end:
        time.sleep(_EVERY_S)
        sizes.append(process.memory_info().rss)
        print(f"{end - time.monotonic():6.0f} s  {sizes[-1] / 1e6:7.1f} MB", file=sys.stderr, flush=True)
    return sizes
