"""The measurements, tags and fields that ship, written down once: boards may name nothing else.

The lint in the tests reads every query against this table, because InfluxQL answers a misspelled field with no rows
and no error. Tocsin's own health (`tocsin_*`) stands here too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Measurement:
    """Names of the tags and fields of one measurement."""

    tags: frozenset[str]
    fields: frozenset[str]


def _measurement(tags: str, fields: str) -> Measurement:
    return Measurement(frozenset(tags.split()), frozenset(fields.split()))


MEASUREMENTS: Mapping[str, Measurement] = {
    "http_request": _measurement("service feature endpoint method status release", "duration_ms error bytes"),
    "page_view": _measurement("service page device_class", "user load_ms"),
    "product_click": _measurement("product category", "user count"),
    "shop_order": _measurement("channel country", "amount items failed"),
    "inventory": _measurement("product warehouse", "quantity target"),
    "device_reading": _measurement("device site kind", "temperature_c humidity_pct power_w voltage_v co2_ppm"),
    "device_status": _measurement("device site firmware", "battery_pct rssi_dbm uptime_s"),
    "host": _measurement("host", "cpu_pct mem_pct load1 disk_used_pct net_rx_bytes_per_s net_tx_bytes_per_s"),
    "alert_event": _measurement("alertname severity state service", "value opened lasted_s summary incident change"),
    "deploy": _measurement("service release", "text"),
    "tocsin_buffer_accepted_lines_total": _measurement("host bucket", "value"),
    "tocsin_buffer_lines": _measurement("host destination bucket", "value"),
    "tocsin_buffer_age_seconds": _measurement("host destination bucket", "value"),
    "tocsin_buffer_used_bytes": _measurement("host", "value"),
    "tocsin_buffer_quota_bytes": _measurement("host", "value"),
    "tocsin_requests_total": _measurement("host path status", "value"),
    "tocsin_request_seconds_sum": _measurement("host path", "value"),
    "tocsin_request_seconds_count": _measurement("host path", "value"),
    "tocsin_rejected_lines_total": _measurement("host reason", "value"),
    "tocsin_auth_failures_total": _measurement("host reason", "value"),
    "tocsin_delivered_lines_total": _measurement("host destination bucket", "value"),
    "tocsin_buffer_commit_seconds_sum": _measurement("host", "value"),
    "tocsin_store_seconds_sum": _measurement("host call outcome store", "value"),
    "tocsin_retries_total": _measurement("host destination reason", "value"),
    "tocsin_dead_lines_total": _measurement("host bucket reason", "value"),
}
