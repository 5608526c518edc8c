"""Lines as the buffer would hand them to a store."""

from isal import igzip

from foundation.batch import Position, Shipment
from foundation.line_protocol.split import split_lines
from store.contract import Store, Verdict


def shipment(body: bytes, bucket: str = "telemetry", *, members: int = 1) -> Shipment:
    """The lines of `body` as gzip members; several members are cut between lines."""
    lines = [line + b"\n" for _, line in split_lines(body)]
    size = max(1, -(-len(lines) // members))
    packed = [igzip.compress(b"".join(lines[at : at + size]), 1) for at in range(0, max(len(lines), 1), size)]
    return Shipment(bucket, b"".join(packed), len(lines))


class Log:
    """A bucket's log as delivery walks it: every shipment lies behind the one before."""

    def __init__(self, store: Store, bucket: str = "telemetry", name: str = "log") -> None:
        self.store = store
        self.bucket = bucket
        self.name = name
        self.offset = 0

    async def put(self, body: bytes, *, members: int = 1) -> Verdict:
        """Write the next shipment."""
        self.offset += len(body)
        position = Position(self.name, self.bucket, self.offset)
        return await self.store.write(shipment(body, self.bucket, members=members), position)
