"""The demo as a role: it has a past, lives, can be broken and mended, and stops."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from demo import faults
from demo.app import Demo
from demo.config import DemoConfig
from demo.past import WEEK_NS
from foundation.clock import SystemClock
from foundation.secret import Secret
from foundation.web import Address
from tests.fakes.front_door import FakeFrontDoor
from tests.fakes.polling import until

CONFIG = DemoConfig(
    listen="127.0.0.1:0", devices=40, report_every=timedelta(seconds=1), history=timedelta(minutes=2), requests_per_s=20
)
CLOCK = SystemClock()
MEASUREMENTS = {"http_request", "page_view", "product_click", "shop_order", "inventory"}


@pytest.fixture
async def door() -> AsyncIterator[FakeFrontDoor]:
    async with FakeFrontDoor() as served:
        yield served


@pytest.fixture
def incidents() -> list[str]:
    return []


@pytest.fixture
async def demo(door: FakeFrontDoor, tmp_path: Path, incidents: list[str]) -> AsyncIterator[Demo]:
    config = replace(CONFIG, collector=door.url)
    role = Demo(config, state=tmp_path, clock=CLOCK, on_incident=lambda name, _: incidents.append(name))
    yield role
    await role.stop()
    assert incidents == []


def times(door: FakeFrontDoor) -> list[int]:
    """Of everything but the orders of the week before."""
    week_before_ns = CLOCK.now_ns() - WEEK_NS // 2
    return [line.time_ns for line in door.lines if line.time_ns is not None and line.time_ns > week_before_ns]


async def test_an_empty_store_gets_a_past_and_then_a_present(demo: Demo, door: FakeFrontDoor) -> None:
    """The first start fills the configured history, in order, and goes on live behind it."""
    began_ns = CLOCK.now_ns()
    address = Address.parse(await demo.start())
    await until(lambda: times(door) and max(times(door)) > began_ns + 1_000_000_000, what="live traffic")

    assert address.port > 0
    assert min(times(door)) < began_ns - 115 * 1_000_000_000
    assert {line.measurement for line in door.lines} >= MEASUREMENTS
    assert any(len(post) > 2 for post in door.posts), "the devices have a past"
    await until(lambda: any(len(post) == 2 for post in door.posts), what="a device that posts by itself")
    week_before = [line for line in door.lines if line.time_ns and line.time_ns < began_ns - WEEK_NS // 2]
    assert {line.measurement for line in week_before} == {"shop_order"}


async def test_a_store_that_knows_the_shop_gets_no_second_past(demo: Demo, door: FakeFrontDoor) -> None:
    """Where the shop was seen within the history, a start adds nothing before now."""
    began_ns = CLOCK.now_ns()
    door.last_ns = began_ns - 30 * 1_000_000_000
    await demo.start()
    await until(lambda: door.lines and door.posts, what="live traffic")

    assert min(times(door)) >= began_ns


async def test_a_fault_is_followed_and_ends(demo: Demo, door: FakeFrontDoor, tmp_path: Path) -> None:
    """Silence commanded by file reaches the running demo: the site goes quiet, and is heard again when it is mended."""
    door.last_ns = CLOCK.now_ns()
    await demo.start()
    await until(lambda: heard(door), what="the site")
    faults.command(tmp_path, "silence", timedelta(minutes=5), CLOCK.now())
    await until(lambda: quiet(door), what="silence")
    faults.clear(tmp_path)
    door.posts.clear()

    await until(lambda: heard(door), what="the site again")


def sites(door: FakeFrontDoor) -> list[str]:
    return [post[0]["tags"]["site"] for post in door.posts]


def heard(door: FakeFrontDoor) -> bool:
    return "porto" in sites(door)


def quiet(door: FakeFrontDoor) -> bool:
    """The last 35 posts are one period of everybody else."""
    return len(door.posts) > 35 and "porto" not in sites(door)[-35:]


async def test_another_collector_and_rate_are_taken_up(demo: Demo, door: FakeFrontDoor) -> None:
    """The next requests go to the new collector, with its token; the shop gets busier or quieter at once."""
    door.last_ns = CLOCK.now_ns()
    await demo.start()
    await until(lambda: door.lines, what="live traffic")
    async with FakeFrontDoor() as other:
        take_up = await demo.prepare(replace(CONFIG, collector=other.url, token=Secret("writes"), requests_per_s=2_000))
        await take_up()
        await until(lambda: len(other.lines) > 500, what="a busy shop")
        assert other.posts
        assert set(other.tokens) == {"Token writes"}
