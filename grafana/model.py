"""The measurements, tags and fields that ship, written down once: boards may name nothing else.

The lint in the tests reads every query against this table, because InfluxQL answers a misspelled field with no rows
and no error. Tocsin's own health (`tocsin_*`) stands here too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Measurement:
    """Names of the tags and fields of one measurement, and what a point of it is."""

    tags: frozenset[str]
    fields: frozenset[str]
    meaning: str


def _measurement(tags: str, fields: str, meaning: str) -> Measurement:
    return Measurement(frozenset(tags.split()), frozenset(fields.split()), meaning)


MEASUREMENTS: Mapping[str, Measurement] = {
    "http_request": _measurement(
        "service feature endpoint method status release",
        "duration_ms error bytes exception",
        "a request that was answered",
    ),
    "page_view": _measurement("service page device_class", "user load_ms", "a view of a page"),
    "product_click": _measurement("product category", "user count", "a click on a product"),
    "shop_order": _measurement(
        "channel country", "amount items failed", "an order; `failed` 1 where it did not go through"
    ),
    "inventory": _measurement("product warehouse", "quantity target", "stock of a product against its target"),
    "device_reading": _measurement(
        "device site kind",
        "temperature_c humidity_pct power_w voltage_v co2_ppm",
        "what a device measured, one field for each quantity",
    ),
    "device_status": _measurement(
        "device site firmware", "battery_pct rssi_dbm uptime_s", "a device's sign of life: battery, signal, uptime"
    ),
    "host": _measurement(
        "host",
        "cpu_pct mem_pct load1 disk_used_pct net_rx_bytes_per_s net_tx_bytes_per_s",
        "the machine that the collector runs on",
    ),
    "alert_event": _measurement(
        "alertname severity state service",
        "value opened lasted_s summary incident change",
        "a change of an alert, written by alerting",
    ),
    "deploy": _measurement("service release", "text", "a new release of a service"),
    "tocsin_buffer_accepted_lines_total": _measurement("host bucket", "value", "lines that were acknowledged"),
    "tocsin_buffer_lines": _measurement("host destination bucket", "value", "lines that wait"),
    "tocsin_buffer_age_seconds": _measurement("host destination bucket", "value", "how long the oldest of them waits"),
    "tocsin_buffer_used_bytes": _measurement("host", "value", "what the buffer takes of the disk"),
    "tocsin_buffer_quota_bytes": _measurement("host", "value", "what it may take"),
    "tocsin_requests_total": _measurement("host path status", "value", "requests, by path and answer"),
    "tocsin_request_seconds_sum": _measurement("host path", "value", "seconds that requests took"),
    "tocsin_request_seconds_count": _measurement("host path", "value", "how many they were"),
    "tocsin_rejected_lines_total": _measurement("host reason", "value", "lines that were refused, by reason"),
    "tocsin_auth_failures_total": _measurement("host reason", "value", "callers that were turned away, by reason"),
    "tocsin_delivered_lines_total": _measurement("host destination bucket", "value", "lines that a store took"),
    "tocsin_buffer_commit_seconds_sum": _measurement("host", "value", "seconds that commits to the disk took"),
    "tocsin_store_seconds_sum": _measurement("host call outcome store", "value", "seconds that calls of a store took"),
    "tocsin_retries_total": _measurement(
        "host destination reason", "value", "deliveries that were tried again, by reason"
    ),
    "tocsin_dead_lines_total": _measurement("host bucket reason", "value", "lines that were laid aside, by reason"),
}
