import math
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from foundation.line_protocol.parse import parse_line
from tocsin_instrument.line import Value, head, line

NAMES = st.sampled_from(["m", "a b", "a,b", "a=b", 'a"b', "größe", "日本", "a\\b"])
TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
VALUES: st.SearchStrategy[Value] = st.one_of(st.booleans(), st.integers(), st.floats(), TEXTS)
AT = 1_700_000_000_000_000_000


def cleaned(text: str) -> str:
    for sign in ("\r\n", "\n\r", "\n", "\r", "\0"):
        text = text.replace(sign, "\n")
    while "\n\n" in text:
        text = text.replace("\n\n", "\n")
    return text.replace("\n", " ")


@given(NAMES, st.dictionaries(NAMES, TEXTS, max_size=3), st.dictionaries(NAMES, VALUES, min_size=1, max_size=3))
@example("m", {"a": "\\", "b": "c\\,d\\"}, {"f": 'g\\"\n'})
@example("m", {"a": " "}, {"f": "\\"})
def test_whatever_values_come_in_one_line_comes_out_that_the_collector_reads(
    measurement: str, tags: dict[str, str], fields: dict[str, Value]
) -> None:
    """Tags and texts of any content come back as they were, but for breaks and a tag's last backslashes."""
    finite = {name: value for name, value in fields.items() if not isinstance(value, float) or math.isfinite(value)}
    if not finite:
        with pytest.raises(ValueError, match="finite"):
            line(head(measurement, tags), fields, AT)
        return
    read = parse_line(line(head(measurement, tags), fields, AT))
    kept = {name: cleaned(text).rstrip("\\") for name, text in tags.items()}
    assert (read.measurement, read.time_ns) == (measurement, AT)
    assert dict(read.tags) == {name: text for name, text in kept.items() if text}
    for name, value in read.fields:
        given_value = finite[name]
        if isinstance(given_value, str):
            assert value == cleaned(given_value)
        else:
            assert value == pytest.approx(given_value)
            assert isinstance(value, bool) == isinstance(given_value, bool)


@pytest.mark.parametrize("value", [2**63, -(2**63) - 1])
def test_an_integer_beyond_64_bits_becomes_a_float(value: int) -> None:
    """It would be refused otherwise."""
    assert parse_line(line("m", {"f": value}, AT)).fields == (("f", float(value)),)


def test_a_point_needs_names() -> None:
    """An empty name is an error that says so, not a broken line."""
    with pytest.raises(ValueError, match="needs a name"):
        head("", {})
    with pytest.raises(ValueError, match="needs a name"):
        line("m", {"\\": 1}, AT)


def test_numbers_of_other_kinds_are_floats_and_nothing_is_left_out() -> None:
    """What a database gives, such as a Decimal or no value; a tag may be any text that can be made."""
    fields = {"a": Decimal("9.50"), "b": Fraction(1, 4), "c": None, "d": Decimal("NaN"), "e": 1}
    read = parse_line(line(head("m", {"number": 7, "none": None}), fields, AT))
    assert read.fields == (("a", 9.5), ("b", 0.25), ("e", 1))
    assert read.tags == (("number", "7"),)


def test_what_is_no_value_is_an_error_that_names_the_field() -> None:
    """It would else be refused by the collector, and nobody would know why."""
    wrong: Any = {"when": object()}
    with pytest.raises(ValueError, match="field 'when': expected a number, a bool or text, found object"):
        line("m", wrong, AT)
