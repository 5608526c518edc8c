"""Lines that a destination refused as dead letters, each with its source and when it was accepted.

Called on a thread: the body is unpacked. A line is found by where it stands in the body, since origins know sizes only.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from collector.buffer.contract import Origin, Parcel
from collector.dead.letter import DeadLetter
from foundation.batch import Refused

_NOWHERE = Origin("", 0, 0)


def letters(parcel: Parcel, refused: Sequence[Refused], destination: str) -> list[DeadLetter]:
    """One letter for each refused line, in their order."""
    body = parcel.shipment.unpack()
    bucket = parcel.shipment.bucket
    made: list[DeadLetter] = []
    for one in refused:
        origin = _origin(parcel.origins, body.find(one.line))
        made.append(DeadLetter(one.line, one.reason, bucket, origin.source, destination, origin.accepted_ns))
    return made


def _origin(origins: Sequence[Origin], offset: int) -> Origin:
    """Whose lines stand at `offset` of the unpacked shipment; nobody's when it is not known."""
    for origin, behind in _ends(origins):
        if 0 <= offset < behind:
            return origin
    return _NOWHERE


def _ends(origins: Sequence[Origin]) -> Iterator[tuple[Origin, int]]:
    behind = 0
    for origin in origins:
        behind += origin.size_bytes
        yield origin, behind
