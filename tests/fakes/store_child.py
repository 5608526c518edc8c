"""Writes shipments into an embedded store for ever, to be killed: python -m tests.fakes.store_child FILE.

Shipment number n (from 1) holds LINES lines whose values are all n and whose times are n's own; every one also sets the
field `latest` of one point, which all shipments share. After each commit it prints the number.
"""

import asyncio
import sys
from pathlib import Path

from foundation.batch import Position
from foundation.clock import SystemClock
from store.embedded.store import EmbeddedConfig, EmbeddedStore
from tests.fakes.shipping import shipment

LINES = 200
LOG, BUCKET = "log", "telemetry"


def body(number: int) -> bytes:
    """The lines of shipment `number`: two shapes of `m`, and the shared point of `shared`."""
    lines = [b"m,t=a f=%d %d\n" % (number, number * LINES + index) for index in range(LINES // 2)]
    lines += [b"m f=%d,g=%di %d\n" % (number, number, number * LINES + index) for index in range(LINES // 2, LINES)]
    return b"".join(lines) + b"shared latest=%di 0\n" % number


async def write_for_ever(path: Path) -> None:
    """Go on behind what the file says it has."""
    store = EmbeddedStore(EmbeddedConfig(path=path), state=path.parent, clock=SystemClock())
    await store.open()
    number = await store.position(LOG, BUCKET) or 0
    while True:
        number += 1
        await store.write(shipment(body(number), BUCKET), Position(LOG, BUCKET, number))
        print(number, flush=True)  # noqa: T201 - how the parent knows what was acknowledged


if __name__ == "__main__":
    asyncio.run(write_for_ever(Path(sys.argv[1])))
