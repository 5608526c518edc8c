"""Opens disk buffers for tests, with metrics and incidents that the test can look at."""

from collections.abc import Sequence
from pathlib import Path

from prometheus_client import CollectorRegistry

from collector.buffer.disk import DiskBuffer, DiskConfig
from collector.buffer.files import Files
from collector.ledger import Ledger
from collector.metrics import BufferMetrics
from foundation.batch import Batch
from foundation.clock import Clock, SystemClock


class Incidents(list[str]):
    """Names of eternal tasks that ended."""

    def __call__(self, name: str, error: BaseException | None) -> None:
        self.append(f"{name}: {error}")


def disk_buffer(  # noqa: PLR0913 - what the buffer itself is given
    folder: Path,
    *,
    destinations: Sequence[str] = ("store",),
    config: DiskConfig | None = None,
    clock: Clock | None = None,
    registry: CollectorRegistry | None = None,
    files: Files | None = None,
    ledger: Ledger | None = None,
    optional: Sequence[str] = (),
) -> DiskBuffer:
    """A buffer in `folder`, not opened."""
    return DiskBuffer(
        config or DiskConfig(),
        folder,
        destinations,
        clock=clock or SystemClock(),
        metrics=BufferMetrics(registry or CollectorRegistry()),
        on_incident=Incidents(),
        files=files,
        ledger=ledger,
        optional=optional,
    )


def batch(*lines: str, bucket: str = "telemetry", source: str = "test") -> Batch:
    """A batch of these lines."""
    return Batch(bucket, "".join(f"{line}\n" for line in lines).encode(), len(lines), source)


async def drain(buffer: DiskBuffer, destination: str = "store", bucket: str = "telemetry") -> list[str]:
    """All lines that the destination lacks, in order; they are committed."""
    lines: list[str] = []
    while (parcel := await buffer.read(destination, bucket, most_bytes=1 << 20)) is not None:
        lines += parcel.shipment.unpack().decode().splitlines()
        await buffer.commit(destination, parcel.behind)
    return lines
