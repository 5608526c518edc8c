"""Every self-metric of alerting, by name. One class for each part that counts; the registry is passed in.

Nothing here is a label that grows with data: receivers, notifiers, rules and reasons come from configuration and code.
"""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


class DispatchMetrics:
    """What the dispatcher and its outbox count."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.transitions = Counter(
            "tocsin_alerting_transitions", "Changes of alerts, by kind.", ["change"], registry=registry
        )
        self.flushes = Counter(
            "tocsin_alerting_flushes", "Groups looked at when due, by what came of it.", ["notice"], registry=registry
        )
        self.notifications = Counter(
            "tocsin_alerting_notifications",
            "Notifications that came to their end: sent, failed (refused for good) or suppressed.",
            ["receiver", "notifier", "outcome"],
            registry=registry,
        )
        self.suppressed = Counter(
            "tocsin_alerting_suppressed",
            "Notifications held back on purpose, by reason.",
            ["reason"],
            registry=registry,
        )
        self.retries = Counter(
            "tocsin_alerting_retries",
            "Attempts to send that failed and are tried again, by reason: unreachable, timeout or error.",
            ["receiver", "notifier", "reason"],
            registry=registry,
        )
        self.passed_on = Counter(
            "tocsin_alerting_passed_on",
            "Incidents of which a fallback was told because their receiver could not be.",
            ["receiver", "fallback"],
            registry=registry,
        )
        self.open_circuits = Gauge(
            "tocsin_alerting_circuit_open",
            "1 while a notifier failed so often that only one message at a time tries it, else 0.",
            ["receiver", "notifier"],
            registry=registry,
        )
        self.failing_notifiers = Gauge(
            "tocsin_alerting_notifiers_failing",
            "Notifiers about which an alert is open because they take no messages.",
            registry=registry,
        )
        self.pending = Gauge("tocsin_alerting_outbox_pending", "Notifications that wait to be sent.", registry=registry)
        self.oldest_s = Gauge(
            "tocsin_alerting_outbox_oldest_seconds", "Age of the oldest notification that waits.", registry=registry
        )
        self.latency = Histogram(
            "tocsin_alerting_notification_latency_seconds",
            "From the decision to say something until the service has it.",
            buckets=(0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 60.0, 600.0),
            registry=registry,
        )
        self.memory_failures = Counter(
            "tocsin_alerting_memory_failures",
            "Transactions that could not be stored; each is tried again.",
            registry=registry,
        )
        self.events = Counter(
            "tocsin_alerting_events",
            "Transitions written to the store as alert_event, by outcome: published, failed or dropped.",
            ["outcome"],
            registry=registry,
        )
        self.heartbeats = Counter(
            "tocsin_alerting_heartbeats",
            "Signs of life, by outcome: sent, failed (not taken) or withheld (alarms would not get out).",
            ["outcome"],
            registry=registry,
        )
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
            "Evaluations that did not take place, by reason: overlap (the one before still ran) or late.",
            ["reason"],
            registry=registry,
        )
        self.behind = Counter(
            "tocsin_alerting_evaluations_behind",
            "Evaluations in which nothing could resolve, by reason: buffered (data on its way) or unknown (no answer).",
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
