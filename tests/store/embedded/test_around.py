"""The query around an inner answer in memory: what columns tell is what DuckDB would have said of them."""

# ruff: noqa: S608 - InfluxQL made of the constants below

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from influxql.parser import parse
from store.contract import StatementResult
from store.embedded.around import Around
from tests.store.embedded.recent.pair import NOW, SECOND, Pair, shown

FLOATS = st.sampled_from(["1", "-2.5", "0", "1e3", "0.1", "7.25"])
WHOLE = st.sampled_from(["1i", "-7i", "0i", "128i", "2147483648i", "9223372036854775807i"])
UNSIGNED = st.sampled_from(["0u", "1u", "200u", "18446744073709551615u"])
TEXTS = st.sampled_from(['"a"', '"b"', '""'])
FIELDS = {"f": FLOATS, "i": WHOLE, "u": UNSIGNED, "s": TEXTS}
PLAIN = [
    f"{name}({field})"
    for name in ("count", "sum", "mean", "min", "max", "spread", "median", "first", "last", "percentile")
    for field in "fiu"
]


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    """Two readers of one database, of which the one with a memory tries at once whatever took it less than a minute."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("store.embedded.quick._QUICK_S", 60.0)
        made = Pair()
        yield made
        made.connection.close()


@st.composite
def line(draw: st.DrawFn) -> str:
    """A point of few series and moments; any field may be left out."""
    tags = [f",{key}={draw(st.sampled_from('abc'))}" for key in ("h", "r") if draw(st.integers(0, 4))]
    names = draw(st.lists(st.sampled_from("fius"), unique=True, min_size=1))
    cells = ",".join(f"{name}={draw(FIELDS[name])}" for name in names)
    return f"m{''.join(tags)} {cells} {NOW - draw(st.integers(0, 40)) * SECOND}"


def call(text: str, percent: float) -> str:
    """The call with its percentage, if it takes one."""
    return text.replace(")", f", {percent})") if text.startswith("percentile") else text


@st.composite
def within(draw: st.DrawFn, bounds: str) -> str:
    """A subquery of columns x and y, by windows or not."""
    one, other = (call(draw(st.sampled_from(PLAIN)), draw(st.sampled_from([0, 30, 50, 99.5, 100]))) for _ in range(2))
    by = draw(st.sampled_from(["", "h", "h, r", "r", "nosuch, h", "*"]))
    window = draw(st.sampled_from(["", "", "time(5s)", "time(10s)", "time(7s, 3s)"]))
    changed = {"derivative({}, 1s)", "moving_average({}, 2)", "non_negative_difference({})"}
    if window and draw(st.booleans()):
        shown_columns = f"{draw(st.sampled_from(sorted(changed))).format(one)} AS x"
    elif draw(st.integers(0, 3)) == 0:
        shown_columns = draw(st.sampled_from(["last(f) AS x, i AS y", "max(i) AS x, h AS y"]))
    else:
        shown_columns = f"{one} AS x" + draw(st.sampled_from(["", f", {other} AS y", f", {other} * 2 AS y"]))
    grouped = ", ".join(part for part in (window, by) if part)
    if not window and draw(st.integers(0, 3)) == 0:
        shown_columns = (
            f"{draw(st.sampled_from(['max(f)', 'last(i)', 'first(u)']))} AS x, {draw(st.sampled_from('fis'))} AS y"
        )
    elif draw(st.integers(0, 9)) == 0:
        shown_columns = "count(s) AS x, count(distinct(s)) AS y"
    fill = draw(st.sampled_from(["", "fill(none)", "fill(0)", "fill(previous)"])) if window else ""
    condition = draw(st.sampled_from(["", "AND h != 'a'", "AND f > 0"]))
    ending = f"GROUP BY {grouped} {fill}" if grouped else ""
    return f"SELECT {shown_columns} FROM m WHERE {bounds} {condition} {ending}"


AROUND = [
    *(f"{name}(x)" for name in ("count", "sum", "mean", "min", "max", "spread", "median", "first", "last")),
    *(f"percentile(x, {percent})" for percent in (0, 50, 95)),
    "count(x), max(y), last(x)",
    "sum(x) / count(x) * 100",
    "last(y)",
    "count(nosuch), sum(x)",
    "stddev(x)",
    "count(h)",
    "count(distinct(x))",
    "count(y)",
    "difference(sum(x))",
    "sum(x) / sum(y)",
    "max(x), y",
    "distinct(x)",
    "count(distinct(x))",
    "count(distinct(y)), sum(x), count(distinct(nosuch))",
]
CONDITIONS = [
    "",
    "x > 0",
    "x <= 1",
    "x != 0 AND y > 1",
    "(x = 0 OR y < 200)",
    "h = 'a'",
    "h != 'a' AND x > 0",
    "h =~ /a|b/",
    "h < 'b'",
    "nosuch = ''",
    "h = r",
    "x > 0 OR h = 'a'",
    "x > y",
    "y = 'a'",
]


@st.composite
def question(draw: st.DrawFn) -> str:
    """A query around a query, or around two of them."""
    lower = NOW - draw(st.integers(0, 40)) * SECOND
    bounds = f"time >{draw(st.sampled_from(['', '=']))} {lower} AND time <= {NOW - draw(st.integers(-3, 9)) * SECOND}"
    inner = draw(within(bounds))
    for _ in range(draw(st.sampled_from([0, 0, 1]))):
        by = draw(st.sampled_from(["", "GROUP BY h", "GROUP BY time(10s), h fill(none)"]))
        limits = f"WHERE {bounds}" if "time(" in by else ""
        inner = f"SELECT {draw(st.sampled_from(AROUND[:9]))} AS x FROM ({inner}) {limits} {by}"
    window = draw(st.sampled_from(["", "", "", "time(5s)", "time(10s)", "time(8s, 2s)"]))
    by = draw(st.sampled_from(["", "h", "r, h", "nosuch"]))
    terms = [draw(st.sampled_from(CONDITIONS))]
    if window or draw(st.booleans()):
        terms.append(draw(st.sampled_from([bounds, bounds, f"time >= {NOW - 12 * SECOND} AND time <= {NOW}"])))
    where = " AND ".join(f"({term})" if " OR " in term else term for term in terms if term)
    grouped = ", ".join(part for part in (window, by) if part)
    fill = draw(st.sampled_from(["", "fill(none)", "fill(0)", "fill(linear)"])) if window else ""
    ending = draw(st.sampled_from(["", "", "ORDER BY time DESC", "SLIMIT 1", "LIMIT 1"]))
    parts = (f"WHERE {where}" * bool(where), f"GROUP BY {grouped} {fill}" * bool(grouped), ending)
    return f"SELECT {draw(st.sampled_from(AROUND))} FROM ({inner}) {' '.join(parts)}"


def truth(pair: Pair, bucket: str, text: str) -> tuple[StatementResult, ...]:
    """What the file says, with every inner answer a table."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("store.embedded.ready.read_around", lambda *_: None)
        return pair.without.answer(parse(text), bucket, NOW)


def compare(pair: Pair, bucket: str, text: str) -> None:
    """Asked again and again, in a thread and at once, by the same bounds."""
    expected = shown(truth(pair, bucket, text))
    for _ in range(3):
        assert shown(pair.ask(bucket, text)) == expected, text
    standing = pair.texts.find(text)
    if standing is not None:
        at_once = pair.with_memory.answer_at_once(standing, bucket, NOW)
        pair.at_once += at_once is not None
        assert at_once is None or shown(at_once) == expected, text


def remembered(pair: Pair, lines: list[str]) -> str:
    """A bucket with these lines, which are in memory."""
    bucket = next(pair.buckets)
    pair.write(bucket, [f"m f=1,i=1i,u=1u {NOW - 400 * SECOND}", *lines])
    for _ in range(3):
        pair.ask(bucket, f"SELECT sum(f), sum(i), sum(u) FROM m WHERE time > {NOW - 420 * SECOND}")
    return bucket


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(lines=st.lists(line(), min_size=4, max_size=25), asked=st.lists(question(), min_size=1, max_size=6))
def test_columns_tell_what_the_file_would(pair: Pair, lines: list[str], asked: list[str]) -> None:
    """Whatever is asked of whatever inner answer: times, types, nulls and groups are DuckDB's."""
    bucket = remembered(pair, lines)
    for text in asked:
        compare(pair, bucket, text)


LINES = [f"m,h=h{age % 5},r=r{age % 2} f={age * 7 % 13},i={age}i {NOW - age * SECOND}" for age in range(40)]
LINES += [f'm,h=h{age % 4},r=r1 w={age % 7},s="x{age}" {NOW - age * SECOND}' for age in (0, 3, 11, 12, 29)]
PICKS = ("first", "last", "min", "max", "mean")
BOUNDS = f"time >= {NOW - 30 * SECOND} AND time <= {NOW}"
PANELS = [
    'SELECT count(x) FROM (SELECT last(f) AS x FROM m WHERE {0} GROUP BY "h") WHERE x < 20',
    'SELECT count(x) FROM (SELECT last(f) AS x FROM m WHERE {0} AND h =~ /./ GROUP BY "h", "r") GROUP BY "r"',
    (
        "SELECT count(x) FROM (SELECT last(x) AS x FROM (SELECT moving_average(count(f), 2) AS x FROM m WHERE {0} "
        'GROUP BY time(10s), "h" fill(0)) GROUP BY "h") WHERE x = 0'
    ),
    (
        'SELECT count(x) FROM (SELECT last(f) AS x FROM m WHERE {0} GROUP BY time(5s), "h", "r" fill(none)) '
        'WHERE {0} GROUP BY time(5s), "r" fill(0)'
    ),
    (
        "SELECT (1 - sum(bad) / sum(total)) / (last(bad) / last(total)) AS x FROM "
        "(SELECT sum(f) AS bad, count(f) AS total FROM m WHERE {0} GROUP BY time(10s) fill(none))"
    ),
]
EDGES = [
    "SELECT count(y) FROM (SELECT max(w) AS x, s AS y FROM m WHERE {0} GROUP BY h, r) GROUP BY r",
    "SELECT count(distinct(x)) FROM (SELECT last(f) AS x FROM m WHERE {0} GROUP BY h, r)",
    "SELECT count(nosuch), sum(x) FROM (SELECT sum(f) AS x FROM m WHERE {0}) WHERE {0} GROUP BY time(5s) fill(0)",
    *(f"SELECT {name}(x) FROM (SELECT last(f) AS x FROM m WHERE {{0}} GROUP BY h, r) GROUP BY r" for name in PICKS),
    *(f"SELECT {name}(x) FROM (SELECT max(f) AS x FROM m WHERE {{0}} GROUP BY time(7s), h)" for name in PICKS),
    "SELECT count(x) FROM (SELECT last(f) AS x FROM m WHERE {0} GROUP BY h, r) GROUP BY r ORDER BY time DESC",
    "SELECT count(x) FROM (SELECT last(f) AS x FROM m WHERE {0} GROUP BY h, r) WHERE h != 'h1' AND x > 3 GROUP BY r",
    "SELECT count(x) FROM (SELECT last(f) AS x FROM m WHERE {0} GROUP BY h, r) WHERE h > 'h1'",
    *(
        f"SELECT {name}(x) FROM (SELECT max(w) AS x FROM m WHERE {{0}} GROUP BY time(7s), h) GROUP BY h"
        for name in PICKS
    ),
    *(
        f"SELECT {name}(x) FROM (SELECT difference(max(f)) AS x FROM m WHERE {{0}} GROUP BY time(7s), h fill(none)) "
        "GROUP BY h ORDER BY time DESC"
        for name in PICKS
    ),
    *(
        f"SELECT count(x), count(y) FROM (SELECT max(w) AS x, min(f) AS y FROM m WHERE {{0}} "
        f"GROUP BY time(5s{by}), h, r) WHERE time >= {NOW - 47 * SECOND} AND "
        f"time <= {NOW + 7 * SECOND} GROUP BY time(5s), r {fill}"
        for by, fill in (("", "fill(0)"), ("", "fill(none)"), (", 2s", "fill(0)"))
    ),
    "SELECT sum(x) FROM (SELECT sum(f) AS x FROM m WHERE {0} GROUP BY time(20s)) WHERE {0} GROUP BY time(3s)",
    (
        "SELECT median(x), percentile(x, 30), spread(x), max(y) FROM (SELECT mean(f) AS x, last(i) AS y "
        "FROM m WHERE {0} GROUP BY time(4s), h) WHERE {0} GROUP BY time(9s), r ORDER BY time DESC"
    ),
]
"""Times of picked points, orders, tags, and windows that hold moments before the time range."""


@pytest.mark.parametrize("text", PANELS)
def test_panels_ask_no_duckdb(pair: Pair, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What boards ask of devices is answered from columns at every level, at once as well."""
    bucket, at_once, text = remembered(pair, LINES), pair.at_once, text.format(BOUNDS)
    compare(pair, bucket, text)
    assert pair.at_once == at_once + 1
    told: list[Any] = []
    for name in ("recall", "recall_windows"):
        whole = getattr(Around, name)

        def noted(around: Around, *args: Any, whole: Any = whole) -> Any:
            told.append(whole(around, *args))
            return told[-1]

        monkeypatch.setattr(Around, name, noted)
    pair.ask(bucket, text)
    assert len(told) == text.count("FROM (")
    assert None not in told


@pytest.mark.parametrize("text", EDGES)
def test_edges(pair: Pair, text: str) -> None:
    """Where a slip shows in one question alone, that one is asked."""
    compare(pair, remembered(pair, LINES), text.format(BOUNDS))


def test_types_refuse_where_there_are_no_rows(pair: Pair) -> None:
    """An inner answer without rows has columns of the types that it would have had."""
    bucket = remembered(pair, ['m,h=a s="x" 1'])
    text = f"SELECT sum(x) FROM (SELECT count(f) AS x FROM m WHERE h = 'none' AND {BOUNDS} GROUP BY h)"
    compare(pair, bucket, text)
    compare(pair, bucket, text.replace("count(f)", "last(s)"))
    (refused,) = pair.ask(bucket, text.replace("count(f)", "last(s)"))
    assert refused.error is not None
