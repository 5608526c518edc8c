"""What a running collector says of itself while it is measured: asked over HTTP, blocking, seldom."""

from __future__ import annotations

import json
import urllib.request

_DELIVERED = "tocsin_delivered_lines_total{"
_TIMEOUT_S = 30.0


def buffered_lines(address: str) -> int:
    """Lines acknowledged and not yet delivered."""
    return int(json.loads(_get(f"http://{address}/ready"))["buffered_lines"])


def delivered_lines(address: str) -> int:
    """Lines delivered since the collector started, into all buckets."""
    samples = [line for line in _get(f"http://{address}/metrics").splitlines() if line.startswith(_DELIVERED)]
    return sum(int(float(sample.rpartition(" ")[2])) for sample in samples)


def _get(url: str) -> str:
    with urllib.request.urlopen(url, timeout=_TIMEOUT_S) as reply:  # noqa: S310 - an address of our own
        return str(reply.read().decode())
