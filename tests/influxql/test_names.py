"""Column names of an answer."""

import pytest

from influxql.names import name_columns
from tests.influxql.queries import select


@pytest.mark.parametrize(
    ("fields", "names"),
    [
        ("f, f, f", ("f", "f_1", "f_2")),
        ("max(f) - min(f), mean(f) * 2, 2 * mean(f)", ("max_min", "mean", "mean_1")),
        ("f * 2, f + i, f AS f", ("f_1", "f_i", "f")),
        ("f AS f_1, f, f", ("f_1", "f", "f_2")),
        ("(a + b) / count(c)", ("a_b_count",)),
        ("(f)", ("f",)),
    ],
)
def test_names(fields: str, names: tuple[str, ...]) -> None:
    """Functions and references give the name, repeated names get a number, aliases go first."""
    assert name_columns(select(fields).fields) == names
