"""Lines that a destination had confirmed and lacks: said once, counted, and known to who asks how it stands.

Met where the lanes align with what the destination says of itself. What the buffer still has is delivered again, and
that is the end of it; what it has not is lacking until a backup or a sender brings it.
"""

from __future__ import annotations

from datetime import UTC, datetime

from collector.buffer.contract import Setback
from collector.metrics import DeliveryMetrics
from foundation.logs import logger

_log = logger("collector.deliver")
_REASON = "setback"


class Setbacks:
    """Of one destination, since the start."""

    def __init__(self, destination: str, metrics: DeliveryMetrics) -> None:
        self._destination = destination
        self._metrics = metrics
        self._offsets: dict[str, int] = {}
        self._lacking: dict[str, str] = {}

    def expect(self, bucket: str) -> None:
        """Count from zero for the bucket, so that a board shows a flat line and not a gap."""
        for counter in (self._metrics.returned_lines, self._metrics.gone_bytes):
            counter.labels(self._destination, bucket, _REASON)

    def meet(self, bucket: str, offset: int, setback: Setback) -> None:
        """The destination said that it is at `offset`; while it says that again, nothing is new but lines."""
        labels = (self._destination, bucket, _REASON)
        self._metrics.returned_lines.labels(*labels).inc(setback.lines)
        if self._offsets.get(bucket) == offset:
            return
        self._offsets[bucket] = offset
        self._metrics.gone_bytes.labels(*labels).inc(setback.gone_bytes)
        if setback.gone_bytes:
            self._lacking[bucket] = _gone(setback)
        _log.error(
            "the store lacks lines that it had confirmed: its file is damaged, or an older one took its place",
            destination=self._destination,
            bucket=bucket,
            delivered_again=setback.lines,
            lacks=_gone(setback) if setback.gone_bytes else "nothing for good",
        )

    @property
    def lacking(self) -> tuple[str, ...]:
        """What it lacks for good, one sentence a bucket."""
        return tuple(f"bucket {bucket} lacks {what}" for bucket, what in sorted(self._lacking.items()))


def _gone(setback: Setback) -> str:
    """What neither store nor buffer has, and what may bring it back."""
    moment = datetime.fromtimestamp(setback.gone_until_ns // 10**9, UTC).isoformat().replace("+00:00", "Z")
    until = f", accepted until {moment}" if setback.gone_until_ns else ""
    return (
        f"the lines of {setback.gone_bytes} bytes of the buffer's log{until}, which the buffer has no more; a backup "
        "from after that brings them back (`tocsin restore --store BACKUP`), or whoever sent them"
    )
