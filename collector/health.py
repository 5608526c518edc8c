"""Our own metrics as lines: what /metrics shows, in the store, through the same door as everybody's telemetry.

A metric's sample becomes a line of a measurement with the sample's own name, its labels as tags (and `host`), and one
field `value`: `tocsin_buffer_age_seconds,bucket=telemetry,destination=embedded,host=box value=0.2 1767225600000000000`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator

from prometheus_client.core import Metric

from foundation.line_protocol.encode import encode

_PREFIX = "tocsin_"
_LEFT_OUT = ("_created", "_bucket")
"""When a counter was made says nothing; buckets of histograms are for scrapers, count and sum are kept."""


def health_lines(metrics: Iterable[Metric], host: str, now_ns: int) -> bytes:
    """The samples of all metrics of ours, as line protocol with a trailing newline; empty when there is none."""
    return b"".join(line + b"\n" for line in _lines(metrics, host, now_ns))


def _lines(metrics: Iterable[Metric], host: str, now_ns: int) -> Iterator[bytes]:
    for metric in metrics:
        if not metric.name.startswith(_PREFIX):
            continue
        for sample in metric.samples:
            if sample.name.endswith(_LEFT_OUT) or not math.isfinite(sample.value):
                continue
            tags = {"host": host, **{key: value for key, value in sample.labels.items() if value}}
            yield encode(sample.name, tags, {"value": float(sample.value)}, now_ns)
