"""Whatever is written, deleted and asked: memory answers what DuckDB answers."""

# ruff: noqa: S608 - InfluxQL made of the constants below

import random
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from store.embedded.recent.memory import Outcome
from store.errors import QueryLimitExceeded, QuerySyntaxError
from tests.differential.queries import Queries
from tests.differential.schema import SPAN_S, make_schema
from tests.store.embedded.recent.pair import NOW, SECOND, Pair


@pytest.fixture(scope="module", autouse=True)
def _near_ends() -> Iterator[None]:
    """Ends are looked for in a few rows first, those of few series alone are looked at, though there are few rows.

    What comes again is asked for at once as well, however long it took.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("store.embedded.recent.tail._FEW_ROWS", 2)
        patch.setattr("store.embedded.recent.stretch._MANY_ROWS", 1)
        patch.setattr("store.embedded.recent.series._FEW_OF", 2)
        patch.setattr("store.embedded.quick._QUICK_S", 60.0)
        yield


@pytest.fixture(scope="module")
def pair() -> Iterator[Pair]:
    made = Pair()
    yield made
    made.connection.close()


@pytest.fixture(scope="module")
def narrow_pair() -> Iterator[Pair]:
    """Its memory has room for answers, for rows it has none."""
    made = Pair(1, 4_000_000)
    yield made
    made.connection.close()


FLOATS = st.sampled_from(["1", "-2.5", "0", "1e3", "0.1", "0.2", "7.25"])
WHOLE = st.sampled_from(["1i", "-7i", "0i", "127i", "128i", "-32769i", "2147483648i", "9223372036854775807i"])
UNSIGNED = st.sampled_from(["0u", "1u", "200u", "70000u", "18446744073709551615u"])
TEXTS = st.sampled_from(['"x"', '""', '"a longer one"', '"Ümläut"'])
TRUTHS = st.sampled_from(["true", "false"])
AGES = st.integers(0, 40) | st.integers(-3, 400)


@st.composite
def line(draw: st.DrawFn) -> str:
    """A point of few series and moments, so that points are often written again; any field may be left out."""
    tags = [f",{key}={draw(st.sampled_from('ab'))}" for key in ("h", "r") if draw(st.booleans())]
    fields = {"f": FLOATS, "i": WHOLE, "u": UNSIGNED, "s": TEXTS, "b": TRUTHS}
    names = draw(st.lists(st.sampled_from(sorted(fields)), unique=True, min_size=1))
    cells = ",".join(f"{name}={draw(fields[name])}" for name in names)
    return f"{draw(st.sampled_from('mmmn'))}{''.join(tags)} {cells} {NOW - draw(AGES) * SECOND}"


CALLS = [
    *(f"{name}({field})" for name in ("count", "sum", "mean", "min", "max", "spread", "median") for field in "fiu"),
    *(f"{name}({field})" for name in ("first", "last") for field in "fiu"),
    *(f"percentile({field}, {percent})" for field in "fiu" for percent in (0, 1, 50, 95.5, 100)),
    "count(s)",
    "count(b)",
    *(f"count(distinct({field}))" for field in "ffiussssb"),
    "derivative(max(f), 1s)",
    "moving_average(count(i), 2)",
    "sum(f) / count(f) * 100",
    "stddev(f)",
    "mean(nosuch)",
    "count(nosuch)",
    "count(distinct(nosuch))",
]
RAW = ["f", "i", "u", "s", "s", "b", "h", "r", "f::integer", "i::field", "nosuch"]
WINDOWS: list[list[str]] = [[], [], ["time(10s)"], ["time(10s)"], ["time(7s, 3s)"], ["time(100s, -7s)"]]
FILLS = ["", "fill(none)", "fill(0)", "fill(-1.5)", "fill(100000000000000000000.0)", "fill(previous)", "fill(linear)"]
ALONE = [
    *(
        f"{name}({inner})"
        for name in ("difference", "non_negative_difference", "cumulative_sum")
        for inner in CALLS[:15]
    ),
    *(f"{name}({inner}, 3s)" for name in ("derivative", "non_negative_derivative") for inner in CALLS[:15]),
    *(f"moving_average({inner}, {size})" for inner in ("count(f)", "last(i)", "mean(f)") for size in (1, 2, 3, 50)),
    "non_negative_derivative(max(f)) * 8 + 1",
    "elapsed(max(f), 1s)",
]
"""Transformations, which are asked one at a time."""
CARRIED = [
    f"{call}, {carried}"
    for call in ("last(f)", "first(i)", "max(f)", "min(u)", "percentile(i, 50)", "last(s)", "count(f)")
    for carried in ("i", "f, u, s, b", "r, h, f", "i, nosuch")
]
"""Selectors with what else is shown of their points; count() may not have any."""
CONDITIONS = ["", "h = 'a'", "h != 'a'", "h = ''", "h != ''", "h =~ /a|b/", "h !~ /a/", "(h = 'a' OR r = 'b')"]
CONDITIONS += [
    "f > 0",
    "f > 0 AND h = 'a'",
    "(u >= 1 AND h != 'a') AND i < 127",
    "(f > 0 OR i != 0)",
    "0 < f",
    "i > 0.5",
]
CONDITIONS += [
    "f = 1",
    "u > -1",
    "i <= 4000000000",
    "u != 18446744073709551615",
    "s = 'x'",
    "i > u",
    "f > 0 OR h = 'a'",
]


@st.composite
def question(draw: st.DrawFn) -> str:
    """Calls over a stretch of time, by tags, under a condition."""
    calls = draw(
        st.lists(st.sampled_from(CALLS), min_size=1, max_size=4) | st.sampled_from([[one] for one in ALONE + CARRIED])
    )
    lower = NOW - draw(AGES) * SECOND
    bounds = [f"time >{draw(st.sampled_from(['', '=']))} {lower}"]
    if draw(st.booleans()):
        bounds.append(f"time <{draw(st.sampled_from(['', '=']))} {NOW - draw(AGES) * SECOND}")
    condition = draw(st.sampled_from(CONDITIONS))
    terms = " AND ".join([*([condition] if condition else []), *bounds])
    grouped = draw(st.lists(st.sampled_from(["h", "h, r", "nosuch", "*"]), max_size=1))
    window = draw(st.sampled_from(WINDOWS if calls[0] not in ALONE else WINDOWS[2:]))
    fill = draw(st.sampled_from(FILLS)) if window else ""
    by = f"GROUP BY {', '.join([*window, *grouped])} {fill}" if window or grouped else ""
    if draw(st.integers(0, 5)) == 0:
        shown = ", ".join(draw(st.lists(st.sampled_from(RAW), min_size=1, max_size=4, unique=True)))
        tail = f"{draw(st.sampled_from(['', 'ORDER BY time DESC']))} LIMIT {draw(st.integers(1, 12))}"
        return f"SELECT {shown} FROM m WHERE {terms} {tail} {draw(st.sampled_from(['', 'OFFSET 2']))}"
    ending = draw(st.sampled_from(["", "", "ORDER BY time DESC", "SLIMIT 1", "LIMIT 3"]))
    place = draw(st.sampled_from("mmmn"))
    if len(calls) == 1 and window and draw(st.booleans()):
        inner = f"SELECT {calls[0]} AS x FROM {place} WHERE {terms} {by}"
        return f"SELECT {draw(st.sampled_from(['count(x), max(x)', 'last(x)', 'sum(x)']))} FROM ({inner}) GROUP BY h"
    return f"SELECT {', '.join(calls)} FROM {place} WHERE {terms} {by} {ending}"


CHANGES = st.sampled_from(
    [
        "DELETE FROM m WHERE h = 'a'",
        f"DELETE WHERE time > {NOW - 20 * SECOND}",
        f"DELETE FROM m WHERE time < {NOW - 30 * SECOND}",
        "DROP MEASUREMENT m",
    ]
)
STEPS = st.lists(
    st.lists(line(), min_size=1, max_size=12) | st.lists(question(), min_size=1, max_size=4) | CHANGES,
    min_size=4,
    max_size=14,
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(steps=STEPS)
def test_memory_answers_as_the_file_does(pair: Pair, steps: list[Any]) -> None:
    """Among writes of new, late and repeated points, deletions and new tags every answer is DuckDB's."""
    bucket = next(pair.buckets)
    pair.write(bucket, [f"{name} f=1,i=1i,u=1u {NOW - 400 * SECOND}" for name in "mn"])
    for name in "mn":
        for _ in range(3):
            pair.ask(bucket, f"SELECT sum(f), sum(i), sum(u) FROM {name} WHERE time > {NOW - 420 * SECOND}")
    asked: list[str] = []
    for step in steps:
        if isinstance(step, str):
            pair.change(bucket, step)
        elif step[0].startswith("SELECT"):
            asked += step
        else:
            pair.write(bucket, step)
        for text in asked[-5:]:
            pair.compare(bucket, text)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(steps=STEPS)
def test_what_is_settled_is_as_the_file_has_it(narrow_pair: Pair, steps: list[Any]) -> None:
    """Where rows do not fit, windows that are over are kept as answered, and none is kept that a change touched."""
    bucket = next(narrow_pair.buckets)
    narrow_pair.write(bucket, [f"{name} f=1,i=1i,u=1u {NOW - 400 * SECOND}" for name in "mn"])
    asked: list[str] = []
    for step in steps:
        if isinstance(step, str):
            narrow_pair.change(bucket, step)
        elif step[0].startswith("SELECT"):
            asked += [text for text in step if "time(" in text or "count(" in text or "sum(" in text]
            for text in asked[-3:]:
                narrow_pair.ask(bucket, text)
                narrow_pair.ask(bucket, text)
        else:
            narrow_pair.write(bucket, step)
        for text in asked[-3:]:
            narrow_pair.compare(bucket, text)


def test_a_board_over_a_table_too_large(narrow_pair: Pair) -> None:
    """Asked again a little later each time, while rows come late, nearly all is answered from what is settled."""
    luck, bucket = random.Random(4), next(narrow_pair.buckets)  # noqa: S311 - test data
    before = narrow_pair.outcomes[Outcome.SETTLED]
    forms = ("count(f), percentile(f, 90)", "max(i) - min(i)", "count(distinct(i))", "last(f)", "stddev(f)")
    totals = ("count(i)", "mean(f), sum(i)", "sum(f) / count(f)")
    for second in range(30):
        now = NOW + second * SECOND
        lines = []
        for _ in range(20):
            at = now - luck.choice([0, 0, 0, 1, 40]) * SECOND - luck.randrange(SECOND)
            lines.append(f"m,h=h{luck.randrange(2 + second // 5)} f={luck.random()},i={luck.randrange(9)}i {at}")
        narrow_pair.write(bucket, lines)
        for calls in forms:
            bounds = f"time > {now - 60 * SECOND} AND time <= {now}"
            narrow_pair.compare(bucket, f"SELECT {calls} FROM m WHERE {bounds} GROUP BY time(7s), h fill(none)", now)
        for calls in (*totals, "count(distinct(i))"):
            narrow_pair.compare(bucket, f"SELECT {calls} FROM m WHERE {bounds} AND i > 2 GROUP BY h", now)
    assert narrow_pair.outcomes[Outcome.SETTLED] - before > 30 * (len(forms) + len(totals)) * 0.9


def test_a_minute_of_rules(pair: Pair) -> None:
    """Second by second the same windows, over rows that come, come late and grow old: mostly answered by memory."""
    luck, bucket = random.Random(3), next(pair.buckets)  # noqa: S311 - test data
    before, at_once = pair.outcomes[Outcome.MEMORY], pair.at_once
    for second in range(90):
        now = NOW + second * SECOND
        late = luck.choice([0, 0, 0, 1, 20])
        pair.write(
            bucket,
            [
                f"m,h=h{luck.randrange(9)},r=r{luck.randrange(3)} f={luck.random()},i={luck.randrange(9)}i "
                f"{now - late * SECOND - luck.randrange(SECOND)}"
                for _ in range(40)
            ],
        )
        for over in (5, 10, 30):
            bounds = f"time > {now - over * SECOND} AND time <= {now}"
            for calls in ("percentile(f, 95), mean(f), max(f), sum(i), count(i)", "max(f)", "median(i), last(f)"):
                pair.compare(bucket, f"SELECT {calls} FROM m WHERE r != 'r1' AND {bounds} GROUP BY h", now)
    asked_again = pair.at_once - at_once
    assert asked_again > 90 * 9 * 0.9
    assert pair.outcomes[Outcome.MEMORY] - before - asked_again > 90 * 9 * 0.9


@pytest.mark.parametrize("seed", range(2))
def test_the_whole_grammar(pair: Pair, seed: int) -> None:
    """Whatever is asked, and however often until memory may answer it: nothing but the last digits of a sum differs."""
    luck, bucket = random.Random(seed), next(pair.buckets)  # noqa: S311 - the same queries again
    schema = make_schema(luck)
    queries = Queries(schema, luck)
    for body in schema.bodies:
        pair.write_body(bucket, body)
    before = pair.outcomes[Outcome.MEMORY]
    for text in (queries.make() for _ in range(100)):
        if "sample(" in text:
            continue
        with suppress(QuerySyntaxError):
            for _ in range(3):
                pair.ask(bucket, text, schema.start + SPAN_S * SECOND)
            pair.compare(bucket, text, schema.start + SPAN_S * SECOND)
    assert pair.outcomes[Outcome.MEMORY] - before > 5


def test_what_retention_deletes_is_gone(pair: Pair) -> None:
    """Points past their retention leave memory with the transaction that deletes them, slice by slice."""
    bucket = next(pair.buckets)
    pair.write(bucket, [f"m f=1 {NOW - age * SECOND}" for age in range(60)])
    text = f"SELECT count(f), percentile(f, 50) FROM m WHERE time > {NOW - 60 * SECOND}"
    for _ in range(3):
        pair.compare(bucket, text)
    (table,) = (pair.catalog.tables(bucket) or {}).values()
    before = pair.outcomes[Outcome.MEMORY]
    for _ in range(3):
        assert pair.writer.expire(bucket, table.relation, NOW - 20 * SECOND, 10) in (10, 9)
        pair.compare(bucket, text)
    assert pair.outcomes[Outcome.MEMORY] == before + 3


def test_long_windows_are_as_long_ones(pair: Pair) -> None:
    """Of tens of thousands of rows, of which most lie in blocks that are worked out once: nothing is missed or doubled.

    Rows come, come late, grow old and are deleted; series come; whole numbers are large enough to wrap.
    """
    luck, bucket, now = random.Random(5), next(pair.buckets), NOW  # noqa: S311 - test data
    wide = (9223372036854775807, -9223372036854775807, 2147483648, 7)

    def lines(count: int, hosts: int, newest_s: int, oldest_s: int) -> list[str]:
        made = []
        for _ in range(count):
            cells = [f"f={luck.uniform(-9, 9)}", f"i={luck.randrange(-200, 200)}i", f"w={luck.choice(wide)}i"]
            cells.append(f"u={luck.choice((1, 18446744073709551615))}u")
            chosen = luck.sample(cells, luck.randrange(2, 5)) if luck.random() < 0.05 else cells
            at = now - luck.randrange(newest_s * SECOND, oldest_s * SECOND)
            made.append(f"m,h=h{luck.randrange(hosts)} {','.join(chosen)} {at}")
        return made

    def compare() -> None:
        for over_s in (160, 399, luck.randrange(1, 399)):
            bounds = f"time > {now - over_s * SECOND} AND time <= {now - luck.randrange(over_s // 3 + 1) * SECOND}"
            calls = ", ".join(
                f"{name}({field})" for name in ("count", "sum", "mean", "min", "max", "spread") for field in "fiwu"
            )
            for ending in ("GROUP BY h", ""):
                text = f"SELECT {calls}, percentile(f, 95), median(i) FROM m WHERE {bounds} {ending}"
                pair.compare(bucket, text, now)
                pair.compare(bucket, f"SELECT max(f) FROM m WHERE {bounds} AND h != 'h1' {ending}", now)

    pair.write(bucket, lines(20_000, 5, 0, 400))
    for _ in range(3):
        pair.ask(bucket, f"SELECT median(f), median(i), median(w), median(u) FROM m WHERE time > {NOW - 401 * SECOND}")
        compare()
    before = pair.outcomes[Outcome.MEMORY]
    for change in ((300, 9, 0, 5), (20, 9, 100, 300), (6_000, 40, 0, 50), (40, 40, 0, 9)):
        now += 10 * SECOND
        pair.write(bucket, lines(*change))
        compare()
    pair.change(bucket, f"DELETE FROM m WHERE time < {now - 350 * SECOND}")
    compare()
    assert pair.outcomes[Outcome.MEMORY] - before >= 5 * 8


def test_the_greatest_of_one_time_is_its_last(pair: Pair) -> None:
    """Also where the rows of a time do not stand within the first few that are looked at, from either end."""
    bucket = next(pair.buckets)
    times = [NOW - age * SECOND for age in (9, 9, 9, 5, 1, 1, 1)]
    pair.write(bucket, [f"m,h=h{place} v={20 - place} {at}" for place, at in enumerate(times)])
    before = pair.outcomes[Outcome.MEMORY]
    for call in ("last", "first"):
        for _ in range(4):
            pair.compare(bucket, f"SELECT {call}(v) FROM m WHERE time > {NOW - 60 * SECOND}")
    assert pair.outcomes[Outcome.MEMORY] - before >= 2


def test_an_answer_that_fails_leaves_nothing_behind(narrow_pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is stopped while the newest windows are read has taken their mark: what was kept is read again."""
    bucket = next(narrow_pair.buckets)
    narrow_pair.write(bucket, [f"m f={age} {NOW - age * SECOND}" for age in range(60)])
    text = f"SELECT sum(f) FROM m WHERE time > {NOW - 60 * SECOND} AND time <= {NOW} GROUP BY time(7s)"
    for _ in range(4):
        narrow_pair.compare(bucket, text)
    narrow_pair.write(bucket, [f"m f=100 {NOW - 30 * SECOND}"])
    with monkeypatch.context() as patch, suppress(QueryLimitExceeded):
        patch.setattr("store.embedded.recent.settled.grid_of", refuse)
        narrow_pair.ask(bucket, text)
    narrow_pair.compare(bucket, text)


def refuse(*_: object) -> None:
    """Stop a question in the middle."""
    raise QueryLimitExceeded("it takes too long")


def test_too_many_windows_are_left_to_the_file(narrow_pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows times groups beyond bounds are answered all the same, and for a while nobody tries again to keep them."""
    monkeypatch.setattr("store.embedded.recent.grid._MOST_CELLS", 20)
    bucket = next(narrow_pair.buckets)
    narrow_pair.write(bucket, [f"m,h=h{age % 7} f={age} {NOW - age * SECOND}" for age in range(60)])
    before = narrow_pair.outcomes[Outcome.SETTLED]
    for _ in range(5):
        narrow_pair.compare(bucket, f"SELECT sum(f) FROM m WHERE time > {NOW - 60 * SECOND} GROUP BY time(7s), h")
    assert narrow_pair.outcomes[Outcome.SETTLED] == before


def test_what_answers_leave_behind_is_bounded() -> None:
    """However many questions are asked once, and though nothing is written meanwhile, memory keeps within its limit."""
    limit = 1_200_000
    pair = Pair(limit)
    pair.write("b", [f"m,h=h{number % 50} f={number} {NOW - number * SECOND // 100}" for number in range(10_000)])
    bounds = f"time > {NOW - 100 * SECOND} AND time <= {NOW}"
    for _ in range(3):
        pair.ask("b", f"SELECT sum(f) FROM m WHERE {bounds}")
    for left in range(12):
        pair.compare("b", f"SELECT sum(f), max(f) FROM m WHERE h != 'h{left}' AND {bounds} GROUP BY time(500ms), h")
        (kept,) = vars(pair.recent)["_kept"].values()
        assert pair.recent.size_bytes == kept.tail.size_bytes <= limit
    assert pair.outcomes[Outcome.MEMORY] >= 12
    pair.connection.close()
