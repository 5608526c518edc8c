"""Which settings differ, which of them wait for a restart, and what is in force meanwhile."""

from __future__ import annotations

from dataclasses import dataclass, field

from foundation.differences import FIXED, Difference, differences, in_force
from foundation.secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    quota: int = 10
    segment: int = field(default=2, metadata=FIXED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    quota: int = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    for_: str = "us"
    address: str = field(default="here", metadata=FIXED)
    tags: tuple[str, ...] = ()
    token: Secret | None = None
    disk: Disk = field(default_factory=Disk)
    cellar: Disk | Memory = field(default_factory=Disk, metadata=FIXED)


def test_equal_configurations_do_not_differ() -> None:
    """Equality is by value, so reading the same file again changes nothing."""
    assert differences(House(tags=("a",), token=Secret("t")), House(tags=("a",), token=Secret("t"))) == ()


def test_every_difference_is_named_by_its_keys_in_the_file() -> None:
    """The path of a setting is what a person looks for in the file; a lone value is named as a whole."""
    after = House(for_="them", tags=("a",), disk=Disk(quota=11))

    assert differences(House(), after) == (
        Difference("for", fixed=False),
        Difference("tags", fixed=False),
        Difference("disk.quota", fixed=False),
    )


def test_what_is_fixed_is_told_apart_at_any_depth() -> None:
    """A mark on a field holds for it and for everything below it."""
    after = House(address="there", disk=Disk(segment=3), cellar=Disk(quota=11))

    assert differences(House(), after) == (
        Difference("address", fixed=True),
        Difference("disk.segment", fixed=True),
        Difference("cellar.quota", fixed=True),
    )


def test_another_kind_is_one_difference() -> None:
    """Where the type changes there is nothing to compare field by field."""
    assert differences(House(), House(cellar=Memory())) == (Difference("cellar", fixed=True),)
    assert differences(House(), House(token=Secret("new"))) == (Difference("token", fixed=False),)


def test_in_force_is_the_new_one_with_what_is_fixed_as_it_was() -> None:
    """Everything else is taken up, beside a fixed setting and below the same section."""
    before = House(address="here", disk=Disk(quota=1, segment=2))
    after = House(for_="them", address="there", disk=Disk(quota=5, segment=6), cellar=Memory())

    assert in_force(before, after) == House(for_="them", address="here", disk=Disk(quota=5, segment=2), cellar=Disk())


def test_a_change_that_is_taken_back_waits_no_more() -> None:
    """What waits is judged against what is in force, not against the file before."""
    meanwhile = in_force(House(), House(address="there"))

    assert differences(meanwhile, House()) == ()
