"""Both stores with the same points, each behind its own /query: what a benchmark of queries asks and times.

The embedded store is that of a `tocsin collector` on one core; influxd has the whole machine.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import statistics
import time
import urllib.parse
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.process import collector
from benchmarks.store_points import BUCKET
from foundation.batch import Position, Shipment
from foundation.clock import SystemClock
from foundation.secret import Secret
from store.contract import Store
from store.embedded.store import EmbeddedConfig, EmbeddedStore
from store.influxdb import InfluxConfig, InfluxStore
from tests.fakes.influxd import Influxd, running_influxd
from tests.fakes.servers import find_server

CONFIG = """
collector: {tokens: open, host: {enabled: false}, health: {enabled: false}, query_deadline: 10m}
store: {kind: embedded}
"""
CUT_OFF_S = 60.0
_ENOUGH_S = 5.0
_PAUSE_S = 0.5
_LOOK_S, _RESTING, _LONGEST_REST_S = 0.1, 0.1, 3.0


@dataclass(frozen=True, slots=True)
class Asked:
    """Seconds until a question was answered: for the first time, and again."""

    first: float
    again: float


class Server:
    """Who answers at `address` (host:port) over one connection that is kept, and the headers that let us in."""

    def __init__(self, address: str, headers: Mapping[str, str], pid: int | None = None) -> None:
        self._address = address
        self._process = None if pid is None else psutil.Process(pid)
        self._headers = dict(headers)
        self._connection = self._connect()
        self.found = False
        """whether the last answer had any row"""

    def ask(self, influxql: str) -> float:
        """Seconds to the last byte of the answer; CUT_OFF_S where it takes longer. Raises RuntimeError on an error."""
        query = urllib.parse.urlencode({"db": BUCKET, "epoch": "ms", "q": influxql})
        started = time.perf_counter()
        try:
            self._connection.request("GET", f"/query?{query}", headers=self._headers)
            answer = self._connection.getresponse().read()
        except TimeoutError:
            self._connection.close()
            self._connection = self._connect()
            return CUT_OFF_S
        taken = time.perf_counter() - started
        self.found = b'"values"' in answer
        if any("error" in result for result in json.loads(answer).get("results", [{"error": answer}])):
            raise RuntimeError(f"{self._address} does not answer {influxql}: {answer[:300]!r}")
        return taken

    def time(self, texts: Sequence[str]) -> Asked:
        """The first answer, and the median of those to the other texts; where it is slow, of that one alone.

        Behind the second one there is a pause, much shorter than a board's that refreshes: a server may get ready.
        """
        first = self.ask(texts[0])
        if first > _ENOUGH_S:
            return Asked(first, first)
        second = self.ask(texts[1])
        time.sleep(_PAUSE_S)
        return Asked(first, statistics.median([second, *map(self.ask, texts[2:])]))

    def rest(self) -> None:
        """Wait until it does next to nothing any more: what it does behind its answers is not to slow the other one."""
        end = time.monotonic() + _LONGEST_REST_S
        busy = True
        while busy and time.monotonic() < end:
            before = self.cpu_s
            time.sleep(_LOOK_S)
            busy = self.cpu_s - before > _RESTING * _LOOK_S

    @property
    def cpu_s(self) -> float:
        """The CPU time that its process has taken, which others on the machine hardly change."""
        if self._process is None:
            return 0.0
        times = self._process.cpu_times()
        return float(times.user + times.system)

    def _connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(self._address, timeout=CUT_OFF_S)


@dataclass(frozen=True, slots=True)
class Pair:
    """The embedded store's server, and influxd's where there is one."""

    embedded: Server
    influxd: Server | None


@contextmanager
def filled_pair(folder: Path, goods: Iterable[Shipment]) -> Iterator[Pair]:
    """Both, holding the same lines."""
    program = find_server("influxd")
    with ExitStack() as stack:
        influxd = None if program is None else stack.enter_context(running_influxd(program, folder / "influxd"))
        asyncio.run(fill(folder / "state", influxd, goods))
        address, pid = stack.enter_context(collector(folder, CONFIG))
        yield Pair(Server(address, {}, pid), None if influxd is None else _server(influxd))


def _server(influxd: Influxd) -> Server:
    return Server(influxd.url.removeprefix("http://"), {"Authorization": f"Token {influxd.token}"}, influxd.process.pid)


async def fill(state: Path, influxd: Influxd | None, goods: Iterable[Shipment]) -> None:
    """Write the same shipments into an embedded store in the folder `state` and into influxd."""
    stores: list[Store] = [EmbeddedStore(EmbeddedConfig(), state=state, clock=SystemClock())]
    if influxd is not None:
        config = InfluxConfig(kind="influxdb", url=influxd.url, org=influxd.org, token=Secret(influxd.token))
        stores.append(InfluxStore(config))
    for store in stores:
        await store.open()
    try:
        for turn, shipment in enumerate(goods, start=1):
            position = Position("benchmark", BUCKET, turn)
            for verdict in await asyncio.gather(*(store.write(shipment, position) for store in stores)):
                if verdict.refused:
                    raise RuntimeError(f"a line was refused: {verdict.refused[0]}")
    finally:
        for store in stores:
            await store.close()
