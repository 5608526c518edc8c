"""What waits is taken on in portions, in its order, and nothing for ever."""

from hypothesis import given
from hypothesis import strategies as st

from alerting.portion import portion


@given(st.lists(st.integers(0, 9), min_size=1), st.integers(1, 20))
def test_a_portion(waiting: list[int], most: int):
    """It is the longest beginning that is not too large, and what is too large by itself is taken by itself."""
    taken = portion(waiting, lambda size: size, most)
    assert [*taken] == waiting[: len(taken)]
    assert sum(taken) <= most or len(taken) == 1
    assert len(taken) == len(waiting) or sum(waiting[: len(taken) + 1]) > most
