"""What intake counts, by name. Received lines are accepted, rejected by a reason, or
taken out by a policy; bodies turned away have no lines.
"""

from __future__ import annotations

from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0)


class IntakeMetrics:
    """Counters of the front half; made once, with the registry that /metrics shows.

    What every request counts goes through a method that remembers where: looking a label up costs as much as counting.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._lines: dict[str, tuple[Counter, Counter]] = {}
        self._answers: dict[tuple[str, int], tuple[Counter, Histogram]] = {}
        self.received = Counter(
            "tocsin_received_lines_total", "Lines (or JSON items) that arrived.", ["bucket"], registry=registry
        )
        self.accepted = Counter(
            "tocsin_accepted_lines_total", "Lines that are durable in the buffer.", ["bucket"], registry=registry
        )
        self.rejected = Counter(
            "tocsin_rejected_lines_total",
            "Lines not taken, by reason: syntax, field_type, field_name, string_size, line_size, tag_count, transform, "
            "required_tag, value_range, clock_skew, cardinality, measurement_scope, forced_tag, series_quota, "
            "quota_rate, whole_body, unavailable.",
            ["bucket", "reason"],
            registry=registry,
        )
        self.altered = Counter(
            "tocsin_altered_lines_total",
            "Accepted lines that were changed, by reason: field_stripped (a field named time), a transform, a check.",
            ["bucket", "reason"],
            registry=registry,
        )
        self.taken_out = Counter(
            "tocsin_taken_out_lines_total",
            "Lines taken out on purpose, by policy: the transform or check that was configured so.",
            ["bucket", "policy"],
            registry=registry,
        )
        self.refused_bodies = Counter(
            "tocsin_refused_bodies_total",
            "Bodies of which no line was read, by reason: gzip, too_large, lines, broken, aborted, slow, busy, "
            "in_flight, json, bucket, precision, quota_rate.",
            ["reason"],
            registry=registry,
        )
        self.refused_connections = Counter(
            "tocsin_refused_connections_total",
            "Connections that were closed, by reason: address (too many of one), head_timeout.",
            ["reason"],
            registry=registry,
        )
        self.requests = Counter(
            "tocsin_requests_total", "Requests answered, by path and status.", ["path", "status"], registry=registry
        )
        self.seconds = Histogram(
            "tocsin_request_seconds", "Time to answer a request.", ["path"], buckets=_SECONDS, registry=registry
        )
        self.auth_failures = Counter(
            "tocsin_auth_failures_total",
            "Requests turned away, by reason: missing, unknown, expired, scope, bucket.",
            ["reason"],
            registry=registry,
        )
        self.slowed = Counter(
            "tocsin_slowed_answers_total",
            "Answers to wrong tokens that were held back, as their address brought many.",
            registry=registry,
        )

    def count_lines(self, bucket: str, received: int, accepted: int) -> None:
        """Count the lines of one body."""
        counters = self._lines.get(bucket)
        if counters is None:
            counters = self._lines[bucket] = (self.received.labels(bucket), self.accepted.labels(bucket))
        counters[0].inc(received)
        counters[1].inc(accepted)

    def count_answer(self, path: str, status: int, seconds: float) -> None:
        """Count one answer and how long it took."""
        self.count_answers(path, status, (seconds,))

    def count_answers(self, path: str, status: int, seconds: Sequence[float]) -> None:
        """Count answers of one path and how long each took."""
        counters = self._answers.get((path, status))
        if counters is None:
            counters = (self.requests.labels(path, status), self.seconds.labels(path))
            self._answers[path, status] = counters
        counters[0].inc(len(seconds))
        observe = counters[1].observe
        for one in seconds:
            observe(one)


class QueryMetrics:
    """What answering questions counts."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.running = Gauge("tocsin_queries_running", "Questions that the store is answering.", registry=registry)
        self.shared = Counter(
            "tocsin_shared_queries_total",
            "Questions that had the answer of an equal one asked at the same time.",
            registry=registry,
        )


class TailMetrics:
    """What the live tail counts."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.followers = Gauge("tocsin_tail_followers", "Who follows the live tail.", registry=registry)
        self.lines = Counter("tocsin_tail_lines_total", "Lines shown to followers.", registry=registry)
        self.dropped = Counter(
            "tocsin_tail_dropped_lines_total",
            "Lines that a follower was not shown, by reason: slow (its queue was full), too_long.",
            ["reason"],
            registry=registry,
        )
        self.turned_away = Counter(
            "tocsin_tail_turned_away_total",
            "Followers not let in or cut off, by reason: full, origin, stalled, token.",
            ["reason"],
            registry=registry,
        )

    def count_dropped(self, reason: str, lines: int) -> None:
        """Count lines that a follower has to do without."""
        self.dropped.labels(reason).inc(lines)
