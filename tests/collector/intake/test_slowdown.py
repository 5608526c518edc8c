"""Wrong tokens: a growing, bounded delay for each address, in bounded memory."""

import asyncio

import pytest
from prometheus_client import CollectorRegistry

from collector.intake.metrics import IntakeMetrics
from collector.intake.slowdown import FREE, LONGEST_S, MOST_ADDRESSES, Slowdown, WrongTokens
from tests.fakes.clock import ManualClock


def test_the_delay_grows_and_is_bounded():
    """The first few are answered at once; then it doubles from a tenth of a second up to two, and no further."""
    wrong = WrongTokens()
    delays = [wrong.count("192.0.2.1", 0.0) for _ in range(FREE + 20)]
    assert delays[:FREE] == [0.0] * FREE
    assert delays[FREE : FREE + 6] == [0.1, 0.2, 0.4, 0.8, 1.6, 2.0]
    assert max(delays) == LONGEST_S


def test_an_address_is_forgiven_as_time_goes_by():
    """One in ten seconds: who errs now and then never waits, and after three quiet minutes the worst is as new."""
    wrong = WrongTokens()
    assert {wrong.count("192.0.2.1", 10.0 * number) for number in range(50)} == {0.0}
    for _ in range(1000):
        wrong.count("192.0.2.2", 0.0)
    assert wrong.count("192.0.2.2", 100.0) > 0.0
    assert wrong.count("192.0.2.2", 300.0) == 0.0


def test_each_address_is_counted_for_itself():
    """A client of IPv6 has a network of addresses, and is one; a mapped IPv4 address is that address."""
    wrong = WrongTokens()
    for number in range(FREE):
        assert wrong.count(f"2001:db8::{number:x}", 0.0) == 0.0
        assert wrong.count("::ffff:192.0.2.9", 0.0) == 0.0
    assert wrong.count("2001:db8::ffff", 0.0) > 0.0
    assert wrong.count("192.0.2.9", 0.0) > 0.0
    assert wrong.count("2001:db8:0:1::1", 0.0) == 0.0


def test_any_number_of_addresses_takes_bounded_memory():
    """The least recent is forgotten, the busy one stays known."""
    wrong = WrongTokens()
    for number in range(MOST_ADDRESSES + 100):
        wrong.count(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", 0.0)
        delay = wrong.count("192.0.2.1", 0.0)
    assert len(wrong) == MOST_ADDRESSES
    assert delay == LONGEST_S


@pytest.mark.looptime
async def test_answers_are_held_for_as_long_as_was_said():
    """Each waits its own time; only held ones are counted."""
    registry = CollectorRegistry()
    slowdown = Slowdown(ManualClock(), IntakeMetrics(registry))
    loop = asyncio.get_running_loop()
    for _ in range(FREE):
        await slowdown.hold("192.0.2.1")
    began = loop.time()
    await asyncio.gather(*(slowdown.hold("192.0.2.1") for _ in range(3)))
    assert loop.time() - began == pytest.approx(0.4)
    assert registry.get_sample_value("tocsin_slowed_answers_total") == 3


@pytest.mark.looptime
async def test_no_more_are_held_than_is_good_for_us():
    """Beyond a thousand at a time the rest is answered at once: held answers must not become the attack."""
    registry = CollectorRegistry()
    slowdown = Slowdown(ManualClock(), IntakeMetrics(registry))
    await asyncio.gather(*(slowdown.hold("192.0.2.1") for _ in range(2000)))
    assert registry.get_sample_value("tocsin_slowed_answers_total") == 1000
