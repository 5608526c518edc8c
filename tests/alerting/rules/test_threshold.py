"""Thresholds: what they read, which values reach them, how two lie to each other."""

import math

import pytest

from alerting.rules.threshold import Threshold, plain


@pytest.mark.parametrize(
    ("text", "value", "holds"),
    [
        ("> 300", 300.0, False),
        ("> 300", 300.5, True),
        (">= 300", 300.0, True),
        ("< 1", 1.0, False),
        ("<1", 0.0, True),
        ("<= -0.5", -0.5, True),
        ("== 0", 0.0, True),
        ("!= 0", 0.0, False),
        ("> 1e3", 1001.0, True),
        ("!= 0", math.nan, False),
        ("> 0", math.inf, True),
    ],
)
def test_holds(text: str, value: float, holds: bool):
    """Operators mean what they mean in Python; NaN reaches nothing, not even `!=`."""
    assert Threshold.parse(text).holds(value) is holds


@pytest.mark.parametrize("text", ["300", "=> 300", "> many", "> 3 0", "", ">", "> inf"])
def test_anything_else_is_refused(text: str):
    """What is no operator and number is refused with an example."""
    with pytest.raises(ValueError, match="as in"):
        Threshold.parse(text)


@pytest.mark.parametrize(
    ("one", "two", "overlaps", "within"),
    [
        ("> 300", "< 250", False, False),
        ("> 300", "<= 300", False, False),
        (">= 300", "<= 300", True, False),
        ("> 300", "< 301", True, False),
        ("> 800", "> 300", True, True),
        ("> 300", "> 800", True, False),
        (">= 300", "> 300", True, False),
        ("> 300", ">= 300", True, True),
        ("== 5", "> 4", True, True),
        ("== 5", "> 5", False, False),
        ("!= 5", "== 5", False, False),
        ("< -800", "< -300", True, True),
        ("> 1e12", "> 1", True, True),
        ("> 0.25", "< 0.25", False, False),
    ],
)
def test_how_two_lie(one: str, two: str, overlaps: bool, within: bool):
    """Two thresholds overlap when some value reaches both; one is within the other when all its values reach it."""
    first, second = Threshold.parse(one), Threshold.parse(two)
    assert first.overlaps(second) is overlaps
    assert second.overlaps(first) is overlaps
    assert first.within(second) is within


@pytest.mark.parametrize(
    ("number", "text"), [(300.0, "300"), (0.25, "0.25"), (-0.0, "0"), (912.5, "912.5"), (1e300, "1e+300"), (5, "5")]
)
def test_plain(number: float, text: str):
    """A number prints without a trailing `.0`, else as short as it reads back."""
    assert plain(number) == text


def test_text_of_a_threshold():
    """A threshold prints as people write it."""
    assert str(Threshold.parse(">300.0")) == "> 300"
