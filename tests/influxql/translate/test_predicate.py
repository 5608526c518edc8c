"""A regex where the tag's values are known: the values that it matches stand in the condition, or nothing has to."""

import duckdb
import pytest

from influxql.ast import Select
from influxql.parser import parse
from influxql.translate.parameters import Parameters
from influxql.translate.predicate import ALWAYS, condition_sql, unknown_values
from store.embedded.index import Values
from store.embedded.schema import Column, Table

TABLE = Table("m", "m1", (Column("host", "tag", None, "t1"), Column("site", "tag", None, "t2")))
HOSTS = ("web1", "web2", "db1", None)


KNOWN = Values(frozenset(HOSTS))


def values(physical: str) -> Values | None:
    return KNOWN if physical == "t1" else None


@pytest.mark.parametrize(
    "condition",
    [
        "host =~ /web/",
        "host !~ /web/",
        "host =~ /^$/",
        "host !~ /^$/",
        "host =~ /.*/",
        "host =~ /db1/",
        "host =~ /nobody/",
        "host !~ /nobody/",
        "host =~ /1/ AND host !~ /db/",
        "host =~ /.*/ OR host = 'db1'",
        "host =~ /nobody/ OR host = 'db1'",
        "(host =~ /.*/ AND host = 'db1') OR host = 'web2'",
    ],
)
def test_known_values_change_nothing_in_the_answer(condition: str) -> None:
    """The same hosts are found whether the values are known or not."""
    (select,) = parse(f"SELECT v FROM m WHERE {condition}")  # noqa: S608 - InfluxQL
    assert isinstance(select, Select)
    assert select.condition is not None
    found = []
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE m1 (t1 VARCHAR, t2 VARCHAR)")
        connection.executemany("INSERT INTO m1 VALUES (?, NULL)", [(host,) for host in HOSTS])
        for known in (values, unknown_values):
            parameters = Parameters()
            where = condition_sql(select.condition, TABLE, parameters, known)
            used = {name: value for name, value in parameters.values.items() if f"${name}" in where}
            rows = connection.execute(f"SELECT t1 FROM m1 WHERE {where}", used).fetchall()  # noqa: S608 - names of ours
            found.append(rows)
    assert found[0] == found[1]


def test_a_regex_that_all_values_match_asks_for_nothing() -> None:
    """A drop-down that stands at `all` costs nothing."""
    (select,) = parse("SELECT v FROM m WHERE host =~ /^.*$/ AND host =~ /b|^$/")
    assert isinstance(select, Select)
    assert select.condition is not None
    assert condition_sql(select.condition, TABLE, Parameters(), values) == ALWAYS
