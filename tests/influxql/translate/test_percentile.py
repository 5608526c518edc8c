"""The fractions of quantile_disc: for every count one of them hits the rank that InfluxDB takes."""

import duckdb
from hypothesis import given, settings
from hypothesis import strategies as st

from influxql.translate.percentile import Percentiles, hit, rank


@given(
    st.one_of(st.integers(0, 100).map(float), st.floats(0, 100.4)),
    st.integers(1, 10**9),
    st.floats(1, 1_000),
    st.floats(0, 1),
)
def test_every_count_of_a_stretch_finds_its_rank(percent: float, least: int, times: float, share: float) -> None:
    """Whatever lies between the least and the most values of a group is picked at exactly InfluxDB's rank."""
    most = int(least * times)
    among = Percentiles([percent, 50], least, most)
    count = least + int((most - least) * share)
    ranks = [hit(count, fraction) for fraction in among.fractions]
    wish = rank(count, percent)
    assert among.pick(ranks, count, percent) == (wish if 1 <= wish <= count else None)


def test_each_small_group_finds_its_rank() -> None:
    """All counts up to a thousand, for the percentiles that people ask for."""
    percents = [0.1, 1, 12.5, 50, 66.6, 90, 95, 99, 99.9, 100]
    among = Percentiles(percents, 1, 1_000)
    for count in range(1, 1_001):
        ranks = [hit(count, fraction) for fraction in among.fractions]
        for percent in percents:
            wish = rank(count, percent)
            assert among.pick(ranks, count, percent) == (wish or None)


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 5_000), st.lists(st.floats(0, 1), min_size=1, max_size=5))
def test_duckdb_takes_the_value_that_is_expected(count: int, fractions: list[float]) -> None:
    """What `hit` says of quantile_disc is what DuckDB does."""
    with duckdb.connect() as connection:
        sql = "SELECT quantile_disc(i::DOUBLE, $p) FROM range(1, $n + 1) AS numbers(i)"
        ((taken,),) = connection.execute(sql, {"p": fractions, "n": count}).fetchall()
    assert taken == [hit(count, fraction) for fraction in fractions]
