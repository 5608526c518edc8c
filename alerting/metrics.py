"""Every self-metric of alerting, by name. One class for each part that counts; the registry is passed in.

Nothing here is a label that grows with data: receivers, notifiers, rules and reasons come from configuration and code.
"""

from __future__ import annotations

import collections
from collections.abc import Iterable
from enum import StrEnum
from functools import partial

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


def count(counter: Counter, kinds: Iterable[StrEnum]) -> None:
    """Count each of `kinds` under its name. A storm brings thousands of few kinds, and finding a label costs."""
    for kind, number in collections.Counter(kinds).items():
        counter.labels(kind.value).inc(number)


class DispatchMetrics:
    """What the dispatcher and its outbox count."""

    def __init__(self, registry: CollectorRegistry) -> None:
        counter, gauge = partial(Counter, registry=registry), partial(Gauge, registry=registry)
        notifier = ("receiver", "notifier")
        self.transitions = counter("tocsin_alerting_transitions", "Changes of alerts, by kind.", ["change"])
        self.flushes = counter("tocsin_alerting_flushes", "Groups looked at when due, by what came of it.", ["notice"])
        self.notifications = counter(
            "tocsin_alerting_notifications",
            "Notifications that came to their end: sent, failed (refused for good) or suppressed.",
            [*notifier, "outcome"],
        )
        self.suppressed = counter(
            "tocsin_alerting_suppressed", "Notifications held back on purpose, by reason.", ["reason"]
        )
        self.retries = counter(
            "tocsin_alerting_retries",
            "Attempts to send that failed and are tried again, by reason: unreachable, timeout or error.",
            [*notifier, "reason"],
        )
        self.passed_on = counter(
            "tocsin_alerting_passed_on",
            "Incidents of which a fallback was told because their receiver could not be.",
            ["receiver", "fallback"],
        )
        self.open_circuits = gauge(
            "tocsin_alerting_circuit_open",
            "1 while a notifier failed so often that only one message at a time tries it, else 0.",
            notifier,
        )
        self.failing_notifiers = gauge(
            "tocsin_alerting_notifiers_failing", "Notifiers about which an alert is open because they take no messages."
        )
        self.pending = gauge("tocsin_alerting_outbox_pending", "Notifications that wait to be sent.")
        self.oldest_s = gauge("tocsin_alerting_outbox_oldest_seconds", "Age of the oldest notification that waits.")
        self.latency = Histogram(
            "tocsin_alerting_notification_latency_seconds",
            "From the decision to say something until the service has it.",
            buckets=(0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 60.0, 600.0),
            registry=registry,
        )
        self.memory_failures = counter(
            "tocsin_alerting_memory_failures", "Transactions that could not be stored; each is tried again."
        )
        self._ended: dict[tuple[str, str, str], Counter] = {}

    def ended(self, receiver: str, notifier: str, outcome: str) -> Counter:
        """`notifications` with these labels, which are looked up once: it is counted for every message."""
        labels = receiver, notifier, outcome
        if labels not in self._ended:
            self._ended[labels] = self.notifications.labels(*labels)
        return self._ended[labels]


class EventMetrics:
    """What the history in the store counts."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.events = Counter(
            "tocsin_alerting_events",
            "Transitions written to the store as alert_event, by outcome: published, retried, failed or dropped.",
            ["outcome"],
            registry=registry,
        )


class HeartbeatMetrics:
    """What the heartbeat counts."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.heartbeats = Counter(
            "tocsin_alerting_heartbeats",
            "Signs of life, by outcome: sent, failed (not taken) or withheld (alarms would not get out).",
            ["outcome"],
            registry=registry,
        )


class ConfigMetrics:
    """What becomes of the files."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.config_ok = Gauge(
            "tocsin_alerting_config_ok",
            "1 while the configuration on disk is the one in force, 0 while it has errors and the old one stays.",
            registry=registry,
        )


class EvaluatorMetrics:
    """What the evaluator counts."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.evaluations = Counter(
            "tocsin_alerting_evaluations",
            "Evaluations by outcome: ok, failed (nothing changes), unrecorded or waiting (for the first data).",
            ["outcome"],
            registry=registry,
        )
        self.missed = Counter(
            "tocsin_alerting_evaluations_missed",
            "Evaluations that did not take place, by reason: overlap (the one before still ran), late or clock (set).",
            ["reason"],
            registry=registry,
        )
        self.behind = Counter(
            "tocsin_alerting_evaluations_behind",
            "Evaluations in which nothing could resolve, by reason: buffered, unknown (no answer) or clock (set).",
            ["reason"],
            registry=registry,
        )
        self.duration = Histogram(
            "tocsin_alerting_evaluation_seconds",
            "From the start of an evaluation until its decision was recorded.",
            buckets=(0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0),
            registry=registry,
        )
        self.rules = Gauge(
            "tocsin_alerting_rules", "Rules by health: unknown, ok, error or blind.", ["health"], registry=registry
        )
        self.alerts = Gauge(
            "tocsin_alerting_alerts", "Alerts by state: pending, firing or no-data.", ["state"], registry=registry
        )
        self.series = Gauge("tocsin_alerting_series", "Series that rules watch.", registry=registry)
