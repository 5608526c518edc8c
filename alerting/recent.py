"""The newest datapoints of an alert as one string of bytes: 100 000 firing alerts keep a million of them. Pure.

The state table adds to it, memory reads it back, `explain` shows it. The invariant: what is read equals the datapoints
that were put in, to the microsecond, whatever their values; so a `Recent` equals a tuple of the same datapoints.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import overload

from alerting.alert import Datapoint

_POINT = struct.Struct("<qd?")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=1)


class Recent(Sequence[Datapoint]):
    """Datapoints, oldest first; those that come out are in UTC."""

    __slots__ = ("_packed",)

    def __init__(self, points: Iterable[Datapoint] = ()) -> None:
        self._packed = b"".join(map(_pack, points))

    @classmethod
    def of(cls, points: Sequence[Datapoint]) -> Recent:
        """These datapoints, packed if they are not yet."""
        return points if isinstance(points, Recent) else cls(points)

    def with_newest(self, point: Datapoint, most: int) -> Recent:
        """These and `point`, of which the newest `most` are kept."""
        after = Recent()
        after._packed = (self._packed + _pack(point))[-most * _POINT.size :]
        return after

    @overload
    def __getitem__(self, index: int) -> Datapoint: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Datapoint, ...]: ...
    def __getitem__(self, index: int | slice) -> Datapoint | tuple[Datapoint, ...]:
        return tuple(self)[index]

    def __iter__(self) -> Iterator[Datapoint]:
        for ticks, value, is_there in _POINT.iter_unpack(self._packed):
            yield Datapoint(_EPOCH + ticks * _TICK, value if is_there else None)

    def __len__(self) -> int:
        return len(self._packed) // _POINT.size

    def __eq__(self, other: object) -> bool:
        return tuple(self) == tuple(other) if isinstance(other, Recent | tuple) else NotImplemented

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return f"Recent({tuple(self)!r})"


def _pack(point: Datapoint) -> bytes:
    value = point.value
    return _POINT.pack((point.at - _EPOCH) // _TICK, 0.0 if value is None else value, value is not None)
