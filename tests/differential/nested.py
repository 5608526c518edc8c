"""SELECTs over SELECTs.

Left alone is what InfluxDB mistakes: a fill with a value, a LIMIT or several aggregates in a subquery by tags, a LIMIT
of points; and what it hands on that is no value: windows before the first under fill(previous), a stddev of one value.
"""

# ruff: noqa: S608 - InfluxQL of our own making, for stores that hold nothing else

from __future__ import annotations

from typing import Final

from influxql.literals import quote_name
from tests.differential.calls import STEPS, call
from tests.differential.schema import Measurement
from tests.differential.words import Words

_OUTER: Final = ("mean", "max", "sum", "count", "min", "spread", "median", "stddev", "first", "last")
_INNER: Final = ("mean", "max", "sum", "count", "last")


def subquery(w: Words) -> str:
    """One of the forms below."""
    (form,) = w.random.choices((_by_tag, _by_time, _of_points, _deep, _tags, _several), (4, 4, 4, 4, 3, 2))
    return form(w, w.measurement())


def _by_tag(w: Words, m: Measurement) -> str:
    field, tag = w.field(m, "float"), w.tag(m)
    inner = f"SELECT {w.one(*_INNER)}({field}) AS x FROM {w.sources(m)}{w.where(m, ranged=False)} GROUP BY {tag}"
    by = f" GROUP BY {tag}" if w.chance(0.2) else ""
    return f"SELECT {w.one(*_OUTER)}(x) FROM ({inner}){by}"


def _by_time(w: Words, m: Measurement) -> str:
    inner = f"SELECT {_inner(w, m)} AS x FROM {w.sources(m)}{w.where(m, ranged=True)} GROUP BY {w.time()}"
    columns = w.one(f"{w.one('max', 'min', 'first', 'last')}(x)", "count(x)", "x", "elapsed(x)")
    fills = ("", "", " fill(none)", " fill(0)", *([" fill(previous)"] if columns in ("count(x)", "elapsed(x)") else []))
    inner += w.one(*fills) + (" LIMIT 5" if w.chance(0.2) else "")
    return f"SELECT {columns} FROM ({inner})"


def _inner(w: Words, m: Measurement) -> str:
    found = call(w, m, everywhere=True)
    return found if "stddev" not in found else f"mean({w.field(m, 'float')})"


def _of_points(w: Words, m: Measurement) -> str:
    field, name = w.field(m, "float"), w.sources(m)
    if w.chance(0.5):
        inner = f"SELECT {field} AS x, {w.field(m, 'float')} AS y FROM {name}"
        fill = w.one("", " fill(none)", " fill(0)")
        return f"SELECT {w.one(*_OUTER)}(x) FROM ({inner}) WHERE {w.range()} GROUP BY {w.time()}{fill}"
    inner = f"SELECT {field} AS x FROM {name}{w.where(m, ranged=False)}"
    if w.chance(0.3):
        return f"SELECT {w.one(*STEPS).format('x')} FROM ({inner})"
    return f"SELECT x FROM ({inner}) WHERE x > 0{w.tail()}"


def _deep(w: Words, m: Measurement) -> str:
    """A subquery in a subquery, each with windows of its own."""
    field, where = w.field(m, "float"), w.where(m, ranged=True)
    innermost = w.one(
        f"SELECT {field} AS x FROM {w.sources(m)}{where}",
        f"SELECT {w.one(*_INNER)}({field}) AS x FROM {w.sources(m)}{where} GROUP BY time(5s)",
        f"SELECT {field} * 2 AS x FROM {w.sources(m)}{where}",
    )
    # A window that begins before the bound InfluxDB puts in the place of others, or loses.
    range_ = w.round_range(10) if "GROUP BY time(5s)" in innermost else w.range()
    inner = f"SELECT {w.one(*_INNER)}(x) AS y FROM ({innermost}) WHERE {range_} GROUP BY {w.time()}"
    inner += w.one("", " fill(none)", " fill(0)", " fill(none) ORDER BY time DESC")
    if "DESC" in inner:
        return f"SELECT y FROM ({inner})"
    columns = w.one("max(y)", "y", "count(y)", "mean(y) * 2", "cumulative_sum(y)")
    return f"SELECT {columns} FROM ({inner}){w.one('', ' LIMIT 3')}"


def _tags(w: Words, m: Measurement) -> str:
    """Tags of the inner query, selected, asked for and grouped by outside."""
    keys = list(m.tags)
    tag, listed = quote_name(w.random.choice(keys)), ", ".join(map(quote_name, keys))
    # Of equal values it is not said whose tags a selector carries along, so no counts.
    name = w.one("mean", "max", "sum", "last")
    inner = f"SELECT {name}({w.field(m, 'float')}) AS x FROM {w.sources(m)} GROUP BY {listed}"
    return w.one(
        f"SELECT x, {tag} FROM ({inner})",
        f"SELECT {tag} FROM ({inner})",
        f"SELECT x, {tag} FROM ({inner}) WHERE x > 0",
        f"SELECT sum(x) FROM ({inner}) GROUP BY {tag}",
        f"SELECT x FROM ({inner}) WHERE {w.about_tag(m)}",
        f"SELECT max(x), {tag} FROM ({inner})",
        f"SELECT top(x, 2) FROM ({inner})",
    )


def _several(w: Words, m: Measurement) -> str:
    other = w.measurement()
    one = f"SELECT {w.field(m, 'float')} AS x FROM {w.sources(m)}{w.where(m, ranged=False)}"
    two = f"SELECT {w.field(other, 'float')} AS x FROM {w.sources(other)}"
    return f"SELECT {w.one('max', 'count', 'sum')}(x) FROM ({one}), ({two})"
