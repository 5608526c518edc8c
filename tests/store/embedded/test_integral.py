"""Areas under points, worked out by hand."""

from foundation.batch import FieldType
from influxql.parser import parse_one
from influxql.plan import Plan, frame_select, plan_select
from influxql.typing import Shape
from store.embedded.integral import integrate

SECOND = 1_000_000_000


def plan_of(text: str) -> Plan:
    """The plan of a SELECT over a whole-number field `i`."""
    return plan_select(frame_select(parse_one(text), 60 * SECOND), Shape({"i": FieldType.INTEGER}, frozenset()))


def test_windows_cut_trapezoids_at_their_edges() -> None:
    """From 10 at 0 s to 20 at 10 s: 12 on average over the first 4 s; the rest, 17 over 6 s, is the last point's."""
    plan = plan_of("SELECT integral(i) FROM m WHERE time >= 0 AND time < 60s GROUP BY time(4s)")
    assert integrate(plan.calls[0], [(0, 10), (10 * SECOND, 20)], plan) == [(0, 48.0), (8 * SECOND, 102.0)]


def test_gaps_and_equal_times() -> None:
    """Points without a value do not count, and of points at one time the last does."""
    plan = plan_of("SELECT integral(i, 10s) FROM m")
    points = [(0, 1), (0, 4), (5 * SECOND, None), (10 * SECOND, 8)]
    assert integrate(plan.calls[0], points, plan) == [(0, 6.0)]
