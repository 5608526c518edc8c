"""Writes points of any time into a store that rolls them up all the while, to be killed.

    python -m tests.fakes.rollup_child FILE SEED

Times and values are drawn from SEED, so most points are late and many are written again. After each shipment it prints
its number.
"""

import asyncio
import random
import sys
from datetime import timedelta
from pathlib import Path

from foundation.batch import Position
from foundation.clock import SystemClock
from store.embedded.rollups.definition import RollupConfig, RollupTarget
from store.embedded.store import EmbeddedConfig, EmbeddedStore
from tests.fakes.shipping import shipment

BUCKET = "telemetry"
FINE = "SELECT sum(f) AS s, count(f) AS n FROM m GROUP BY time(10s), t"
COARSE = "SELECT sum(s) AS s, sum(n) AS n FROM m GROUP BY time(5m)"
SPAN_S = 1_200


def make_store(path: Path, roll_every: timedelta) -> EmbeddedStore:
    """Rollups of ten seconds, and of five minutes out of them."""
    rollups = (
        RollupConfig(name="fine", query=FINE, target=RollupTarget(bucket="fine")),
        RollupConfig(name="coarse", bucket="fine", query=COARSE, target=RollupTarget(bucket="coarse")),
    )
    config = EmbeddedConfig(path=path, rollups=rollups, roll_every=roll_every, checkpoint_at="1MB")
    return EmbeddedStore(config, state=path.parent, clock=SystemClock())


def body(luck: random.Random) -> bytes:
    """A few points, some of a moment each, some close together."""
    base = luck.randrange(SPAN_S)
    times = [base + luck.randrange(60) if luck.random() < 0.7 else luck.randrange(SPAN_S) for _ in range(8)]
    return b"".join(b"m,t=%d f=%di %d\n" % (luck.randrange(3), luck.randrange(100), at * 1_000_000_000) for at in times)


async def write_for_ever(path: Path, seed: int) -> None:
    """Go on behind what the file says it has."""
    store = make_store(path, timedelta(milliseconds=5))
    await store.open()
    luck = random.Random(seed)  # noqa: S311 - a seed makes a run, no secret
    number = await store.position("log", BUCKET) or 0
    while True:
        number += 1
        await store.write(shipment(body(luck), BUCKET), Position("log", BUCKET, number))
        if luck.random() < 0.1:
            since = luck.randrange(SPAN_S)
            await store.query(f"DELETE FROM m WHERE time >= {since}s AND time < {since + 15}s", BUCKET)  # noqa: S608 - InfluxQL
        print(number, flush=True)  # noqa: T201 - how the parent knows how far it is


if __name__ == "__main__":
    asyncio.run(write_for_ever(Path(sys.argv[1]), int(sys.argv[2])))
