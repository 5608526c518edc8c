"""Matchers, as Alertmanager reads and applies them."""

import pytest

from alerting.routing.matchers import Matcher, Operator, all_match, parse


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('severity="critical"', [("severity", "=", "critical")]),
        ("severity=critical", [("severity", "=", "critical")]),
        ("  severity  =  critical  ", [("severity", "=", "critical")]),
        ('team!="web"', [("team", "!=", "web")]),
        ('service=~"shop|cart"', [("service", "=~", "shop|cart")]),
        ('env!~"dev.*"', [("env", "!~", "dev.*")]),
        ('{a="1", b!="2"}', [("a", "=", "1"), ("b", "!=", "2")]),
        ('a="1",b="2",', [("a", "=", "1"), ("b", "=", "2")]),
        ('a="x,y"', [("a", "=", "x,y")]),
        (r'a="say \"hi\" \\ \n"', [("a", "=", 'say "hi" \\ \n')]),
        (r'a=~"\d+"', [("a", "=~", r"\d+")]),
        ('"odd name"="x"', [("odd name", "=", "x")]),
        ('a=""', [("a", "=", "")]),
        ("a=", [("a", "=", "")]),
        ("a=two words", [("a", "=", "two words")]),
    ],
)
def test_matchers_are_read(text: str, expected: list[tuple[str, str, str]]) -> None:
    """Alertmanager's forms: quoted or bare values, several with commas, braces or none."""
    assert [(found.name, found.operator.value, found.value) for found in parse(text)] == expected


@pytest.mark.parametrize("text", ["", "{}", "severity", '="x"', 'a="x', 'a=x"', '{a="1"', 'a="1" b="2"', 'a=="b"'])
def test_what_is_no_matcher_is_refused(text: str) -> None:
    """An error shows how a matcher is written."""
    with pytest.raises(ValueError, match='severity="critical"'):
        parse(text)


def test_bad_regular_expression_is_refused() -> None:
    """A regular expression that RE2 cannot read is an error when it is read, not when an alert comes."""
    with pytest.raises(ValueError, match="is not a regular expression"):
        parse('a=~"(b"')


@pytest.mark.parametrize(
    ("text", "labels", "expected"),
    [
        ('a="x"', {"a": "x"}, True),
        ('a="x"', {"a": "xy"}, False),
        ('a="x"', {}, False),
        ('a=""', {}, True),
        ('a!="x"', {}, True),
        ('a!=""', {}, False),
        ('a=~"x|y"', {"a": "y"}, True),
        ('a=~"x|y"', {"a": "xy"}, False),
        ('a=~"x"', {"a": "prefix"}, False),
        ('a=~"x.*"', {"a": "xyz"}, True),
        ('a=~".*"', {}, True),
        ('a=~".+"', {}, False),
        ('a!~"x.*"', {"a": "xyz"}, False),
        ('a!~"x"', {}, True),
    ],
)
def test_matchers_decide(text: str, labels: dict[str, str], *, expected: bool) -> None:
    """A missing label is an empty one, and a regular expression must match the whole value."""
    assert all_match(parse(text), labels) is expected


@pytest.mark.parametrize("value", ['say "hi"', "back\\slash", "new\nline", "", "plain"])
def test_a_matcher_prints_as_it_is_read(value: str) -> None:
    """What a matcher prints reads back as the same matcher."""
    matcher = Matcher("name", Operator.EQUAL, value)
    assert parse(str(matcher)) == (matcher,)
