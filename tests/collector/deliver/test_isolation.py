"""Halving a refused body down to its bad lines."""

from hypothesis import given
from hypothesis import strategies as st

from collector.deliver.isolation import Isolation
from foundation.batch import Refused


def search(lines: list[bytes], bad: set[int]) -> tuple[list[bytes], list[Refused], int]:
    """Run the search against a store that refuses a piece holding a bad line: what it stored, what was found, tries."""
    stored: list[bytes] = []
    tries = 0
    isolation = Isolation(lines, "bad")
    while (piece := isolation.piece()) is not None:
        tries += 1
        if any(int(line) in bad for line in piece):
            isolation.refused("bad")
        else:
            stored += piece
            isolation.stored()
    return stored, isolation.bad, tries


@given(count=st.integers(1, 200), data=st.data())
def test_exactly_the_bad_lines_are_left_and_order_is_kept(count: int, data: st.DataObject):
    """Whatever lines are bad, all others are stored in their order and the bad ones are named with their numbers."""
    bad = data.draw(st.sets(st.integers(0, count - 1), min_size=1))
    lines = [b"%d" % number for number in range(count)]

    stored, found, _ = search(lines, bad)

    assert stored == [line for line in lines if int(line) not in bad]
    assert found == [Refused(b"%d" % number, "bad", number + 1) for number in sorted(bad)]


def test_one_bad_line_of_many_costs_few_tries():
    """One bad line of 4 096 is found with two tries for each halving: 24."""
    _, found, tries = search([b"%d" % number for number in range(4096)], {1234})

    assert [one.number for one in found] == [1235]
    assert tries == 24


def test_the_last_piece_knows_that_it_is_the_last():
    """Only the piece behind which nothing is left may carry the position behind the whole parcel."""
    isolation = Isolation([b"0", b"1"], "bad")

    assert not isolation.last
    isolation.stored()
    assert isolation.last
    isolation.stored()
    assert isolation.piece() is None
