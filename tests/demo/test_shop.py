"""The simulated shop: deterministic, valid, complete, and broken only where it is told to be."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from demo.catalogue import PRODUCTS, WAREHOUSES, business
from demo.faults import Faults, Kind
from demo.shop import Shop
from foundation.batch import FieldType
from foundation.line_protocol.line import Line, field_type
from foundation.line_protocol.parse import parse_line

START = datetime(2026, 11, 22, 17, 0, tzinfo=UTC)
S = 1_000_000_000
START_NS = int(START.timestamp()) * S
INTEGER, FLOAT, STRING = FieldType.INTEGER, FieldType.FLOAT, FieldType.STRING
# The design's table of the data that ships.
TABLE = {
    "http_request": (
        {"service", "feature", "endpoint", "method", "status", "release"},
        {"duration_ms": FLOAT, "error": INTEGER, "bytes": INTEGER},
    ),
    "page_view": ({"service", "page", "device_class"}, {"user": STRING, "load_ms": FLOAT}),
    "product_click": ({"product", "category"}, {"user": STRING, "count": INTEGER}),
    "shop_order": ({"channel", "country"}, {"amount": FLOAT, "items": INTEGER, "failed": INTEGER}),
    "inventory": ({"product", "warehouse"}, {"quantity": INTEGER, "target": INTEGER}),
    "deploy": ({"service", "release"}, {"text": STRING}),
}
SLOW = Faults({Kind.LATENCY: START + timedelta(hours=1)})
FAILING = Faults({Kind.ERRORS: START + timedelta(hours=1)})


def lived(
    seconds: int, faults: Faults | None = None, *, seed: int = 7, stretch_s: int = 10, only: tuple[bytes, ...] = (b"",)
) -> list[Line]:
    """What a shop lived through, parsed; of a long life `only` the measurements asked for."""
    shop = Shop(seed, 50.0)
    lines: list[Line] = []
    for at in range(0, seconds, stretch_s):
        begin, end = START_NS + at * S, START_NS + (at + stretch_s) * S
        for raw in shop.live(begin, end, faults or Faults()):
            if raw.startswith(only):
                line = parse_line(raw)
                assert line.time_ns is not None
                assert begin < line.time_ns <= end
                lines.append(line)
    return lines


@pytest.fixture(scope="module")
def healthy() -> list[Line]:
    """Three minutes."""
    return lived(180)


@pytest.fixture(scope="module")
def rarities() -> list[Line]:
    """Two hours of what is rare."""
    return lived(7_200, stretch_s=60, only=(b"inventory", b"deploy"))


def requests(lines: list[Line]) -> list[tuple[dict[str, str], dict[str, float]]]:
    """Tags and numeric fields of every http_request."""
    return [
        (dict(line.tags), {key: float(value) for key, value in line.fields})
        for line in lines
        if line.measurement == "http_request"
    ]


def p95(values: list[float]) -> float:
    return sorted(values)[round(0.95 * len(values)) - 1]


def test_the_same_seed_lives_the_same_life() -> None:
    """A shop is made of its seed alone: same seed and stretches, same lines; another seed, others."""
    assert lived(60) == lived(60)
    assert lived(60) != lived(60, seed=8)


def test_every_line_has_the_tags_and_field_types_of_the_table(healthy: list[Line], rarities: list[Line]) -> None:
    """Every line is valid line protocol (parsed while it was lived) with exactly the table's tags and typed fields."""
    for line in healthy + rarities:
        tags, fields = TABLE[line.measurement]
        assert {key for key, _ in line.tags} == tags
        assert {key: field_type(value) for key, value in line.fields} == fields


def test_every_measurement_of_the_table_occurs(healthy: list[Line], rarities: list[Line]) -> None:
    """Three minutes hold every measurement of the shop but deployments, which come now and then."""
    assert {line.measurement for line in healthy} >= set(TABLE) - {"deploy"}
    assert 2 <= sum(line.measurement == "deploy" for line in rarities) <= 20


def test_the_load_stays_within_its_budget(healthy: list[Line]) -> None:
    """At the busiest hour the shop makes 50 to 260 points a second, so a demo costs little."""
    assert 50 < len(healthy) / 180 < 260


def test_the_day_has_a_peak_and_a_trough_around_its_average() -> None:
    """17:00 is the busiest time, 05:00 the quietest, and the mean over a day is the configured rate."""
    day = [business(START.replace(hour=0) + timedelta(minutes=minute)) for minute in range(1_440)]

    assert business(START) == max(day)
    assert business(START.replace(hour=5)) == min(day)
    assert sum(day) / len(day) == pytest.approx(1.0, abs=0.001)


def test_a_healthy_shop_stays_below_every_shipped_threshold(healthy: list[Line]) -> None:
    """In each 30 s of three minutes p95 by endpoint is below 600 ms and the error share by service below 5 %."""
    took: dict[tuple[int, str], list[float]] = defaultdict(list)
    errors: dict[tuple[int, str], list[float]] = defaultdict(list)
    for line in healthy:
        if line.measurement == "http_request" and line.time_ns is not None:
            tags, fields, window = dict(line.tags), dict(line.fields), line.time_ns // (30 * S)
            took[window, tags["endpoint"]].append(float(fields["duration_ms"]))
            errors[window, tags["service"]].append(float(fields["error"]))

    assert max(p95(values) for values in took.values()) < 600
    assert max(sum(values) / len(values) for values in errors.values()) < 0.05


def test_the_latency_fault_makes_checkout_slow_and_nothing_else() -> None:
    """Under `latency` p95 of checkout is beyond the critical second; every other feature is as fast as ever."""
    slow = requests(lived(60, SLOW))

    assert p95([fields["duration_ms"] for tags, fields in slow if tags["feature"] == "checkout"]) > 1_000
    assert p95([fields["duration_ms"] for tags, fields in slow if tags["feature"] != "checkout"]) < 300


def test_the_errors_fault_makes_checkout_fail_and_nothing_else() -> None:
    """Under `errors` more than 15 % of the checkout's answers are 5xx, the rest of the shop keeps below 2 %."""
    failing = requests(lived(60, FAILING))
    shares = {
        hurt: [fields["error"] for tags, fields in failing if (tags["feature"] == "checkout") is hurt]
        for hurt in (True, False)
    }

    assert sum(shares[True]) / len(shares[True]) > 0.15
    assert sum(shares[False]) / len(shares[False]) < 0.02


def test_an_error_is_a_5xx_and_nothing_else_is(healthy: list[Line]) -> None:
    """`error` is 1 exactly where the status is 5xx."""
    assert all((fields["error"] == 1) == tags["status"].startswith("5") for tags, fields in requests(healthy))


def test_a_fault_that_is_over_breaks_nothing() -> None:
    """A fault whose end has passed changes no line."""
    over = Faults({Kind.LATENCY: START, Kind.ERRORS: START})

    assert lived(60, over) == lived(60)


def test_stock_is_counted_at_every_place_each_15_s(healthy: list[Line]) -> None:
    """Every product and warehouse reports at every full 15 s: 12 times in three minutes."""
    counts: dict[tuple[tuple[str, str], ...], int] = defaultdict(int)
    for line in healthy:
        if line.measurement == "inventory":
            assert line.time_ns is not None
            assert line.time_ns % (15 * S) == 0
            counts[line.tags] += 1

    assert set(counts.values()) == {12}
    assert len(counts) == len(PRODUCTS) * len(WAREHOUSES)


def test_stock_falls_with_orders_and_is_restocked_before_it_runs_low(rarities: list[Line]) -> None:
    """Within two hours stock goes down and up again, and no place is ever below a quarter of its target."""
    shares: dict[tuple[tuple[str, str], ...], list[float]] = defaultdict(list)
    for line in rarities:
        if line.measurement == "inventory":
            fields = dict(line.fields)
            shares[line.tags].append(float(fields["quantity"]) / float(fields["target"]))

    steps = [later - sooner for share in shares.values() for sooner, later in pairwise(share)]
    assert min(min(share) for share in shares.values()) >= 0.25
    assert min(steps) < 0 < max(steps)
