"""Deletes from an embedded store what is older than a day, to be killed: python -m tests.fakes.expiry_child FILE.

After each slice that is deleted it prints how many points that were.
"""

import asyncio
import sys
from datetime import timedelta
from pathlib import Path

from foundation.clock import SystemClock
from store.embedded.store import EmbeddedConfig, EmbeddedStore
from store.embedded.upkeep import Counts


async def expire(path: Path) -> None:
    """Sweep once and stay."""
    store = EmbeddedStore(
        EmbeddedConfig(path=path, retention={"default": timedelta(days=1)}, expire_every=timedelta(days=1)),
        state=path.parent,
        clock=SystemClock(),
        counts=Counts(lambda _bucket, lines: print(lines, flush=True)),  # noqa: T201 - how the parent knows how far it is
    )
    await store.open()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(expire(Path(sys.argv[1])))
