"""Kind -> buffer: what may stand as `kind` under `collector.buffer`."""

from __future__ import annotations

from collections.abc import Mapping

from collector.buffer.disk import DiskBuffer

BUFFERS: Mapping[str, type[DiskBuffer]] = {
    "disk": DiskBuffer,
}
