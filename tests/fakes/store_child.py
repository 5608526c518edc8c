"""Writes shipments into an embedded store for ever, to be killed: python -m tests.fakes.store_child FILE [WORK].

Shipment number n (from 1) holds LINES lines whose values are all n and whose times are n's own; every one also sets the
field `latest` of one point, which all shipments share. After each commit it prints the number. WORK is what the store
does meanwhile; whatever else a store does by itself gets a name in WORKS, and is killed like the others.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from foundation.batch import Position
from foundation.clock import SystemClock
from store.embedded.store import EmbeddedConfig, EmbeddedStore
from tests.fakes.shipping import shipment

LINES = 200
LOG, BUCKET = "log", "telemetry"
WINDOWS = 20
"""Shipments that a board looks back on."""


def body(number: int) -> bytes:
    """The lines of shipment `number`: two shapes of `m`, and the shared point of `shared`."""
    lines = [b"m,t=a f=%d %d\n" % (number, number * LINES + index) for index in range(LINES // 2)]
    lines += [b"m f=%d,g=%di %d\n" % (number, number, number * LINES + index) for index in range(LINES // 2, LINES)]
    return b"".join(lines) + b"shared latest=%di 0\n" % number


@dataclass(frozen=True)
class Work:
    """`changes` to the configuration, and what is done `beside` the writing, over and over."""

    changes: dict[str, Any]
    beside: Callable[[EmbeddedStore], Awaitable[object]] | None = None


async def make_backup(store: EmbeddedStore) -> None:
    """Copy everything, and throw the copy away."""
    (await store.copy()).path.unlink()


async def ask_as_boards(store: EmbeddedStore) -> None:
    """The same questions again and again, for memory to answer: whole shipments, all that were acknowledged before."""
    written = await store.position(LOG, BUCKET) or 0
    first = max(written - WINDOWS, 1)
    total = await windows(store, f"time >= 0 AND time < {2**62} GROUP BY time({2**62}ns)")
    shipments = sum(count for count, _ in total) // LINES
    if shipments < written or sum(value for _, value in total) != shipments * (shipments + 1) // 2 * LINES:
        raise RuntimeError(f"{total} are no {written} shipments or more")
    bounds = f"time >= {first * LINES} AND time < {(written + 1) * LINES}"
    found = await windows(store, f"{bounds} GROUP BY time({LINES}ns)")
    if found != [(LINES, number * LINES) for number in range(first, written + 1)]:
        raise RuntimeError(f"{found} are not the shipments from {first} to {written}")


async def windows(store: EmbeddedStore, which: str) -> list[tuple[int, float]]:
    """How many lines the windows hold, and what they come to."""
    (result,) = await store.query(f"SELECT count(f), sum(f) FROM m WHERE {which}", BUCKET)  # noqa: S608 - our own text
    rows = [(count, value) for series in result.series for _, count, value in series.values if count]
    return cast("list[tuple[int, float]]", rows)


WORKS = {
    "ingest": Work({}),
    "checkpoint": Work({"checkpoint_at": "1KB"}),
    "backup": Work({}, make_backup),
    "boards": Work({"checkpoint_at": "1KB"}, ask_as_boards),
}


async def over_and_over(work: Callable[[EmbeddedStore], Awaitable[object]], store: EmbeddedStore) -> None:
    while True:
        await work(store)


async def write_for_ever(path: Path, work: Work) -> None:
    """Go on behind what the file says it has."""
    config = EmbeddedConfig(path=path, **work.changes)
    store = EmbeddedStore(config, state=path.parent, clock=SystemClock())
    await store.open()
    beside = None if work.beside is None else asyncio.ensure_future(over_and_over(work.beside, store))
    number = await store.position(LOG, BUCKET) or 0
    while beside is None or not beside.done():
        number += 1
        await store.write(shipment(body(number), BUCKET), Position(LOG, BUCKET, number))
        print(number, flush=True)  # noqa: T201 - how the parent knows what was acknowledged
    await beside  # it has failed


if __name__ == "__main__":
    asyncio.run(write_for_ever(Path(sys.argv[1]), WORKS[sys.argv[2] if len(sys.argv) > 2 else "ingest"]))
