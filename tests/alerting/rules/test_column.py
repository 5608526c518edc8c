"""A column is the mapping that a dict of the same would be."""

from hypothesis import given
from hypothesis import strategies as st

from alerting.rules.column import Column, Series, side_by_side
from alerting.rules.recipe import Combination, Recipe
from tests.alerting.rules.test_folding import a_part

SERIES = Series(tuple((("host", name),) for name in "abc"))
NUMBERS = st.sampled_from((0.0, 1.5, -2.0, float("inf"), float("-inf")))
VALUES = st.tuples(*[NUMBERS | st.none() | st.just(float("nan"))] * 3)


@given(VALUES)
def test_a_column_where_each_series_has_a_number(values: tuple[float | None, ...]):
    """Else, and where infinities have no order, it is a dict; it reads the same."""
    found, same = side_by_side(SERIES, values), dict(zip(SERIES.labels, values, strict=True))
    assert (str(dict(found)), len(found)) == (str(same), 3)
    if isinstance(found, Column):
        assert all(value is not None and value == value for value in values)  # noqa: PLR0124 - NaN is no value
        assert found == same


def test_what_is_not_there_is_not_found():
    """A column answers for its own series alone."""
    column = Column(SERIES, [1.0, 2.0, 3.0])
    assert column.get((("host", "z"),)) is None
    assert (("host", "a"),) in column


@given(st.tuples(NUMBERS, NUMBERS, NUMBERS), st.tuples(NUMBERS, NUMBERS, NUMBERS), st.sampled_from(Combination))
def test_two_columns_combine_as_two_dicts_do(first: tuple[float, ...], second: tuple[float, ...], how: Combination):
    """Number by number, a zero below the line and what is no number as ever."""
    parts = [a_part(f"SELECT {call}(v) FROM m GROUP BY host") for call in ("count", "sum")]  # noqa: S608 - our own words
    recipe = Recipe(parts[0], parts[1], combination=how)
    columns = [side_by_side(SERIES, numbers) for numbers in (first, second)]
    assert str(dict(recipe.combine(columns))) == str(recipe.combine([dict(column) for column in columns]))
