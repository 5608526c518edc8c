"""Ages of what waits: right by any clock, and never shrinking because somebody set one back."""

from collector.deliver.ages import Ages

WHO = ("store", "telemetry")
NS = 1_000_000_000


def test_an_age_is_the_time_since_the_line_was_accepted():
    """Also at the first look, which a restart makes long after; and nothing waiting has no age."""
    ages = Ages()
    assert ages.look(WHO, 100 * NS, 130 * NS, 5.0) == 30.0
    assert ages.look(WHO, 100 * NS, 140 * NS, 15.0) == 40.0
    assert ages.look(WHO, 0, 150 * NS, 25.0) == 0.0


def test_a_clock_set_back_makes_nothing_younger():
    """The age goes on from where it was; a line first seen after the step is watched from that look on."""
    ages = Ages()
    assert ages.look(WHO, 10_000 * NS, 10_020 * NS, 5.0) == 20.0
    assert ages.look(WHO, 10_000 * NS, 6_420 * NS, 8.0) == 23.0
    assert ages.look(("other", "telemetry"), 10_000 * NS, 6_420 * NS, 8.0) == 0.0
    assert ages.look(("other", "telemetry"), 10_000 * NS, 6_421 * NS, 9.0) == 1.0


def test_the_next_line_has_an_age_of_its_own():
    """Delivered up to a younger line, the backlog is as old as that one."""
    ages = Ages()
    assert ages.look(WHO, 100 * NS, 160 * NS, 60.0) == 60.0
    assert ages.look(WHO, 155 * NS, 160 * NS, 60.0) == 5.0


def test_a_clock_set_forward_is_believed():
    """Too old is the safe side: what waits counts as behind."""
    ages = Ages()
    assert ages.look(WHO, 100 * NS, 101 * NS, 1.0) == 1.0
    assert ages.look(WHO, 100 * NS, 3_702 * NS, 2.0) == 3_602.0
