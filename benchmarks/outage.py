"""Into a real InfluxDB while lines keep coming, and what it takes to catch up when it was away.

Three runs, each with a fresh influxd and the same intake load (5 000 lines a body, more than influxd takes):
    directly     the collector only buffers; the same bytes are posted to influxd by a client with one connection, then
                 with several: the better one counts
    through      the collector delivers; what it delivers counts
    catching up  `--lines` lines were buffered while nothing answered; how fast these leave, with the load going on
influxd runs on whatever core is free, the collector on its own, client and load on the other. A fresh influxd takes its
first bodies slowly; nobody is measured before it has taken some.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import count
from pathlib import Path

from isal import igzip

from benchmarks.contract import Wish
from benchmarks.figures import Figure
from benchmarks.intake import BATCH_CONNECTIONS, LINES, PATH
from benchmarks.lines import bodies, later
from benchmarks.load import closed_loop, paced, request, run
from benchmarks.process import collector, pin_load
from benchmarks.watch import delivered_lines
from tests.fakes.influxd import Influxd, running_influxd
from tests.fakes.servers import find_server

_BUCKET = "telemetry"
_INTAKE_LINES_S = 400_000
"""The load that goes on meanwhile; more than influxd takes on this machine, so delivery is never idle."""
_BODY_BYTES = 1 << 20
"""About as much as delivery puts into one write."""
_CONNECTIONS = (1, 4)
_BODIES = 16
_DIRECT_BODIES = 64
_LOOK_S = 0.25
_WARM_S = 2.0
_WARM_LINES = 200_000
_MOST_WARM_S = 30.0
_SLOWEST_LINES_S = 20_000
_CONFIG = """
collector: {{tokens: open, host: {{enabled: false}}, health: {{enabled: false}}}}
store: {{kind: influxdb, url: "{url}", org: "{org}", token: "{token}"}}
"""
_NOBODY = {"url": "http://127.0.0.1:9", "org": "bench", "token": "bench"}
"""The port for discarding, where nothing listens."""
_NOTE = ">= 95 % of directly"


def measure(wish: Wish) -> Iterator[Figure]:
    """The three rates; nothing where there is no influxd."""
    program = find_server("influxd")
    if program is None:
        return
    seconds = 4.0 if wish.quick else 20.0
    lines = min(wish.lines, 300_000) if wish.quick else wish.lines
    pin_load()
    load = partial(_numbered, bodies(_BODIES, LINES))
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as name:
        folder = Path(name)
        with running_influxd(program, folder / "influxd1", bucket=_BUCKET) as server:
            rates = _directly(server, folder / "buffering", load, seconds)
        for connections, rate in rates.items():
            yield Figure(f"posted directly, connections: {connections}", rate, "lines/s")
        directly = max(rates.values())
        with running_influxd(program, folder / "influxd2", bucket=_BUCKET) as server:
            through = _through(server, folder / "through", load, seconds, wish.profile)
        yield Figure("delivered while lines come in", through, "lines/s", _NOTE, "posted directly", directly)
        _fill(folder / "waiting", load, lines)
        with running_influxd(program, folder / "influxd3", bucket=_BUCKET) as server:
            caught = _catch_up(server, folder / "waiting", load, lines, wish.profile)
        yield Figure(f"catching up with {lines} lines", caught, "lines/s", _NOTE, "posted directly", directly)


def _numbered(some: Sequence[bytes], number: int) -> bytes:
    """Request `number` of the load; no two hold the same points."""
    return request(PATH, later(some[number % len(some)], number // len(some)))


def _directly(server: Influxd, folder: Path, load: Callable[[int], bytes], seconds: float) -> dict[int, float]:
    """Lines a second that a client with so many connections gets into influxd, while the collector keeps the load."""
    lines = 0
    members: list[list[bytes]] = [[]]
    for number in count():
        body = load(number).partition(b"\r\n\r\n")[2]
        members[-1].append(igzip.compress(body, 1))
        if sum(map(len, members[-1])) >= _BODY_BYTES:
            lines = len(members[-1]) * LINES
            members.append([])
        if len(members) > _DIRECT_BODIES:
            break
    path = f"/api/v2/write?org={server.org}&bucket={_BUCKET}&precision=ns"
    headers = {"Authorization": f"Token {server.token}", "Content_Encoding": "gzip"}
    posts = [request(path, b"".join(some), **headers) for some in members[:-1]]
    target = server.url.removeprefix("http://")
    with collector(folder, _CONFIG.format(**_NOBODY)) as (address, _):
        run(_post(target, posts, _CONNECTIONS[0], address, load, _WARM_S))
        rates = {number: run(_post(target, posts, number, address, load, seconds)) for number in _CONNECTIONS}
    return {number: rate * lines for number, rate in rates.items()}


async def _post(
    target: str, posts: list[bytes], connections: int, address: str, load: Callable[[int], bytes], seconds: float
) -> float:
    client = closed_loop(target, posts, connections=connections, seconds=seconds)
    beside = asyncio.create_task(_intake(address, load, seconds))
    result = await client
    await beside
    return result.rate


def _through(
    server: Influxd, folder: Path, load: Callable[[int], bytes], seconds: float, profile: Path | None
) -> float:
    """Lines a second that the collector brings to influxd while it takes the load."""
    with _delivering(server, folder, profile, "through") as address:
        return run(_deliver(address, load, seconds, _WARM_LINES, lambda _: False))


def _fill(folder: Path, load: Callable[[int], bytes], lines: int) -> None:
    """Leave so many lines in the buffer of a collector whose store does not answer."""
    wanted = -(-lines // LINES)
    with collector(folder, _CONFIG.format(**_NOBODY)) as (address, _):
        sent = 0
        while sent < wanted:
            posts = [load(number) for number in range(sent, min(sent + _BODIES * 4, wanted))]
            run(_each_once(address, posts))
            sent += len(posts)


async def _each_once(address: str, posts: Sequence[bytes]) -> None:
    every = {"rate": float(len(posts)), "seconds": 1.0}
    await paced(address, posts, connections=BATCH_CONNECTIONS, **every)


def _catch_up(server: Influxd, folder: Path, load: Callable[[int], bytes], lines: int, profile: Path | None) -> float:
    """Lines a second that leave the buffer until those that waited are gone."""
    with _delivering(server, folder, profile, "catching-up") as address:
        return run(_deliver(address, load, lines / _SLOWEST_LINES_S, _WARM_LINES // 2, lambda gone: gone >= lines))


@contextmanager
def _delivering(server: Influxd, folder: Path, profile: Path | None, name: str) -> Iterator[str]:
    config = _CONFIG.format(url=server.url, org=server.org, token=server.token)
    with collector(folder, config, profile=profile, name=name) as (address, _):
        yield address


async def _deliver(
    address: str, load: Callable[[int], bytes], seconds: float, warm: int, enough: Callable[[int], bool]
) -> float:
    """Lines a second between the first and the last write seen, behind `warm` lines, until it is enough or time is up.

    Lines arrive a body at a time, so what counts is the time from one arrival to another.
    """
    beside = asyncio.create_task(_intake(address, load, seconds + _MOST_WARM_S))
    arrivals: list[tuple[float, int]] = []
    gone, end = 0, time.perf_counter() + seconds + _MOST_WARM_S
    while (now := time.perf_counter()) < end and not enough(gone):
        before, gone = gone, await asyncio.to_thread(delivered_lines, address)
        if gone > before and gone >= warm:
            if not arrivals:
                end = now + seconds
            arrivals.append((now, gone))
        await asyncio.sleep(_LOOK_S)
    beside.cancel()
    await asyncio.gather(beside, return_exceptions=True)
    (first_s, first), (last_s, last) = (arrivals[0], arrivals[-1]) if len(arrivals) > 1 else ((0.0, 0), (1.0, 0))
    return (last - first) / (last_s - first_s)


async def _intake(address: str, load: Callable[[int], bytes], seconds: float) -> None:
    """The load that goes on meanwhile, with points of its own."""
    fresh = 1_000_000
    rate = _INTAKE_LINES_S / LINES
    await paced(address, lambda number: load(fresh + number), rate=rate, connections=BATCH_CONNECTIONS, seconds=seconds)
