"""Folded questions are answered by few scans, with exactly the values that asking them one by one gives."""

# ruff: noqa: S608 - InfluxQL made of the constants below

import asyncio
import tempfile
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import product
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from isal import igzip

from alerting.inquiry import rounds
from alerting.rules.folding import Unfoldable, alone, fold
from alerting.rules.query import AnswerUnfit, Question, bound, nanoseconds, read_query
from alerting.rules.reading import Reading
from alerting.rules.recipe import Part, Recipe, Values
from foundation.batch import Position, Shipment
from foundation.clock import SystemClock
from store.contract import Reader, Series, StatementResult, Value
from store.embedded.store import EmbeddedConfig, EmbeddedStore

AT = datetime(2026, 1, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def a_part(query: str, *, bucket: str = "telemetry", over: timedelta = MINUTE, ago: timedelta = timedelta(0)) -> Part:
    select = read_query(query)
    return Part(Question(bound(select), bucket, over, MINUTE, select), ago)


def texts(parts: Iterable[Part]) -> list[str]:
    """What is asked for the parts, without the bounds of time."""
    return ["*".join(scan.whole.question.parts) for scan in fold(parts)]


def test_aggregates_of_the_same_points_become_columns():
    """Same FROM, WHERE, GROUP BY and window: one SELECT, each aggregate once, also under another name."""
    queries = (
        "SELECT mean(a) FROM m WHERE b > 1 GROUP BY host",
        "SELECT percentile(a, 95) FROM m WHERE b > 1 GROUP BY host",
        "SELECT mean(a) AS x FROM m WHERE b > 1 GROUP BY host",
    )
    assert texts(map(a_part, queries)) == [
        "SELECT mean(a), percentile(a, 95) FROM m WHERE (b > 1) AND time > * AND time <= * GROUP BY host"
    ]


def test_tags_that_differ_are_grouped_by():
    """Queries that differ in what a tag equals become one, which also counts what a field of that name holds."""
    queries = (
        "SELECT mean(a) FROM m WHERE feature = 'x' AND b > 1 GROUP BY host",
        "SELECT mean(a) FROM m WHERE b > 1 AND feature = 'y' GROUP BY host",
    )
    (text,) = texts(map(a_part, queries))
    fields, wanted = "mean(a), count(feature::field)", "b > 1 AND (feature = 'x' OR feature = 'y')"
    assert text == f"SELECT {fields} FROM m WHERE ({wanted}) AND time > * AND time <= * GROUP BY host, feature"


@pytest.mark.parametrize(
    "query",
    [
        "SELECT a FROM m",
        "SELECT mean(a) / 2 FROM m",
        "SELECT stddev(a) FROM m",
        "SELECT distinct(a) FROM m",
        "SELECT top(a, 3) FROM m",
        "SELECT derivative(a) FROM m",
        "SELECT mean(a) FROM /m.*/",
        "SELECT mean(a) FROM m, n",
        "SELECT mean(a) FROM (SELECT a FROM m)",
        "SELECT mean(a) FROM m GROUP BY *",
        "SELECT mean(a) FROM m LIMIT 1",
        "SELECT mean(a) FROM m ORDER BY time DESC",
        "SELECT count(distinct(a)) FROM m",
    ],
)
def test_what_is_not_sure_to_be_equal_is_asked_alone(query: str):
    """Anything but a plain aggregate of one measurement, grouped by named tags, has a scan of its own, as written."""
    part = a_part(query)
    scans = fold([part, a_part("SELECT mean(a) FROM m"), a_part("SELECT max(a) FROM m")])

    assert sorted(len(scan.parts) for scan in scans) == [1, 2]
    assert next(scan.whole for scan in scans if len(scan.parts) == 1) == part


def test_other_windows_and_buckets_stay_apart():
    """A scan has one bucket and one window."""
    query = "SELECT mean(a) FROM m"
    parts = [
        a_part(query),
        a_part(query, bucket="b"),
        a_part(query, over=2 * MINUTE),
        a_part(query, ago=MINUTE),
        a_part(query),
    ]
    assert len(fold(parts)) == 4


def test_little_is_computed_that_nobody_wants():
    """Queries that differ in a tag and in their aggregates too would compute each for all: they stay apart."""
    wishes = [(f"SELECT percentile(a, {number}) FROM m WHERE feature = 'f{number}'") for number in range(1, 9)]
    assert len(fold(map(a_part, wishes))) >= 4
    assert len(fold(a_part(f"SELECT mean(a) FROM m WHERE feature = 'f{number}'") for number in range(8))) == 1


def test_a_row_of_no_wanted_value_shows_that_the_name_is_no_tag():
    """Whoever groups by a field gets a series without that tag: the scan says so instead of finding nothing."""
    (scan,) = fold(a_part(f"SELECT mean(a) FROM m WHERE f = '{value}'") for value in "xy")
    cases: list[tuple[list[Value], str]] = [([0, 1.0, None], ""), ([0, 1.0, 2], "x")]
    for row, tag in cases:
        answer = StatementResult(0, (Series("m", ("time", "mean", "count"), [row], {"f": tag}),))
        with pytest.raises(Unfoldable):
            Reading(scan).read([answer])


AGGREGATES = (
    *("count({})", "sum({})", "mean({})", "median({})", "mode({})", "spread({})", "min({})", "max({})", "first({})"),
    *("last({})", "percentile({}, 1)", "percentile({}, 50)", "percentile({}, 95)", "stddev({})", "distinct({})"),
)
CONDITIONS = (
    *("", "WHERE feature = 'x'", "WHERE feature = 'y'", "WHERE 'z' = feature", "WHERE feature = ''", "WHERE v > 1"),
    *("WHERE feature = 'x' AND host = 'a'", "WHERE (host = 'b') AND (feature = 'y')", "WHERE feature = 'x' AND v > 1"),
    *("WHERE feature = 'x' OR feature = 'y'", "WHERE feature = 'y' AND (v > 1 OR n < 2)", "WHERE feature != 'x'"),
    *("WHERE feature = 'x' AND feature = 'y'", "WHERE nosuch = 'x'", "WHERE nosuch = 'y'", "WHERE s = 'x'"),
)
GROUPS = ("", "GROUP BY host", "GROUP BY feature", "GROUP BY host, feature", "GROUP BY feature, host", "GROUP BY gone")
MEASUREMENTS = ("m", "fieldy", "both", "gone")


def some(values: Sequence[str], most: int) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(values), min_size=1, max_size=most, unique=True)


@st.composite
def questions(draw: st.DrawFn) -> list[str]:
    """Queries that have much in common: few sources, conditions and groups, each with the same few values."""
    names = st.sampled_from(("v", "v", "v", "n", "s", "ok", "gone", "feature"))
    wishes = draw(st.lists(st.tuples(st.sampled_from(AGGREGATES), names), min_size=1, max_size=5, unique=True))
    parts = product(draw(some(MEASUREMENTS, 2)), draw(some(CONDITIONS, 4)), draw(some(GROUPS, 2)))
    return [
        f"SELECT {aggregate.format(name)} FROM {source} {condition} {group}".strip()
        for source, condition, group in parts
        for aggregate, name in wishes
    ]


@st.composite
def points(draw: st.DrawFn) -> str:
    """A line: any of its tags and fields may be missing; `feature` is a tag, a field, or both."""
    source = draw(st.sampled_from(("m", "m", "fieldy", "both")))
    host, feature = draw(st.sampled_from(("a", "b", ""))), draw(st.sampled_from(("x", "y", "z", "")))
    tags = [f"host={host}"] if host else []
    if feature and source != "fieldy":
        tags.append(f"feature={feature}")
    fields = []
    if source in ("fieldy", "both"):
        fields.append(f'feature="{draw(st.sampled_from("xyz"))}"')
    numbers = st.integers(-8, 8)
    values = (f"v={draw(numbers) / 4}", f"n={draw(numbers)}i", f's="{draw(st.sampled_from("xy"))}"', "ok=true")
    fields += [value for value in values if draw(st.booleans())]
    at = nanoseconds(AT) - draw(st.integers(-1, 70)) * 10**9
    return f"{','.join([source, *tags])} {','.join(fields or ['n=1i'])} {at}"


async def _answers(lines: Sequence[str], parts: Sequence[Part]) -> list[tuple[Part, object, object]]:
    """Each part with what it gives by itself and among all others; an error as its type."""
    with tempfile.TemporaryDirectory() as folder:
        store = EmbeddedStore(EmbeddedConfig(), state=Path(folder), clock=SystemClock())
        await store.open()
        try:
            body = "".join(f"{line}\n" for line in lines).encode()
            await store.write(Shipment("telemetry", igzip.compress(body), len(lines)), Position("l", "telemetry", 1))
            found: dict[Part, Values | Exception] = {}
            for one in rounds(Recipe(part) for part in parts):
                found |= await one.ask(store, AT, asyncio.Semaphore(2))
            return [(part, _told(await _by_itself(store, part)), _told(found[part])) for part in parts]
        finally:
            await store.close()


async def _by_itself(store: Reader, part: Part) -> Values | Exception:
    try:
        results = await store.query(part.question.text(part.at(AT)), "telemetry")
        answer = Reading(alone(part)).read(results)[part]
    except AnswerUnfit as error:
        return error
    return answer


def _told(answer: Values | Exception) -> object:
    return type(answer) if isinstance(answer, Exception) else dict(answer)


def test_a_field_of_the_name_of_a_tag_is_noticed():
    """In WHERE the field counts, in GROUP BY the tag: such queries have the values that each has by itself."""
    at = nanoseconds(AT)
    lines = [
        f'both,feature=x feature="y",v=1 {at}',
        f'both,feature=y feature="x",v=2 {at}',
        f'both feature="x",v=4 {at - 1}',
    ]
    asked = [a_part(f"SELECT max(v) FROM both WHERE feature = '{value}'") for value in "xy"]
    assert len(fold(asked)) == 1
    for part, by_itself, folded in asyncio.run(_answers(lines[:2], asked)):
        assert folded == by_itself == {(): 2.0 if "'x'" in part.question.parts[0] else 1.0}
    for _, by_itself, folded in asyncio.run(_answers(lines[2:], asked)):
        assert folded == by_itself


def test_a_null_in_a_column_is_no_series():
    """A series that one aggregate has no value for is in the answer to the other alone."""
    lines = [f"m,host=a v=1 {nanoseconds(AT)}", f"m,host=b n=2i {nanoseconds(AT)}"]
    asked = [a_part(f"SELECT {value} FROM m GROUP BY host") for value in ("sum(v)", "count(n)")]
    assert len(fold(asked)) == 1
    found = [folded for _, _, folded in asyncio.run(_answers(lines, asked))]
    assert found == [{(("host", "a"),): 1.0}, {(("host", "b"),): 1.0}]


@settings(max_examples=10, deadline=None)
@given(st.lists(points(), min_size=1, max_size=40), questions())
def test_folded_is_as_if_asked_one_by_one(lines: list[str], asked: list[str]):
    """Whatever is stored and asked: same series, same values, same errors."""
    for part, by_itself, folded in asyncio.run(_answers(lines, [a_part(query) for query in asked])):
        assert folded == by_itself, "*".join(part.question.parts)
