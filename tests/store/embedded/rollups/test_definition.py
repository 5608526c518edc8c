"""What a rollup may be: its parts and its query mean the same, and whatever looks beyond its window is refused."""

from pathlib import Path

import pytest

from foundation.errors import ConfigError
from foundation.settings import decode
from store.embedded.rollups.definition import Rollup, RollupConfig, read_rollup
from store.embedded.store import EmbeddedConfig


def read(text: str) -> RollupConfig:
    config = f"name: r\ntarget: {{bucket: month}}\n{text}"
    return decode(RollupConfig, config, name="tocsin.yml", folder=Path(), env={})


def meant(text: str) -> Rollup:
    return read_rollup(read(text))


def test_parts_and_query_mean_the_same() -> None:
    """A rollup given in parts is the SELECT that one would write; all tags are kept unless some are named."""
    parts = "measurement: http request\nwindow: 90s\naggregates: {p95: 'percentile(ms, 95)', n: count(ms)}"
    query = 'SELECT percentile(ms, 95) AS p95, count(ms) AS n FROM "http request" GROUP BY time(90s), '
    assert meant(parts) == meant(f"query: '{query}*'")
    assert meant(f"{parts}\ntags: [host, site]") == meant(f"query: '{query}host, site fill(none)'")
    assert str(meant(parts).target) == "month/http request"


def test_what_it_reads_are_the_fields_that_are_aggregated() -> None:
    """Fields of conditions and tags are not; where a pattern chooses them, nobody knows before there are points."""
    select = "SELECT max(b) - min(a) AS x, count(a) AS n FROM m WHERE c > 1 GROUP BY time(1m), host"
    assert meant(f"query: '{select}'").reads == ("a", "b")
    assert meant("query: 'SELECT mean(*) FROM m GROUP BY time(1m)'").reads == ()
    assert meant("query: 'SELECT mean(/^cpu/) FROM m GROUP BY time(1m)'").reads == ()


REFUSED = [
    ("SELECT meen(f) FROM m GROUP BY time(1m)", "there is no aggregate meen(); did you mean mean?"),
    ("SELECT f FROM m GROUP BY time(1m)", "f is no aggregate; say which, as in mean(f)"),
    ("SELECT mean(f) FROM m", "has no window; add GROUP BY time(1m)"),
    ("SELECT mean(f) FROM m WHERE time > 0 GROUP BY time(1m)", "has bounds of time"),
    ("SELECT mean(f) FROM m WHERE a = 'b' AND time > now() - 1h GROUP BY time(1m)", "has bounds of time"),
    ("SELECT mean(f) FROM m GROUP BY time(1m, now())", "depends on now()"),
    ("SELECT derivative(mean(f)) FROM m GROUP BY time(1m)", "derivative() cannot be rolled up: it looks at other"),
    ("SELECT integral(f) FROM m GROUP BY time(1m)", "integral() cannot be rolled up: it joins the points"),
    ("SELECT sample(f, 1) FROM m GROUP BY time(1m)", "sample() cannot be rolled up: it picks other points"),
    ("SELECT top(f, 2) FROM m GROUP BY time(1m)", "top() cannot be rolled up: it gives several rows"),
    ("SELECT mean(f) + holt_winters(mean(f), 1, 1) FROM m GROUP BY time(1m)", "is not supported by this store"),
    ("SELECT mean(f) FROM m, n GROUP BY time(1m)", "FROM one measurement"),
    ("SELECT mean(f) FROM /m/ GROUP BY time(1m)", "FROM one measurement"),
    ("SELECT mean(f) FROM (SELECT f FROM m) GROUP BY time(1m)", "FROM one measurement"),
    ("SELECT mean(f) FROM other..m GROUP BY time(1m)", "the bucket stands in `bucket`"),
    ("SELECT mean(f) FROM m GROUP BY time(1m) LIMIT 5", "keeps all its rows"),
    ("SELECT mean(f) FROM m GROUP BY time(1m) fill(previous)", "fill(previous)"),
    ("SELECT mean(f), h FROM m GROUP BY time(1m)", "h is no aggregate"),
    ("SELECT percentile(f) FROM m GROUP BY time(1m)", "invalid number of arguments for percentile"),
    ("SELEC mean(f)", "found SELEC, expected SELECT"),
]


@pytest.mark.parametrize(("query", "words"), REFUSED, ids=[query for query, _ in REFUSED])
def test_what_cannot_be_rolled_up(query: str, words: str) -> None:
    """Each with its reason, and where it stands."""
    with pytest.raises(ConfigError) as caught:
        read(f'query: "{query}"')
    assert words in str(caught.value)
    assert str(caught.value).startswith("tocsin.yml:1: ")


def test_aggregates_that_combine_are_taken() -> None:
    """Arithmetic, mathematics, distinct counts, wildcards, time zones and offsets."""
    for text in ("sum(e) / count(e) * 100", "round(mean(f))", "count(distinct(who))", "first(s)", "mode(f)"):
        query = f"SELECT {text} AS x FROM m GROUP BY time(1d, 6h), a tz('Europe/Berlin')"  # noqa: S608 - InfluxQL
        assert meant(f'query: "{query}"').window.interval == 86_400_000_000_000
    assert meant('query: "SELECT mean(*), max(/a/) FROM m GROUP BY time(1m), /h/"').source.measurement == "m"


def test_parts_that_are_wrong() -> None:
    """What is missing, what does not parse, and what is more than one expression."""
    for text, words in (
        ("measurement: m", "window is missing"),
        ("measurement: m\nwindow: 1m\naggregates: {a: 'mean('}", "aggregates.a: 'mean(' is no InfluxQL"),
        ("measurement: m\nwindow: 1m\naggregates: {a: 'mean(f), max(f)'}", "is not one expression"),
        ("measurement: m\nwindow: 1m\naggregates: {a: 'mean(f) FROM x; SELECT max(f)'}", "aggregates.a"),
        ("measurement: m\nquery: SELECT mean(f) FROM m GROUP BY time(1m)", "query stands alone"),
        ("mesurement: m", "unknown key 'mesurement'; did you mean measurement?"),
        ("aggregates: {}\nwindow: 5", "'5' is not a duration"),
    ):
        with pytest.raises(ConfigError) as caught:
            read(text)
        assert words in str(caught.value)


def rollup(name: str, source: str, target: str) -> str:
    one, two = (dict(zip(("bucket", "measurement"), place.split("/"), strict=True)) for place in (source, target))
    query = f"SELECT mean(f) AS f FROM {one['measurement']} GROUP BY time(1m)"  # noqa: S608 - InfluxQL
    return f"{{name: {name}, bucket: {one['bucket']}, query: '{query}', target: {two}}}"


def test_rollups_that_do_not_fit_each_other() -> None:
    """None feeds itself, not through others either; names and targets are given once."""
    for listed, words in (
        ([rollup("a", "x/m", "x/m")], "'a' feeds itself"),
        ([rollup("a", "x/m", "y/m"), rollup("b", "y/m", "x/m")], "'a' feeds 'b' feeds 'a'"),
        ([rollup("a", "x/m", "y/m"), rollup("a", "x/m", "z/m")], "name 'a' is given to two"),
        ([rollup("a", "x/m", "y/m"), rollup("b", "x/n", "y/m")], "'a' and 'b' have the same target y/m"),
    ):
        with pytest.raises(ConfigError) as caught:
            decode(EmbeddedConfig, f"rollups: [{', '.join(listed)}]", name="tocsin.yml", folder=Path(), env={})
        assert words in str(caught.value)


def test_rollups_stand_behind_those_that_feed_them() -> None:
    """However they are listed, each comes after its source's."""
    listed = ", ".join([rollup("c", "z/m", "w/m"), rollup("b", "y/m", "z/m"), rollup("a", "x/m", "y/m")])
    config = decode(EmbeddedConfig, f"rollups: [{listed}]", name="t", folder=Path(), env={})
    assert [one.name for one in config.course.rollups] == ["a", "b", "c"]
