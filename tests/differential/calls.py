"""Calls and what is reckoned with them: aggregates, selectors, arithmetic."""

from __future__ import annotations

from typing import Final

from influxql.literals import quote_name
from tests.differential.schema import Measurement
from tests.differential.words import KINDS, NUMBERS, Words

MEANS: Final = ("mean", "sum", "median", "spread", "stddev", "count", "min", "max", "first", "last")
ENDS: Final = ("first", "last", "count")
MATH: Final = (
    "abs({})",
    "floor({})",
    "ceil({})",
    "round({})",
    "sqrt({})",
    "sin({})",
    "cos({})",
    "tan({})",
    "asin({} / 100)",
    "acos({} / 100)",
    "atan({})",
    "atan2({}, 2)",
    "exp({} / 10)",
    "ln({})",
    "log({}, 3)",
    "log2({})",
    "log10({})",
    "pow({}, 2)",
)
STEPS: Final = (
    "derivative({})",
    "derivative({}, 10s)",
    "non_negative_derivative({})",
    "non_negative_derivative({}, 1m)",
    "difference({})",
    "non_negative_difference({})",
    "cumulative_sum({})",
    "moving_average({}, 2)",
    "moving_average({}, 3)",
    "elapsed({})",
    "elapsed({}, 1s)",
)


def call(w: Words, measurement: Measurement, *, everywhere: bool = False) -> str:
    """One aggregate or selector. `everywhere`: it has a value wherever there is a point."""
    if w.chance(0.2):
        return f"{w.one(*ENDS)}({w.field(measurement, *KINDS)})"
    if w.chance(0.1) and measurement.of("boolean"):
        # Of numbers that come equally often an unstable sort picks one in InfluxDB, of truths it cannot.
        return f"{w.one('mode', 'min', 'max')}({quote_name(w.random.choice(measurement.of('boolean')))})"
    if w.chance(0.15):
        ranks = (50, 90, 99.5, 100) if everywhere else (5, 50, 90, 99.5, 100)
        return f"percentile({w.field(measurement, 'float')}, {w.random.choice(ranks)})"
    if w.chance(0.08):
        return f"count(distinct({w.field(measurement, *KINDS)}))"
    return f"{w.one(*MEANS)}({w.field(measurement, *NUMBERS)})"


def reckoned(w: Words, measurement: Measurement) -> str:
    """Arithmetic over aggregates, null where one of them has none."""
    one, other = w.field(measurement, "float"), w.field(measurement, "float", "integer")
    return w.one(
        f"{w.one('max', 'mean')}({one}) {w.one('+', '-', '*', '/')} 2",
        f"max({one}) - min({one}) AS width",
        f"mean({one}) {w.one('+', '-', '*', '/')} sum({other})",
        f"-1 * count({other}) % 3",
        f"(max({one}) - min({other})) * 2.5",
        w.one(*MATH).format(f"{w.one('mean', 'max', 'last')}({one})"),
        w.one(*MATH).format(f"{w.one('min', 'sum', 'first')}({other})"),
        f"-max({one})",
    )


def calls(w: Words, measurement: Measurement, *, everywhere: bool = False) -> str:
    """One to five columns of aggregates."""
    found = [call(w, measurement, everywhere=everywhere) for _ in range(w.random.choice((1, 1, 1, 2, 3)))]
    while w.chance(0.25):
        found.append(reckoned(w, measurement))
    if w.chance(0.05):
        found[0] += " AS renamed"
    return ", ".join(found)
