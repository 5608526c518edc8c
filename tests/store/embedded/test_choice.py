"""Which series a condition means, told in memory: what SQL says of them, and no less is left to SQL than it must."""

import duckdb
import pytest

from foundation.batch import FieldType
from influxql.ast import Select
from influxql.conditions import split_condition
from influxql.parser import parse
from influxql.translate.parameters import Parameters
from influxql.translate.predicate import condition_sql
from store.embedded.choice import Choice, choose, choose_series
from store.embedded.index import Known
from store.embedded.schema import Column, Table

TABLE = Table(
    "m",
    "m1",
    (
        Column("h", "tag", None, "t1"),
        Column("s", "tag", None, "t2"),
        Column("both", "tag", None, "t3"),
        Column("both", "field", FieldType.FLOAT, "f1"),
        Column("v", "field", FieldType.FLOAT, "f2"),
    ),
    1,
)
SERIES = (("a", "x"), ("b", "x"), (None, "y"), ("a", None, "q"), ())
KNOWN = Known(3, SERIES, (10, 11, 12, 15, 16))


def condition(text: str):
    (select,) = parse(f"SELECT v FROM m WHERE {text}")  # noqa: S608 - InfluxQL
    assert isinstance(select, Select)
    return split_condition(select.condition, 0)[0]


@pytest.mark.parametrize(
    "text",
    [
        *(f"h {op} '{value}'" for op in ("=", "!=", "<", "<=", ">", ">=") for value in ("a", "none", "")),
        *(f"{key} {op} /{regex}/" for key in ("h", "gone") for op in ("=~", "!~") for regex in ("^a$", "^$", ".*")),
        "gone = ''",
        "gone != ''",
        "gone = 'a'",
        "(h = 'a' OR s = 'y') AND s != 'x'",
        "h = 'a' AND (s = 'x' OR false)",
        "h::tag = 'a' AND true",
        "both::tag = 'q'",
        "'a' = h AND h = s",
        "h = 1 OR h = 'a'",
    ],
)
def test_the_series_are_those_that_sql_finds(text: str):
    """A tag that is not there is the empty text, whatever compares, and what memory does not tell is left over."""
    expr = condition(text)
    mask, rest = choose_series(expr, TABLE, KNOWN)
    connection = duckdb.connect()
    connection.register("known", KNOWN.arrow)

    def found(wish: str, parameters: Parameters) -> set[int]:
        sql = f"SELECT number FROM (SELECT *, 1.0 AS f1, 1.0 AS f2 FROM known) WHERE {wish}"  # noqa: S608 - our own
        return {row[0] for row in connection.execute(sql, parameters.within(sql)).fetchall()}

    whole, left = Parameters(), Parameters()
    expected = found(condition_sql(expr, TABLE, whole), whole)
    chosen = set(range(len(SERIES))) if mask is None else set(mask.nonzero()[0].tolist())
    if rest is not None:
        chosen &= found(condition_sql(rest, TABLE, left), left)
    assert chosen == expected


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("h = 'a' AND v > 1", "v > 1"),
        ("(v > 1 AND (h = 'a' AND v < 9))", "(v > 1 AND (v < 9))"),
        ("h = 'a' OR v > 1", "h = 'a' OR v > 1"),
        ("both = 1 AND both::tag = 'q'", "both = 1"),
        ("h = s", "h = s"),
    ],
)
def test_only_points_tell_of_fields(text: str, left: str):
    """What names a field, or compares tags with each other, is for SQL."""
    assert choose_series(condition(text), TABLE, KNOWN)[1] == condition(left)


@pytest.mark.parametrize(
    ("text", "dimensions", "choice"),
    [
        ("h = 'a'", (), Choice((10, 15), None)),
        ("h = 'a'", ("h",), Choice((10, 15), None, ("a",))),
        ("h = 'a'", ("h", "s", "gone"), Choice((10, 15), None, (), {10: ("a", "x", ""), 15: ("a", "", "")})),
        ("h = 'none'", ("h",), Choice((), None, ("",))),
        ("h =~ /.*/", ("gone",), Choice(None, None, ("",))),
        ("h != 'none'", ("s",), None),
        ("s = 'x' OR s = 'y'", ("s",), None),
    ],
)
def test_groups_are_told_by_numbers_where_each_series_is_one(
    text: str, dimensions: tuple[str, ...], choice: Choice | None
):
    """All in one group, or each in its own; where several share one of many, their tags are joined."""
    assert choose(condition(text), dimensions, TABLE, KNOWN) == choice


def test_nobody_chooses_where_numbers_are_not_known():
    """A reader whose table has fewer tags than the newest cannot tell which number is which series."""
    assert choose(condition("h = 'a'"), (), TABLE, Known(3, SERIES)) is None


def test_many_series_are_not_listed():
    """A list of more than a few numbers costs more than joining the tags."""
    many = Known(1, tuple((str(number),) for number in range(20)), tuple(range(20)))
    table = Table("m", "m1", TABLE.columns[:1], 1)
    assert choose(condition("h =~ /1./"), (), table, many) is None
    every = choose(condition("h =~ /./"), ("h",), table, many)
    assert every is not None
    assert every.numbers is None
    assert every.groups == {number: (str(number),) for number in range(20)}
