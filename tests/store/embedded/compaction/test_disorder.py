"""Which row groups are worth putting in order, and that putting them in order comes to an end."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.embedded.compaction.disorder import MOST_ACROSS, Group, choose, choose_mixed, most_across

ROWS = 100


def groups_of(*spans: tuple[int, int]) -> list[Group]:
    """Full groups with these first and last times, one behind the other."""
    return [Group(place * ROWS, ROWS, first, last) for place, (first, last) in enumerate(spans)]


def merge(groups: list[Group], chosen: tuple[Group, ...]) -> list[Group]:
    """What a move makes of them: as many groups side by side, at the end."""
    first, last = min(one.first_ns for one in chosen), max(one.last_ns for one in chosen)
    edges = [first + (last - first) * share // len(chosen) for share in range(len(chosen) + 1)]
    end = max(one.stop for one in groups)
    fresh = [Group(end + place * ROWS, ROWS, *span) for place, span in enumerate(pairwise(edges))]
    return [one for one in groups if one not in chosen] + fresh


def test_groups_in_order_stay() -> None:
    """Neighbours that touch, or overlap by a little, are as good as it gets."""
    assert most_across([]) == ()
    assert len(most_across(groups_of(*((n, n + 1) for n in range(50))))) == 1
    assert choose(groups_of(*((10 * n, 10 * n + 14) for n in range(50))), 8 * ROWS) == ()


def test_points_of_one_moment_stay() -> None:
    """However many groups have one single time, none of them can stand better."""
    assert choose(groups_of(*[(5, 5)] * 50), 8 * ROWS) == ()


def test_the_widest_groups_are_merged() -> None:
    """Of those across the moment most lie across, as many as a move may have; in order of their rows."""
    narrow = [(10 * n, 10 * n + 10) for n in range(20)]
    groups = groups_of(*narrow, (0, 50), (0, 200), (0, 199), (0, 198), (0, 197))
    assert choose(groups, 4 * ROWS, begun=True) == tuple(groups[-4:])
    assert len(choose(groups, 100 * ROWS, begun=True)) == 6
    assert choose(groups, ROWS, begun=True) == ()


@given(st.lists(st.tuples(st.integers(0, 1_000), st.integers(0, 1_000)).map(lambda one: (min(one), max(one)))))
def test_it_comes_to_an_end(spans: list[tuple[int, int]]) -> None:
    """Whatever the groups, some moves leave no more than the most across any moment, and then it rests."""
    groups = groups_of(*spans)
    for _ in range(4 * len(groups) + 1):
        chosen = choose(groups, 8 * ROWS, begun=True)
        if not chosen:
            break
        groups = merge(groups, chosen)
    assert len(most_across(groups)) <= MOST_ACROSS
    assert choose(groups, 8 * ROWS) == ()


def test_more_may_lie_across_a_moment_where_there_are_more() -> None:
    """Seven of forty do not begin it, eight do; then it goes on until four are left."""
    narrow = [(10 * n, 10 * n + 10) for n in range(33)]
    seven = groups_of(*narrow, *[(0, 330)] * 6)
    assert choose(seven, 8 * ROWS) == ()
    assert len(choose(groups_of(*narrow, *[(0, 330)] * 7), 8 * ROWS)) == 8
    assert len(choose(seven, 8 * ROWS, begun=True)) == 7


@pytest.mark.parametrize(("reach", "most"), [(200, 10), (20, 2.5)])
def test_a_row_moves_seldom(reach: int, most: float) -> None:
    """Group after group comes, each for the time of all before it or of the last twenty: moves stay few."""
    groups: list[Group] = []
    moved = 0
    for number in range(200):
        end = max((one.stop for one in groups), default=0)
        groups.append(Group(end, ROWS, max(0, number - reach) * 1_000 + number % 7, (number + 1) * 1_000))
        begun = False
        while chosen := choose(groups, 8 * ROWS, begun=begun):
            groups, begun = merge(groups, chosen), True
            moved += len(chosen)
    assert moved < 200 * most


def test_mixed_groups_behind_each_other_are_moved() -> None:
    """Four of them begin it, two go on with it; no more rows than a move may have, and none across another group."""
    groups = groups_of(*((10 * n, 10 * n + 9) for n in range(10)))
    assert choose_mixed(groups, groups, 8 * ROWS) == tuple(groups[:8])
    assert choose_mixed(groups, groups[:3], 8 * ROWS) == ()
    assert choose_mixed(groups, groups[:2], 8 * ROWS, begun=True) == tuple(groups[:2])
    assert choose_mixed(groups, groups[:1], 8 * ROWS, begun=True) == ()
    assert choose_mixed(groups, {*groups[:3], *groups[5:9]}, 8 * ROWS) == tuple(groups[5:9])
    assert choose_mixed(groups, (), 8 * ROWS, begun=True) == ()


def test_mixed_groups_in_order_of_their_rows() -> None:
    """Neighbours are told by their time, wherever their rows stand."""
    spans = [(70, 79), (0, 9), (50, 59), (10, 19), (60, 69)]
    groups = groups_of(*spans)
    assert choose_mixed(groups, [groups[0], groups[2], groups[4]], 8 * ROWS, begun=True) == (
        groups[0],
        groups[2],
        groups[4],
    )


def test_what_is_less_than_a_group_waits() -> None:
    """Two that are not full would be put behind the newest rows, and be mixed with those that come next."""
    small = [Group(0, ROWS // 3, 0, 9), Group(ROWS, ROWS // 3, 10, 19), Group(2 * ROWS, ROWS, 30, 39)]
    assert choose_mixed(small, small[:2], 8 * ROWS, begun=True) == ()
    assert choose_mixed(small, small, 8 * ROWS, begun=True) == tuple(small)
