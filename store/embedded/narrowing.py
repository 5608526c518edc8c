"""percentile() over very many values in little memory, exactly: a sample tells between which values it lies.

A second look counts the values below and keeps only those between. Should the sample have misled (it does about once in
ten thousand times), nothing is answered and whoever calls takes the percentile from all values.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import pyarrow as pa

from influxql.translate.parameters import Parameters
from influxql.translate.percentile import rank
from influxql.translate.statement import grouped_sql, select_sql
from store.embedded.session import Row, Session

MANY_VALUES: Final = 8_000_000
"""Values that are taken all at once in groups, 64 MB; half as many where nothing groups them. Up to here, more looks
cost more time: over six million values in windows a second and not a fifth of one."""
_SHARE: Final = 0.05
_MARGINS: Final = tuple(0.004 * 2**step for step in range(7))
"""How far above and below the percentile a sample is asked; the more of it there is, the less is needed."""
_DEVIATIONS: Final = 4

_Pair = tuple[Any, Any]
"""Lower and upper bound; None for none."""


def take_narrowed(
    session: Session,
    scan: str,
    groups: Sequence[tuple[str, bool]],
    parameters: Parameters,
    argument: tuple[str, pa.DataType],
    percents: Sequence[float],
) -> list[Row] | None:
    """For each group with values: its columns, the value at each percent (or None), the count of values.

    `groups` are expressions, each with whether it is a time (or text). None where the sample misled. Whoever calls
    holds a snapshot.
    """
    value, kind = argument
    columns = [sql for sql, _ in groups]
    wished = parameters.bind(_fractions(percents))
    taken = [f"quantile_disc({value}, {wished})", f"count({value})"]
    sample = grouped_sql([*columns, *taken], len(columns), f"{scan} AND random() < {_SHARE}")
    pairs = [(row, _pairs(row[-2], row[-1], percents)) for row in session.fetch(sample, parameters) if row[-1]]
    points = select_sql([*(f"{sql} AS g{index}" for index, sql in enumerate(columns)), f"{value} AS v"], scan)
    if columns:
        beside = session.register(_columns(pairs, [is_time for _, is_time in groups], kind, len(percents)))
        same = " AND ".join(f"s.g{index} IS NOT DISTINCT FROM b.g{index}" for index in range(len(columns)))
        source = f"({points}) AS s LEFT JOIN {beside} AS b ON {same}"
        bounds = [(f"b.lo{index}", f"b.hi{index}") for index in range(len(percents))]
    else:
        source = f"({points}) AS s"
        known = pairs[0][1] if pairs else [(None, None)] * len(percents)
        bounds = [(_bound(low, parameters), _bound(high, parameters)) for low, high in known]
    picked = [
        _picked(low, high, parameters.bind(percent)) for percent, (low, high) in zip(percents, bounds, strict=True)
    ]
    own = [f"s.g{index}" for index in range(len(columns))]
    sql = grouped_sql([*own, *picked, "count(s.v)"], len(columns), source)
    found = [row for row in session.fetch(sql, parameters) if row[-1]]
    return None if any(_is_missed(row, percents) for row in found) else found


def _bound(value: Any, parameters: Parameters) -> str:
    return "NULL" if value is None else parameters.bind(value)


def _picked(low: str, high: str, percent: str) -> str:
    """The value of the rank that `influxql.translate.percentile.rank` names, among those between the bounds."""
    below = f"count(*) FILTER (WHERE s.v < {low})"
    place = f"CAST(floor(count(s.v) * {percent} / 100 + 0.5) AS BIGINT) - {below}"
    between = f"coalesce(s.v >= {low}, s.v IS NOT NULL) AND coalesce(s.v <= {high}, s.v IS NOT NULL)"
    return f"CASE WHEN {place} > 0 THEN list_sort(list(s.v) FILTER (WHERE {between}))[{place}] END"


def _is_missed(row: Row, percents: Sequence[float]) -> bool:
    *values, count = row[-len(percents) - 1 :]
    return any(
        value is None and 1 <= rank(count, percent) <= count for value, percent in zip(values, percents, strict=True)
    )


def _fractions(percents: Sequence[float]) -> list[float]:
    """Those below each percentile, then those above it, the nearest first."""
    return [
        min(max(percent / 100 + sign * margin, 0.0), 1.0)
        for percent in percents
        for sign in (-1, 1)
        for margin in _MARGINS
    ]


def _columns(
    pairs: Sequence[tuple[Row, Sequence[_Pair]]], times: Sequence[bool], kind: pa.DataType, percents: int
) -> dict[str, pa.Array]:
    """A row for each group: the values between which each percentile lies, null where there is no such bound."""
    made = {
        f"g{index}": pa.array([row[index] for row, _ in pairs], pa.int64() if is_time else pa.string())
        for index, is_time in enumerate(times)
    }
    for index in range(percents):
        made[f"lo{index}"] = pa.array([listed[index][0] for _, listed in pairs], kind)
        made[f"hi{index}"] = pa.array([listed[index][1] for _, listed in pairs], kind)
    return made


def _pairs(values: Sequence[Any], count: int, percents: Sequence[float]) -> list[_Pair]:
    width = 2 * len(_MARGINS)
    return [
        _pair(values[width * index : width * (index + 1)], count, percent / 100)
        for index, percent in enumerate(percents)
    ]


def _pair(values: Sequence[Any], count: int, whole: float) -> _Pair:
    needed = _DEVIATIONS * math.sqrt(max(whole * (1 - whole), 0.0) / count) + 1 / count
    step = next((step for step, margin in enumerate(_MARGINS) if margin >= needed), None)
    if step is None:
        return None, None
    low = values[step] if whole - _MARGINS[step] > 0 else None
    high = values[len(_MARGINS) + step] if whole + _MARGINS[step] < 1 else None
    return low, high
