"""Whatever is sent as a query: it is read, or refused with a ParseError, in time that grows with its length."""

# ruff: noqa: S608 - InfluxQL of our own making, for the parser alone

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from influxql.errors import ParseError
from influxql.parser import parse
from influxql.printer import print_statements
from influxql.tokens import KEYWORDS
from tests.differential.queries import Queries
from tests.differential.schema import make_schema

DEPTH = 20_000
SIGNS = "'\"/();,.$:=!<>~-+*%&|^\\ \n\r\t\0µπ0.1e9_aä☃\U0001f600\ud800"
WORDS = st.sampled_from([*sorted(KEYWORDS), "time(", "fill(", "tz(", "now()", "1h", "--", "/*", "*/", "=~", "::", "$x"])
NESTED = (
    ("SELECT " + "(" * DEPTH + "f" + ")" * DEPTH + " FROM m"),
    ("SELECT " + "(" * DEPTH),
    ("SELECT " + " -(" * DEPTH + "f"),
    ("SELECT " + "abs(" * DEPTH + "f" + ")" * DEPTH + " FROM m"),
    ("SELECT f FROM m WHERE " + "(" * DEPTH + "f = 1" + ")" * DEPTH),
    ("SELECT f FROM " + "(SELECT f FROM " * DEPTH + "m" + ")" * DEPTH),
    ("SELECT f FROM m GROUP BY " + "time(" * DEPTH),
)
LONG = (
    ("SELECT f FROM m WHERE " + " OR ".join(["f = 1"] * DEPTH)),
    ("SELECT " + " + ".join(["f"] * DEPTH) + " FROM m"),
    ("SELECT " + ", ".join(["f"] * DEPTH) + " FROM m"),
    ("SELECT f FROM " + ", ".join(["m"] * DEPTH)),
    ("SELECT f FROM m" + " -- x\n" * DEPTH),
    ("SELECT f FROM m WHERE f = /* x */" + " /* x */" * DEPTH + " 1"),
    ("SELECT f FROM m;" * DEPTH),
    ("SELECT " + "9" * DEPTH + " * f FROM m"),
    ("SELECT f FROM m LIMIT " + "9" * DEPTH),
    ("SELECT f FROM m WHERE time > " + "1h" * DEPTH),
    ("SELECT f FROM m WHERE time > " + "9" * DEPTH + "s"),
    ("SELECT 0." + "1" * DEPTH + " * f FROM m"),
    ("SELECT f FROM m WHERE h = '" + "\\'" * DEPTH + "'"),
    ("SELECT f FROM m WHERE h =~ /" + "a?" * DEPTH + "/"),
    ("SELECT " + ".".join(["a"] * DEPTH) + " FROM m"),
    ("KILL QUERY " + "9" * DEPTH),
    ("SELECT f FROM m WHERE h = '" + "x" * DEPTH),
    ("/*" * DEPTH),
)


def refused(text: str) -> bool:
    """Whether the text is no InfluxQL. Any other error goes through."""
    try:
        parse(text, {"x": "y"})
    except ParseError:
        return True
    return False


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60))
def test_no_bytes_are_anything_but_read_or_refused(body: bytes) -> None:
    """Bytes as `/query` hands them on: those that are no UTF-8 stand for themselves."""
    refused(body.decode("utf-8", "surrogateescape"))
    refused("SELECT f FROM m WHERE " + body.decode("utf-8", "replace"))


@settings(max_examples=300, deadline=None)
@given(st.lists(st.one_of(WORDS, st.text(SIGNS, max_size=3)), max_size=25), st.sampled_from([" ", ""]))
def test_no_words_are_anything_but_read_or_refused(words: list[str], between: str) -> None:
    """Words and signs of the language in any order; what is read is printed and read again as the same."""
    text = between.join(words)
    if not refused(text):
        tree = parse(text, {"x": "y"})
        assert parse(print_statements(tree), {"x": "y"}) == tree


def test_no_mutation_is_anything_but_read_or_refused() -> None:
    """Queries with a few signs changed: most are refused, none ends in another error."""
    random = Random(11)  # noqa: S311 - the same texts every time
    queries = Queries(make_schema(random), random)
    assert sum(refused(queries.break_one()) for _ in range(1_500)) > 500


@pytest.mark.parametrize("text", NESTED, ids=lambda text: text[:24])
def test_what_nests_without_end_is_refused(text: str) -> None:
    """However deep, it is the text that is at fault, not the process."""
    assert refused(text)


@pytest.mark.parametrize("text", LONG, ids=lambda text: text[:34])
def test_what_is_long_is_read_or_refused(text: str) -> None:
    """Long, not deep: a reader whose work grew with the square of the length would meet the time-out of the tests."""
    refused(text)
