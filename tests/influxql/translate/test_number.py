"""What a condition compares as a number, asked of DuckDB: answers as influxd 2.9.1's."""

import duckdb
import pytest

from foundation.batch import FieldType
from influxql.conditions import split_condition
from influxql.translate.parameters import Parameters
from influxql.translate.predicate import condition_sql
from store.embedded.schema import Column, Table
from tests.influxql.queries import select

TABLE = Table(
    "m",
    "m1",
    (
        Column("f", "field", FieldType.FLOAT, "c1"),
        Column("i", "field", FieldType.INTEGER, "c2"),
        Column("u", "field", FieldType.UNSIGNED, "c3"),
        Column("g", "field", FieldType.FLOAT, "c5"),
        Column("s", "field", FieldType.STRING, "c4"),
        Column("h", "tag", None, "t1"),
    ),
)


@pytest.fixture(scope="module")
def connection() -> duckdb.DuckDBPyConnection:
    made = duckdb.connect()
    made.execute("CREATE TABLE m1 (c1 DOUBLE, c2 BIGINT, c3 UBIGINT, c4 VARCHAR, c5 DOUBLE, t1 VARCHAR)")
    made.execute("INSERT INTO m1 VALUES (-4.5, -7, 3, 'x', NULL, 'a')")
    return made


@pytest.mark.parametrize(
    ("condition", "is_true"),
    [
        ("abs(f) = 4.5", True),
        ("abs(i) = 7", True),
        ("round(f) = -5", True),
        ("floor(f) = -5 AND ceil(f) = -4", True),
        ("pow(f, 2) = 20.25", True),
        ("atan2(f, 0) < 0 AND atan(f) < 0 AND exp(f) < 1", True),
        ("sin(f) > 0 AND cos(f) < 0 AND tan(f) < 0", True),
        ("sqrt(f) > 0 OR sqrt(f) <= 0 OR sqrt(f) = sqrt(f)", False),
        ("sqrt(f) != 1", True),
        ("asin(f) != 0 AND acos(f) != 0", True),
        ("ln(f) < 0 OR log2(f) < 0 OR log10(f) < 0", False),
        ("ln(f + 4.5) < -1000000", True),
        ("log(f) < 0 OR log(f) >= 0", False),
        ("sqrt(g) != 1 OR ln(g) != 1 OR sin(g) != 1 OR asin(g) != 1 OR abs(g) != 1 OR g % 0 != 1", False),
        ("s = s AND s::field = s", True),
        ("s != s OR s < s OR s = f OR s::float = s", False),
        ("nosuch = nosuch OR h = nosuch OR nosuch != h", False),
        ("h = h", True),
        ("f * 2 OR i - 1 OR -f", False),
        ("f % 0 != 1", True),
        ("f % 0 = 1", False),
        ("abs(s) != 1", False),
        ("abs(h) != 1", False),
        ("abs(nosuch) != 1", False),
        ("f < 1s OR f != 1s", False),
        ("s::float = 1 OR h::field = 'a' OR h::field =~ /a/", False),
        ("i / 2 = -3", True),
        ("i % 4 = -3", True),
        ("i / 0 = 0 AND i % 0 = 0 AND u / 0 = 0 AND f / 0 = 0", True),
        ("u - 5 = 18446744073709551614", True),
        ("i + u > 0", True),
        ("u * 18446744073709551615 > 10", True),
        ("u * u * u * u * u * u * u * u * u = 19683", True),
        ("i * 9223372036854775807 = -9223372036854775801", True),
        ("i - 9223372036854775807 > 0", True),
        ("(u & 2 = 2) AND (u | 4 = 7) AND (u ^ 1 = 2)", True),
        ("f & 1 = 0 OR f | 1 = 1", False),
    ],
)
def test_conditions(connection: duckdb.DuckDBPyConnection, condition: str, is_true: bool) -> None:
    """Math functions, what is no number, whole division, words of 64 bits."""
    rest, _ = split_condition(select("f", f"WHERE {condition}").condition, 0)
    assert rest is not None
    parameters = Parameters()
    where = condition_sql(rest, TABLE, parameters)
    used = {name: value for name, value in parameters.values.items() if f"${name}" in where}
    found = connection.execute(f"SELECT 1 FROM m1 WHERE {where}", used).fetchall()  # noqa: S608 - SQL of ours
    assert bool(found) is is_true
