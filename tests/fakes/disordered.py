"""A store's file in which every row group lies across all times, as when all points come late."""

from pathlib import Path

from foundation.batch import Position
from foundation.clock import SystemClock
from store.embedded.compaction.compaction import GROUP_ROWS
from store.embedded.file import OpenFile, open_file
from store.embedded.recent.memory import Recent
from tests.fakes.shipping import shipment

BUCKET, LOG = "telemetry", "disordered"
GROUPS = 6
STEP_NS = 1_000
POINTS = GROUPS * GROUP_ROWS
"""`m f=N` at the time N * STEP_NS, for every N below."""
SUM = POINTS * (POINTS - 1) // 2


def open_plainly(path: Path) -> OpenFile:
    """The file without a store around it, for one thread."""
    return open_file(path, {"threads": 2, "memory_limit": "512MB"}, SystemClock(), recent=Recent())


def make_disordered(path: Path) -> None:
    """Write every so manyeth point, then the next to each, and so on."""
    file = open_plainly(path)
    for number in range(GROUPS):
        body = b"".join(b"m f=%d %d\n" % (n, n * STEP_NS) for n in range(number, POINTS, GROUPS))
        file.writer.write(shipment(body, BUCKET), Position(LOG, BUCKET, number + 1))
    file.close()
