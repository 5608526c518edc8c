"""`$name`: values reach the tree as values, whatever they hold."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from influxql.ast import Binary, IntegerLiteral, RegexLiteral, Select, StringLiteral, VarRef
from influxql.errors import ParseError
from influxql.parser import parse
from influxql.printer import print_statements


def bound(text: str, **values: object) -> str:
    """The text that says the same without parameters."""
    return print_statements(parse(text, values))


@pytest.mark.parametrize(
    ("text", "value", "same"),
    [
        ("SELECT v FROM g WHERE h = $x", "it's", "SELECT v FROM g WHERE h = 'it\\'s'"),
        ("SELECT v FROM g WHERE v > $x", 15, "SELECT v FROM g WHERE v > 15"),
        ("SELECT v FROM g WHERE v > $x", -15, "SELECT v FROM g WHERE v > -15"),
        ("SELECT v FROM g WHERE v > $x", 1.5e-3, "SELECT v FROM g WHERE v > 0.0015"),
        ("SELECT v FROM g WHERE b = $x", True, "SELECT v FROM g WHERE b = true"),
        ("SELECT v FROM g WHERE h =~ $x", {"regex": "a/b"}, "SELECT v FROM g WHERE h =~ /a\\/b/"),
        ("SELECT $x FROM g", {"identifier": "a b"}, 'SELECT "a b" FROM g'),
        ("SELECT v FROM $x", {"regex": "^h"}, "SELECT v FROM /^h/"),
        ("SELECT v FROM g WHERE time > now() - $x", {"duration": "5m"}, "SELECT v FROM g WHERE time > now() - 5m"),
        ("SELECT v FROM g WHERE time > $x", {"duration": 15_000_000_000}, "SELECT v FROM g WHERE time > 15s"),
        ("SELECT v FROM g WHERE v > $x", {"float": 2}, "SELECT v FROM g WHERE v > 2.0"),
        ("SELECT v FROM g WHERE v > $x", {"integer": 2}, "SELECT v FROM g WHERE v > 2"),
        ("SELECT v FROM g LIMIT $x", 3, "SELECT v FROM g LIMIT 3"),
        ("DELETE FROM $x", {"identifier": "g"}, "DELETE FROM g"),
    ],
)
def test_each_kind_of_value(text: str, value: object, same: str) -> None:
    """A parameter may be any literal or a name, in every place that takes one."""
    assert bound(text, x=value) == same


def test_names_of_parameters() -> None:
    """A parameter's name may be a keyword, or anything in double quotes; a text may use it twice."""
    assert parse('SELECT v FROM g WHERE h = $select AND h != $"a b"', {"select": "x", "a b": "y"}) == parse(
        "SELECT v FROM g WHERE h = 'x' AND h != 'y'"
    )


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_string_stays_a_string(text: str) -> None:
    """Whatever a bound string holds, it is one string in the tree."""
    (select,) = parse("SELECT v FROM g WHERE h = $x", {"x": text})
    assert isinstance(select, Select)
    assert select.condition == Binary("=", VarRef("h"), StringLiteral(text))


# Words as influxd 2.9.1 has them.
@pytest.mark.parametrize(
    ("text", "value", "message"),
    [
        ("SELECT v FROM g WHERE h = $y", 1, "missing parameter: y"),
        ("SELECT v FROM g WHERE h = $", 1, "empty bound parameter"),
        ("SELECT v FROM g WHERE h = $ x", 1, "empty bound parameter"),
        ("SELECT v FROM g WHERE h = $x", None, "missing parameter: unable to bind parameter with type <nil>"),
        ("SELECT v FROM g WHERE h = $x", [1], "missing parameter: unable to bind parameter with type []interface {}"),
        ("SELECT v FROM g WHERE h = $x", {"no": 1}, "missing parameter: unknown bind object type: no"),
        (
            "SELECT v FROM g WHERE h = $x",
            {"float": 1, "integer": 1},
            "missing parameter: bound object parameter value must have exactly one entry",
        ),
        (
            "SELECT v FROM g WHERE h = $x",
            {"integer": "1"},
            "missing parameter: integer literal must be an integer value",
        ),
        ("SELECT v FROM g WHERE h = $x", {"duration": "zz"}, "invalid duration"),
    ],
)
def test_what_cannot_be_bound(text: str, value: object, message: str) -> None:
    """A parameter without a fitting value is an error of the text."""
    with pytest.raises(ParseError) as caught:
        parse(text, {"x": value})
    assert str(caught.value) == message


def test_a_bound_value_is_no_syntax() -> None:
    """A keyword as a value is text; a number in the place of a name is an error at its place."""
    (select,) = parse("SELECT v FROM g WHERE v =~ $x AND v > $y", {"x": {"regex": "from"}, "y": 2})
    assert isinstance(select, Select)
    assert select.condition == Binary(
        "AND", Binary("=~", VarRef("v"), RegexLiteral("from")), Binary(">", VarRef("v"), IntegerLiteral(2))
    )
    with pytest.raises(ParseError, match="found 2, expected identifier at line 1, char 15"):
        parse("SELECT v FROM $y", {"y": 2})
