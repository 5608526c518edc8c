"""Every self-metric of the collector's back half, by name. The registry is handed in; who counts gets its own class.

Gauges of the buffer are not set but asked for when somebody scrapes, so they are never stale.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

_SYNC_BUCKETS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 1.0, 5.0)

_MOST_MEASUREMENTS = 100
"""Measurements with a sample of their own."""
_OTHERS = "(others)"


class BufferMetrics:
    """What the buffer counts."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.accepted_lines = Counter(
            "tocsin_buffer_accepted_lines_total", "Lines made durable.", ("bucket",), registry=registry
        )
        self.commit_seconds = Histogram(
            "tocsin_buffer_commit_seconds",
            "Time of one group commit: compress, write and sync.",
            buckets=_SYNC_BUCKETS,
            registry=registry,
        )
        self.failures = Counter(
            "tocsin_buffer_failures_total",
            "Batches not taken, by reason: quota, no_space, io_error, closing, overload.",
            ("reason",),
            registry=registry,
        )
        self.skipped_bytes = Counter(
            "tocsin_buffer_skipped_bytes_total",
            "Bytes of the log that could not be read, by reason: torn, broken, missing.",
            ("reason",),
            registry=registry,
        )
        self.skipped_lines = Counter(
            "tocsin_skipped_lines_total",
            "Lines that an optional destination was moved past, because the buffer was full.",
            ("destination", "bucket"),
            registry=registry,
        )
        self.lost_lines = Counter(
            "tocsin_buffer_lost_lines_total",
            "Lines that could not be read any more, because their file was damaged.",
            ("destination", "bucket"),
            registry=registry,
        )
        self.used_bytes = Gauge("tocsin_buffer_used_bytes", "Bytes that all segments take on disk.", registry=registry)
        self.quota_bytes = Gauge(
            "tocsin_buffer_quota_bytes", "Bytes that all segments together may take.", registry=registry
        )


class DeliveryMetrics:
    """What delivery counts."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.lines = Counter(
            "tocsin_delivered_lines_total", "Lines stored.", ("destination", "bucket"), registry=registry
        )
        self.retries = Counter(
            "tocsin_retries_total",
            "Deliveries to be tried again, by reason.",
            ("destination", "reason"),
            registry=registry,
        )
        self.returned_lines = Counter(
            "tocsin_returned_lines_total",
            "Lines that a destination had confirmed and gets again, by reason: setback (it stands before them).",
            ("destination", "bucket", "reason"),
            registry=registry,
        )
        self.gone_bytes = Counter(
            "tocsin_gone_bytes_total",
            "Bytes of the log that a destination had confirmed and lacks, and that are deleted from the buffer, by "
            "reason: setback.",
            ("destination", "bucket", "reason"),
            registry=registry,
        )
        self.body_bytes = Gauge(
            "tocsin_delivery_body_bytes",
            "Compressed bytes that one write to a destination may carry now.",
            ("destination",),
            registry=registry,
        )
        self.places = Gauge(
            "tocsin_delivery_concurrency",
            "Buckets that may be written to a destination at once now.",
            ("destination",),
            registry=registry,
        )


class DeadLetterMetrics:
    """What the dead letters count."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.lines = Counter(
            "tocsin_dead_lines_total",
            "Lines put to the dead letters, by reason.",
            ("bucket", "reason"),
            registry=registry,
        )
        self.evicted = Counter(
            "tocsin_dead_evicted_bytes_total", "Bytes of the oldest dead letters deleted for space.", registry=registry
        )
        self.removed = Counter(
            "tocsin_dead_removed_lines_total",
            "Lines taken out of the dead letters, by reason: replayed, purged, evicted (for space).",
            ("bucket", "reason"),
            registry=registry,
        )
        self.missed = Counter(
            "tocsin_dead_missed_lines_total",
            "Lines refused at intake and not kept, by reason: flood, too_long, disk.",
            ("bucket", "reason"),
            registry=registry,
        )


@dataclass(frozen=True, slots=True)
class Waiting:
    """What waits for one destination in one bucket, when somebody asks."""

    destination: str
    bucket: str
    lines: int
    size_bytes: int
    age_s: float


class BacklogGauges(Collector):
    """Gauges of everything that waits for delivery, taken at each scrape."""

    def __init__(self, registry: CollectorRegistry, ask: Callable[[], Iterable[Waiting]]) -> None:
        self._ask = ask
        registry.register(self)

    def describe(self) -> Iterable[Metric]:
        """The names alone: the registry must not ask before there is a buffer."""
        return self._families()

    def collect(self) -> Iterator[Metric]:
        """One sample for each destination and bucket."""
        lines, size, age = self._families()
        for waiting in self._ask():
            labels = (waiting.destination, waiting.bucket)
            lines.add_metric(labels, waiting.lines)
            size.add_metric(labels, waiting.size_bytes)
            age.add_metric(labels, waiting.age_s)
        yield from (lines, size, age)

    @staticmethod
    def _families() -> tuple[GaugeMetricFamily, GaugeMetricFamily, GaugeMetricFamily]:
        labels = ("destination", "bucket")
        return (
            GaugeMetricFamily("tocsin_buffer_lines", "Lines acknowledged and not yet delivered.", labels=labels),
            GaugeMetricFamily("tocsin_buffer_bytes", "Bytes on disk not yet delivered.", labels=labels),
            GaugeMetricFamily("tocsin_buffer_age_seconds", "Age of the oldest undelivered line.", labels=labels),
        )


class SeriesGauge(Collector):
    """How many series the cardinality check counts in each measurement, taken at each scrape."""

    def __init__(self, registry: CollectorRegistry, ask: Callable[[], Iterable[tuple[str, str, int]]]) -> None:
        self._ask = ask
        registry.register(self)

    def describe(self) -> Iterable[Metric]:
        """The name alone."""
        return [self._family()]

    def collect(self) -> Iterator[Metric]:
        """One sample for each (bucket, measurement), largest first; those beyond the bound share one in a bucket."""
        family = self._family()
        counted = sorted(self._ask(), key=lambda one: -one[2])
        for bucket, measurement, series in counted[:_MOST_MEASUREMENTS]:
            family.add_metric((bucket, measurement), series)
        others: dict[str, int] = {}
        for bucket, _, series in counted[_MOST_MEASUREMENTS:]:
            others[bucket] = others.get(bucket, 0) + series
        for bucket, series in others.items():
            family.add_metric((bucket, _OTHERS), series)
        yield family

    @staticmethod
    def _family() -> GaugeMetricFamily:
        words = "Series alive, as far as the cardinality check counts them; empty while nothing has a budget."
        return GaugeMetricFamily("tocsin_series", words, labels=("bucket", "measurement"))
