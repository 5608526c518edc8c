"""What the boards should show, counted in Python from the raw lines: no store and no query language has a part in it.

One function a figure, by board and panel. `Hour` holds the points; a figure is {tag values: number or numbers}, and
over time {tag values: {second of the window: number}}.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from foundation.line_protocol.parse import parse_line
from tests.fakes.telemetry import HOUR_S, NS, WEEK_S

Values = dict[tuple[str, ...], Any]
WINDOW_S = 60


@dataclass(frozen=True, slots=True)
class Point:
    """One line: its tags and fields in one, and its second."""

    at_s: float
    of: dict[str, Any]


@dataclass(slots=True)
class Hour:
    """The points of an hour that ends at `end_s`, by measurement."""

    end_s: int
    points: dict[str, list[Point]] = field(default_factory=lambda: defaultdict(list))

    def of(self, measurement: str, *, last_s: int = HOUR_S, back_s: int = 0, **wanted: Any) -> list[Point]:
        """Points of the last seconds before the end (or `back_s` before it), where each wanted tag or field is that."""
        end_s = self.end_s - back_s
        return [
            point
            for point in self.points[measurement]
            if end_s - last_s <= point.at_s <= end_s
            and all(point.of.get(key) == value for key, value in wanted.items())
        ]


def read(body: bytes, end_s: int) -> Hour:
    """Line protocol as points."""
    hour = Hour(end_s)
    for raw in body.splitlines():
        line = parse_line(raw)
        assert line.time_ns is not None
        plain = {key: getattr(value, "value", value) for key, value in line.fields}
        hour.points[line.measurement].append(Point(line.time_ns / NS, {**dict(line.tags), **plain}))
    return hour


def each(points: Iterable[Point], *tags: str) -> dict[tuple[str, ...], list[Point]]:
    """The points by the values of these tags, in the tags' alphabetical order as series are."""
    groups: dict[tuple[str, ...], list[Point]] = defaultdict(list)
    for point in points:
        groups[tuple(str(point.of[tag]) for tag in sorted(tags))].append(point)
    return dict(groups)


def values(points: Iterable[Point], name: str) -> list[float]:
    return [float(point.of[name]) for point in points if name in point.of]


def rank(points: list[Point], percent: int) -> float:
    """The value that so many percent stay under: the nearest rank."""
    ordered = sorted(values(points, "duration_ms"))
    return ordered[max(math.floor(len(ordered) * percent / 100 + 0.5) - 1, 0)]


def mean(numbers: list[float]) -> float:
    return sum(numbers) / len(numbers)


def share(points: list[Point], name: str) -> float:
    return mean(values(points, name)) * 100


def newest(points: list[Point], name: str) -> float:
    return float(max((point for point in points if name in point.of), key=lambda point: point.at_s).of[name])


def windows(points: Iterable[Point], count: Callable[[list[Point]], float]) -> dict[int, float]:
    """The figure of each window that has a point."""
    groups: dict[int, list[Point]] = defaultdict(list)
    for point in points:
        groups[int(point.at_s) // WINDOW_S * WINDOW_S].append(point)
    return {start: count(group) for start, group in groups.items()}


def only(value: Any) -> Values:
    return {(): value}


def by(points: Iterable[Point], *tags: str, count: Callable[[list[Point]], Any]) -> Values:
    return {key: count(group) for key, group in each(points, *tags).items()}


def _requests(points: list[Point]) -> list[float]:
    return [len(points), share(points, "error"), rank(points, 50), rank(points, 95), rank(points, 99)]


def _silent(hour: Hour) -> int:
    """Devices without a heartbeat in the window of the end, which is empty, and the whole one before it."""
    devices = each(hour.of("device_status"), "device").values()
    return sum(max(point.at_s for point in points) < hour.end_s - WINDOW_S for points in devices)


def _open_rules(hour: Hour) -> Values:
    sums = by(hour.of("alert_event"), "alertname", "service", count=lambda points: sum(values(points, "opened")))
    return {key: value for key, value in sums.items() if value > 0}


def _ended(hour: Hour) -> list[Point]:
    return [point for point in hour.of("alert_event") if "lasted_s" in point.of]


def _spread(low: float, high: float) -> Callable[[Hour], Values]:
    def count(hour: Hour) -> Values:
        inside = [point for point in hour.of("http_request") if low < float(point.of["duration_ms"]) <= high]
        return only(windows(inside, len))

    return count


def _left(hour: Hour, objective: float, **wanted: str) -> float:
    return (1 - mean(values(hour.of("http_request", **wanted), "error")) / (1 - objective)) * 100


def _lasts(hour: Hour, objective: float) -> Values:
    """The hour lies in one window of six: the speed is the hour's own."""
    burn = mean(values(hour.of("http_request"), "error")) / (1 - objective)
    return only((1 - burn) / burn * 30 * 86_400)


def _cumulated(hour: Hour) -> Values:
    found: Values = {}
    for key, points in each(hour.of("alert_event"), "alertname").items():
        opened = windows(points, lambda some: sum(values(some, "opened")))
        total, line = 0.0, {}
        for start in range(hour.end_s - HOUR_S, hour.end_s + 1, WINDOW_S):
            total += opened.get(start, 0)
            line[start] = total
        found[key] = line
    return found


def _grown(points: list[Point]) -> dict[int, float]:
    """Growth a second from window to window of a counter that never falls."""
    tops = sorted(windows(points, lambda some: max(values(some, "value"))).items())
    return {start: (top - before) / WINDOW_S for (_, before), (start, top) in pairwise(tops)}


def _paid(hour: Hour, **more: Any) -> list[Point]:
    return hour.of("shop_order", failed=0, **more)


VALUES: dict[tuple[str, str], Callable[[Hour], Values]] = {
    ("overview", "Errors"): lambda hour: only(share(hour.of("http_request", last_s=300), "error")),
    ("overview", "Response time (p95)"): lambda hour: only(rank(hour.of("http_request", last_s=300), 95)),
    ("overview", "Devices silent"): lambda hour: only(_silent(hour)),
    ("overview", "Alerts firing"): lambda hour: only(sum(_open_rules(hour).values())),
    ("overview", "Behind"): lambda hour: only(max(values(hour.of("tocsin_buffer_age_seconds", last_s=300), "value"))),
    ("overview", "Each service"): lambda hour: by(
        hour.of("http_request", last_s=300),
        "service",
        count=lambda points: [len(points), share(points, "error"), rank(points, 95)],
    ),
    ("red", "Errors"): lambda hour: only(share(hour.of("http_request"), "error")),
    ("red", "p50"): lambda hour: only(rank(hour.of("http_request"), 50)),
    ("red", "p99"): lambda hour: only(rank(hour.of("http_request"), 99)),
    ("red", "Slowest endpoints"): lambda hour: by(
        hour.of("http_request"), "service", "feature", "endpoint", count=_requests
    ),
    ("red", "Releases, slowest first"): lambda hour: by(
        hour.of("http_request"), "service", "release", count=lambda points: _requests(points)[:4]
    ),
    ("endpoint", "p95"): lambda hour: only(rank(hour.of("http_request", endpoint="/products/{id}"), 95)),
    ("endpoint", "Releases"): lambda hour: by(
        hour.of("http_request", endpoint="/products/{id}"), "release", count=_requests
    ),
    ("slo", "ShopAnswers: budget left"): lambda hour: only(_left(hour, 0.99)),
    ("slo", "CheckoutWorks: budget left"): lambda hour: only(_left(hour, 0.98, feature="checkout")),
    ("slo", "ShopAnswers: budget lasts"): lambda hour: _lasts(hour, 0.99),
    ("slo", "CheckoutWorks: burn rate, one hour"): lambda hour: only(
        mean(values(hour.of("http_request", feature="checkout"), "error")) / 0.02
    ),
    ("business", "Orders"): lambda hour: only(len(_paid(hour))),
    ("business", "Revenue"): lambda hour: only(sum(values(_paid(hour), "amount"))),
    ("business", "Average order"): lambda hour: only(mean(values(_paid(hour), "amount"))),
    ("business", "Failed payments"): lambda hour: only(share(hour.of("shop_order"), "failed")),
    ("business", "Conversion A"): lambda hour: only(len(_paid(hour))),
    ("business", "Conversion B"): lambda hour: only(len(hour.of("page_view"))),
    ("business", "Orders a week before"): lambda hour: only(len(_paid(hour, back_s=WEEK_S))),
    ("business", "Revenue a week before"): lambda hour: only(sum(values(_paid(hour, back_s=WEEK_S), "amount"))),
    ("business", "Most clicked products, last 10 minutes"): lambda hour: by(
        hour.of("product_click", last_s=600), "product", count=len
    ),
    ("business", "Stock against target, lowest first"): lambda hour: by(
        hour.of("inventory"),
        "product",
        "warehouse",
        count=lambda points: newest(points, "quantity") / newest(points, "target") * 100,
    ),
    ("devices", "Silent"): lambda hour: only(_silent(hour)),
    ("devices", "Low battery"): lambda hour: only(
        sum(newest(points, "battery_pct") < 20 for points in each(hour.of("device_status"), "device").values())
    ),
    ("devices", "Weak signal"): lambda hour: only(
        sum(newest(points, "rssi_dbm") < -85 for points in each(hour.of("device_status"), "device").values())
    ),
    ("devices", "Lowest battery"): lambda hour: only(min(values(hour.of("device_status"), "battery_pct"))),
    ("devices", "Firmware"): lambda hour: {
        (firmware,): count
        for firmware, count in Counter(
            firmware for _, firmware in each(hour.of("device_status"), "device", "firmware")
        ).items()
    },
    ("device", "Heartbeats"): lambda hour: only(len(hour.of("device_status", device="d001"))),
    ("device", "Battery"): lambda hour: only(newest(hour.of("device_status", device="d001"), "battery_pct")),
    ("host", "Hosts, busiest first"): lambda hour: by(
        hour.of("host"),
        "host",
        count=lambda points: [
            newest(points, name)
            for name in ("cpu_pct", "mem_pct", "disk_used_pct", "load1", "net_rx_bytes_per_s", "net_tx_bytes_per_s")
        ],
    ),
    ("alerts", "Firing now"): lambda hour: only(sum(_open_rules(hour).values())),
    ("alerts", "Fired"): lambda hour: only(len(hour.of("alert_event", opened=1))),
    ("alerts", "Resolved"): lambda hour: only(len(_ended(hour))),
    ("alerts", "Time to resolve"): lambda hour: only(mean(values(_ended(hour), "lasted_s"))),
    ("alerts", "Longest"): lambda hour: only(max(values(_ended(hour), "lasted_s"))),
    ("alerts", "Noisiest rules"): lambda hour: by(hour.of("alert_event", opened=1), "alertname", count=len),
    ("alerts", "Time to resolve by rule"): lambda hour: by(
        _ended(hour),
        "alertname",
        count=lambda points: [mean(values(points, "lasted_s")), max(values(points, "lasted_s")), len(points)],
    ),
    ("pipeline", "Rejected"): lambda hour: by(
        hour.of("tocsin_rejected_lines_total"), "host", "reason", count=lambda points: newest(points, "value")
    ),
    ("pipeline", "Lines waiting"): lambda hour: by(
        hour.of("tocsin_buffer_lines"),
        "host",
        "destination",
        "bucket",
        count=lambda points: newest(points, "value"),
    ),
}
"""Figures of a whole range; of tables, the columns in their order."""

OVER_TIME: dict[tuple[str, str], Callable[[Hour], Values]] = {
    ("red", "Requests a second"): lambda hour: only(
        windows(hour.of("http_request"), lambda points: len(points) / WINDOW_S)
    ),
    ("red", "How response times are spread D"): _spread(50, 100),
    ("red", "How response times are spread G"): _spread(400, 600),
    ("red", "Errors by service"): lambda hour: by(
        hour.of("http_request"), "service", count=lambda points: windows(points, lambda some: share(some, "error"))
    ),
    ("endpoint", "Response time by release (p95)"): lambda hour: by(
        hour.of("http_request", endpoint="/products/{id}"),
        "release",
        count=lambda points: windows(points, lambda some: rank(some, 95)),
    ),
    ("slo", "ShopAnswers: burn rate over time"): lambda hour: only(
        windows(hour.of("http_request"), lambda points: share(points, "error"))
    ),
    ("business", "Orders a minute"): lambda hour: by(
        _paid(hour), "channel", count=lambda points: windows(points, lambda some: len(some) * 60 / WINDOW_S)
    ),
    ("business", "Active users a minute"): lambda hour: only(
        windows(hour.of("page_view"), lambda points: len({point.of["user"] for point in points}))
    ),
    ("devices", "Devices reporting"): lambda hour: by(
        hour.of("device_status"),
        "site",
        count=lambda points: windows(points, lambda some: len({point.of["device"] for point in some})),
    ),
    ("device", "Climate"): lambda hour: only(
        windows(hour.of("device_reading", device="d001"), lambda points: mean(values(points, "temperature_c")))
    ),
    ("host", "CPU"): lambda hour: by(
        hour.of("host"), "host", count=lambda points: windows(points, lambda some: mean(values(some, "cpu_pct")))
    ),
    ("alerts", "When each rule fired"): _cumulated,
    ("pipeline", "Lines accepted"): lambda hour: by(
        hour.of("tocsin_buffer_accepted_lines_total"), "host", "bucket", count=_grown
    ),
    ("pipeline", "Time to answer B"): lambda hour: only(_grown(hour.of("tocsin_request_seconds_count"))),
}
"""Figures window by window; a window without a point is left out, as null or as 0."""
