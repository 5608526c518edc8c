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
    "time >= {}ms and time <= {}ms",
    "time >= {}ms AND h = 'time <= {}ms ' AND time < {}",
    "(time > {} OR time > {}ms) AND mytime <= {}ms ",
]
SELECTS = [
    "SELECT mean(v) FROM m WHERE {}",
    "SELECT mean(v) FROM m WHERE {} GROUP BY time(10s), h; SELECT max(v) FROM m WHERE {}",
    "SELECT max(x) FROM (SELECT mean(v) AS x FROM m WHERE {}) WHERE {}",
    "SELECT max(x) FROM (SELECT mean(v) AS x FROM m WHERE {}), k, (SELECT x FROM (SELECT x FROM n WHERE {}))",
    "DELETE FROM m WHERE {}",
    "SHOW TAG KEYS FROM m WHERE {}",
    "SELECT v FROM m WHERE {} -- time > {}",
]
NUMBERS = st.integers(0, 2**63 + 5) | st.integers(10**9, 10**13)


@given(
    shape=st.tuples(st.sampled_from(SELECTS), st.sampled_from(WHERE)),
    bounds=st.lists(st.lists(NUMBERS, min_size=4, max_size=4), min_size=2, max_size=3),
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


@pytest.mark.parametrize("mark", ["8070605040302010000", "134510084m302ms"])
def test_a_bound_that_looks_like_one_of_our_own_is_none_of_them(mark: str):
    """Whatever a text holds itself, only what differs between two parses of ours is taken for a bound."""
    texts = StandingTexts()
    for name in (1_700_000_000, 1_700_000_001):
        for unit in ("", "ms"):
            text = f"SELECT v FROM m WHERE \"time > {name}{unit} \" = 'x' AND time <= {mark}"  # noqa: S608 - InfluxQL
            assert texts.parse(text) == parse(text)


@pytest.mark.parametrize(
    ("text", "bounds"),
    [
        ("SELECT v FROM m WHERE h = 'a' AND time > {}", ["1700000000000000000", "1700000001000000000"]),
        (
            "SELECT mean(v) FROM m WHERE time >= {0}ms and time <= {0}ms AND h =~ /^a$/ GROUP BY time(10s), h",
            ["1700000000000", "1700000001000"],
        ),
        (
            (
                "SELECT max(x) FROM (SELECT x FROM m WHERE h = 'a' AND time >= {0}ms GROUP BY h), (SELECT x FROM "
                "(SELECT x FROM n WHERE time < {0}ms) WHERE time > 1700000000000000000) WHERE time <= {0}ms"
            ),
            ["1700000000000", "1700000001000"],
        ),
    ],
)
def test_a_known_text_is_not_parsed_again(monkeypatch: pytest.MonkeyPatch, text: str, bounds: list[str]):
    """What differs in its bounds alone costs no parsing once it came twice."""
    texts = StandingTexts()
    expected = [parse(text.format(bound)) for bound in bounds]
    first = texts.parse(text.format(bounds[0]))
    before = texts.parse(text.format(bounds[0]))
    assert first == before
    monkeypatch.setattr("influxql.standing.parse", None)
    after = texts.parse(text.format(bounds[1]))
    assert [before, after] == expected
    assert before != after


def test_what_comes_once_is_parsed_once(monkeypatch: pytest.MonkeyPatch):
    """Nobody knows yet whether it will come again."""
    parsed = []
    monkeypatch.setattr("influxql.standing.parse", lambda text: parsed.append(text) or parse(text))
    texts, text = StandingTexts(), "SELECT v FROM m WHERE time > 1700000000000000000"
    assert texts.parse(text) == parse(text)
    assert parsed == [text]


def test_a_text_without_bounds_is_not_parsed_again(monkeypatch: pytest.MonkeyPatch):
    """What a drop-down asks has none."""
    texts, text = StandingTexts(), "SHOW TAG VALUES FROM m WITH KEY = h WHERE s =~ /^.*$/"
    before = texts.parse(text)
    monkeypatch.setattr("influxql.standing.parse", None)
    assert texts.parse(text) == before
