"""SELECTs over measurements: raw points, aggregates, windows, transformations, ranks, areas, wildcards."""

# ruff: noqa: S608 - InfluxQL of our own making, for stores that hold nothing else

from __future__ import annotations

from influxql.literals import quote_name
from tests.differential.calls import MATH, STEPS, call, calls
from tests.differential.schema import Measurement
from tests.differential.words import KINDS, LONG_AGO, NUMBERS, Words


def raw(w: Words) -> str:
    """Points as they were written, and what is reckoned with each."""
    m = w.measurement()
    columns = [w.field(m, *KINDS) for _ in range(w.random.randint(1, 3))]
    if w.chance(0.1):
        columns[0] += w.one("::field", "::float", "::integer", "::string", "::boolean", "::tag")
    if w.chance(0.4):
        columns.append(w.tag(m) + ("::tag" if w.chance(0.2) else ""))
    if w.chance(0.3):
        columns.append(_arithmetic(w, m))
    columns += [w.one(*MATH).format(w.field(m, "float")) for _ in range(w.random.choice((0, 1, 2)))]
    if w.chance(0.15):
        columns[-1] += " AS renamed"
    if w.chance(0.15):
        columns = [w.one("*", "*", "*::field, " + w.tag(m), "/[a-l]/", "/./")]
    by = w.group_by(m)
    if w.chance(0.07):
        return f"SELECT {columns[0]} FROM {w.several()} WHERE {w.range()}{by}{w.tail(grouped=bool(by))}"
    if w.chance(0.05):
        return f"SELECT {columns[0]} FROM {w.sources(m)} WHERE time > {LONG_AGO} AND {w.condition(m)}{by}"
    return f"SELECT {', '.join(columns)} FROM {w.sources(m)}{w.where(m, ranged=False)}{by}{w.tail(grouped=bool(by))}"


def _arithmetic(w: Words, m: Measurement) -> str:
    one, other = w.field(m, "float"), w.field(m, "float", "integer")
    whole, truth = w.field(m, "integer", "unsigned"), w.field(m, "boolean")
    return w.one(
        f"{one} {w.one('+', '-', '*', '/', '%')} {other}",
        f"({one} + {other}) * -2 - {one}",
        f"-{one}",
        f"{whole} {w.one('+', '*', '/', '%')} 3",
        f"{whole} {w.one('&', '|', '^')} 5",
        f"{whole} {w.one('+', '-', '*', '/', '%', '&')} -{w.random.randint(1, 9)}",
        f"{truth} {w.one('&', '|', '^')} {w.field(m, 'boolean', 'float', 'integer')}",
        f"{one} / 0",
    )


def aggregate(w: Words) -> str:
    """Aggregates and selectors over a whole range."""
    m = w.measurement()
    by = w.group_by(m)
    kind = w.random.random()
    if kind < 0.1:
        columns = w.one("distinct({})", "distinct {}", "count(distinct {})").format(w.field(m, *KINDS))
    elif kind < 0.3:
        name = w.one("max({})", "min({})", "first({})", "last({})")
        columns = f"{name.format(w.field(m, 'float'))}, {w.tag(m)}, {w.field(m, *NUMBERS, 'string')}"
        columns += ", *" if w.chance(0.1) else ""
    else:
        columns = calls(w, m, everywhere=bool(by))
    if w.chance(0.05):
        number = w.field(m, "float")
        return f"SELECT count({number}), max({number}) FROM {w.several()} WHERE {w.range()}{by}"
    return f"SELECT {columns} FROM {w.sources(m)}{w.where(m, ranged=False)}{by}{w.tail(grouped=bool(by))}"


def windows(w: Words) -> str:
    """Aggregates and selectors by time."""
    m = w.measurement()
    group = w.groups(m)
    by = w.one(f"{w.time()}, {group}", f"{group}, {w.time()}") if group else w.time()
    alone = w.chance(0.5)
    columns = call(w, m, everywhere=True) if alone else calls(w, m, everywhere=True)
    fill, tail = w.fill(), w.tail(grouped=bool(group))
    if fill == " fill(linear)":
        # Between unsigned numbers that fall InfluxDB wraps around.
        columns = f"{w.one('mean', 'max', 'first', 'last', 'min', 'spread')}({w.field(m, 'float', 'integer')})"
    # A column of nothing is 0 or null under fill(0), by what stands beside it.
    fill = "" if any(sign in fill for sign in "075") and "nosuch" in columns else fill
    # InfluxDB limits each call by itself: where one lacks windows, more rows come than LIMIT says.
    tail = tail if alone or fill != " fill(none)" else ""
    # Steps that do not fit the change of the clocks go on as they were, and overlap.
    zone = w.zone() if "7s" not in by else ""
    if w.chance(0.05) and not any(sign in fill for sign in "075"):
        return f"SELECT {columns} FROM {w.several()} WHERE {w.range()} GROUP BY {by}{fill}{tail}{zone}"
    return f"SELECT {columns} FROM {w.sources(m)}{w.where(m, ranged=True)} GROUP BY {by}{fill}{tail}{zone}"


def selected(w: Words) -> str:
    """A selector by time with other columns of its point, and modes of few values."""
    m = w.measurement()
    if w.chance(0.5):
        # Of more than twelve that come equally often an unstable sort picks one in InfluxDB.
        columns, interval, where = f"mode({w.field(m, *KINDS)})", w.one("1s", "2s"), w.where(m, ranged=True, most_s=60)
        return f"SELECT {columns} FROM {w.sources(m)}{where} GROUP BY time({interval}) fill(none)"
    columns = f"{w.one('max', 'min', 'first', 'last')}({w.field(m, 'float')}), {w.tag(m)}, {w.field(m, *KINDS)}"
    fill = w.one("", " fill(none)")
    return f"SELECT {columns} FROM {w.sources(m)}{w.where(m, ranged=True)} GROUP BY {w.time()}{fill}{w.tail()}"


def step(w: Words) -> str:
    """Transformations of points, and of aggregates by time."""
    m = w.measurement()
    field = w.field(m, "float", "integer")
    name = w.sources(m)
    if w.chance(0.4):
        columns = w.one(*STEPS).format(field)
        if w.chance(0.15):
            columns += f" {w.one('+', '*')} 2"
        by = w.group_by(m)
        tail = w.tail(grouped=bool(by))
        if w.chance(0.15):
            # InfluxDB limits each by itself.
            columns, tail = f"{columns}, {w.one(*STEPS).format(field)}", ""
        return f"SELECT {columns} FROM {name}{w.where(m, ranged=False)}{by}{tail}"
    inner = w.one("mean", "sum", "max", "count", "last", "median", "spread", "percentile")
    columns = w.one(*STEPS).format(f"{inner}({field}{', 90' if inner == 'percentile' else ''})")
    if w.chance(0.1):
        columns = w.one("abs({})", "{} * 2", "{} - 1").format(columns)
    group = w.groups(m)
    by = f"{w.time()}, {group}" if group else w.time()
    fill = w.one("", "", " fill(none)", " fill(0)", " fill(previous)", " fill(-1.5)")
    return f"SELECT {columns} FROM {name}{w.where(m, ranged=True)} GROUP BY {by}{fill}{w.tail(grouped=bool(group))}"


def ranked(w: Words) -> str:
    """top, bottom and sample."""
    m = w.measurement()
    name, field = w.one("top", "bottom", "sample"), w.field(m, "float")
    timed = w.chance(0.4)
    group = w.groups(m)
    by = [*([w.time()] if timed else []), *([group] if group else [])]
    where = w.where(m, ranged=timed)
    behind = f"FROM {w.sources(m)}{where}" + (f" GROUP BY {', '.join(by)}" if by else "")
    if name == "sample":
        if w.chance(0.4):
            # Which ones it draws is chance, how many is not.
            inner = f"SELECT sample({field}, 3) AS x FROM {w.sources(m)}{w.where(m, ranged=False)}"
            return f"SELECT count(x) FROM ({inner})"
        return f"SELECT sample({w.field(m, *KINDS)}, 10000) FROM {w.sources(m)}{w.where(m, ranged=False)}"
    columns = f"{name}({field}, {w.random.randint(1, 5)})"
    if w.chance(0.4) and not group:
        keys = ", ".join(quote_name(key) for key in w.random.sample(list(m.tags), w.random.randint(1, len(m.tags))))
        columns = f"{name}({field}, {keys}, {w.random.randint(1, 3)})"
    if w.chance(0.3):
        columns += f", {w.field(m, *KINDS)}"
    return f"SELECT {columns} {behind}"


def integral(w: Words) -> str:
    """Areas, which InfluxDB loses by tag and mistakes for whole numbers."""
    m = w.measurement()
    unit = w.one("", ", 1m", ", 500ms", ", 1h")
    columns = f"integral({w.field(m, 'float')}{unit})" + (" / 2" if w.chance(0.1) else "")
    by = f" GROUP BY {w.time()}" if w.chance(0.6) else ""
    return f"SELECT {columns} FROM {w.sources(m)}{w.where(m, ranged=bool(by))}{by}"


def wild(w: Words) -> str:
    """Wildcards and regexes for fields."""
    m = w.measurement()
    columns = w.one(
        "mean(*)", "count(*)", "last(*)", "max(/./)", "*::field", "*::tag, *::field", "sum(/[a-z]/)", "distinct(*)",
        "first(*)", "min(*)", "median(*)", "stddev(*)", "spread(*)", "derivative(*)", "difference(*)",
        "cumulative_sum(*)", "count(distinct(*))",
    )  # fmt: skip
    source = w.one(quote_name(m.name), "/./", "nosuch")
    if source == "/./":
        # InfluxDB gives a field of several types one of them before it compares.
        return f"SELECT {columns} FROM {source} WHERE {w.range()} AND {w.about_tag(m)}"
    return f"SELECT {columns} FROM {source}{w.where(m, ranged=False)}"
