"""Dispatcher and sender together, over a real SQLite file, in virtual time."""

import asyncio
from pathlib import Path

import pytest

from alerting.alert import Change, Level
from alerting.lane import ChannelKey
from alerting.memory.contract import Outcome
from alerting.notify.contract import Refusal, Unreachable
from alerting.routing.matchers import parse
from alerting.routing.tree import Node, Timers
from tests.alerting.desk import ONCALL, change, desk, equipment
from tests.fakes.notifier import FakeNotifier

pytestmark = pytest.mark.looptime

SLACK = ChannelKey("oncall", "slack[0]")


async def test_first_alert_is_sent_at_once(tmp_path: Path) -> None:
    """With group_wait 0 the first alert of a group goes out without waiting."""
    pager = FakeNotifier()
    async with desk(tmp_path / "a.sqlite", equipment({ONCALL: pager})) as it:
        await it.say(change(Change.FIRED))
        await it.settle()
        assert pager.told == [("firing", "Slow fired")]


async def test_resolve_follows_under_the_same_incident(tmp_path: Path) -> None:
    """A group whose last alert resolves says so at once, under the dedup key of its trigger."""
    pager = FakeNotifier()
    async with desk(tmp_path / "a.sqlite", equipment({ONCALL: pager})) as it:
        await it.say(change(Change.FIRED))
        await it.settle(10)
        await it.say(change(Change.RESOLVED))
        await it.settle()
        assert pager.told == [("firing", "Slow fired"), ("resolved", "Slow resolved")]
        assert len({message.incident for _, message in pager.sent}) == 1
        assert [message.severity for _, message in pager.sent] == ["critical", "critical"]
