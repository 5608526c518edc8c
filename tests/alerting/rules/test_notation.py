"""promtool's notation."""

import pytest

from alerting.rules.notation import read_samples


@pytest.mark.parametrize(
    ("text", "samples"),
    [
        ("-2+4x3", (-2, 2, 6, 10)),
        (" 1-2x4", (1, -1, -3, -5, -7)),
        (" 1x4", (1, 1, 1, 1, 1)),
        ("1 _x3 stale", (1, None, None, None, "stale")),
        ("_", (None,)),
        ("_x0", ()),
        ("0.5+0.25x1 1e3", (0.5, 0.75, 1000)),
        ("-1.5", (-1.5,)),
        ("", ()),
    ],
)
def test_reads(text: str, samples: tuple[object, ...]):
    """The examples of promtool's documentation, and the corners."""
    assert read_samples(text) == samples


@pytest.mark.parametrize("text", ["1+x3", "x3", "1+2", "a", "1x", "_+1x2", "1,2", "NaN", "1x-3", "1e999"])
def test_refuses(text: str):
    """What is no item of the notation is refused by name."""
    with pytest.raises(ValueError, match="values: "):
        read_samples(f"1 {text}")


@pytest.mark.parametrize("text", ["1x1000000000", "_x1000000000"])
def test_has_a_limit(text: str):
    """A slip of the finger does not fill the memory."""
    with pytest.raises(ValueError, match="more than 100000 samples"):
        read_samples(text)
