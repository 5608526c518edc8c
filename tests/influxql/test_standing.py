"""A text that is known but for its bounds means what parsing it says."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from influxql.errors import ParseError
from influxql.parser import parse
from influxql.standing import StandingTexts

WHERE = [
    "time > {} AND time <= {}",
    "(h = 'a' OR h = 'b') AND (time > {} AND time <= {})",
    "time >= {} AND h = 'time > {}'",
    "\"time > {} \" = 'x' AND time <= {}",
    "h =~ /time > {} / AND time <= {}",
    "time > {} /* time > {} */ AND h = 'a'",
    "time > {}s AND time < {}ms",
    "time > {} + {}",
    "mytime > {} AND time > {}",
    "time::field > {} AND time < {}",
    '"time" > {} AND time = {}',
]
SELECTS = [
    "SELECT mean(v) FROM m WHERE {}",
    "SELECT mean(v) FROM m WHERE {} GROUP BY time(10s), h; SELECT max(v) FROM m WHERE {}",
    "SELECT max(x) FROM (SELECT mean(v) AS x FROM m WHERE {}) WHERE {}",
    "DELETE FROM m WHERE {}",
    "SHOW TAG KEYS FROM m WHERE {}",
    "SELECT v FROM m WHERE {} -- time > {}",
]


@given(
    shape=st.tuples(st.sampled_from(SELECTS), st.sampled_from(WHERE)),
    bounds=st.lists(st.lists(st.integers(0, 2**63 + 5), min_size=4, max_size=4), min_size=2, max_size=3),
)
def test_the_tree_is_the_parser_s(shape: tuple[str, str], bounds: list[list[int]]):
    """Whatever stands where a bound might (strings, names, comments, subqueries), the tree is what parsing gives."""
    select, where = shape
    texts, one = StandingTexts(), select.replace("{}", where)
    for numbers in bounds:
        text = one
        for number in numbers:
            text = text.replace("{}", str(number), 1)
        text = text.replace("{}", "7")
        try:
            expected = parse(text)
        except ParseError:  # a duration beyond all
            continue
        assert texts.parse(text) == expected


def test_what_does_not_parse_is_told_each_time():
    """The error names the place in the text that was asked, not in one that was asked before."""
    texts = StandingTexts()
    for bound in (1_700_000_000_000_000_000, 1_700_000_000_000_000):
        text = f"SELECT v FROM m WHERE time > {bound} GROUP"  # noqa: S608 - InfluxQL
        with pytest.raises(ParseError) as error:
            parse(text)
        with pytest.raises(ParseError) as again:
            texts.parse(text)
        assert str(again.value) == str(error.value)


def test_a_known_text_is_not_parsed_again(monkeypatch: pytest.MonkeyPatch):
    """What differs in its bounds alone costs no parsing."""
    texts = StandingTexts()
    before = texts.parse("SELECT v FROM m WHERE h = 'a' AND time > 1700000000000000000")
    monkeypatch.setattr("influxql.standing.parse", None)
    after = texts.parse("SELECT v FROM m WHERE h = 'a' AND time > 1700000001000000000")
    assert before != after
    assert "1700000001000000000" in repr(after)
