"""The end of sending: what is on its way gets the time to arrive."""

import asyncio
from pathlib import Path

import pytest

from alerting.alert import Change
from tests.alerting.desk import ONCALL, change, desk, equipment
from tests.fakes.notifier import FakeNotifier


@pytest.mark.looptime
async def test_rest_waits_for_what_is_on_its_way_however_often_it_was_idle_before(tmp_path: Path) -> None:
    """An earlier lull does not count as rest: the message that is being sent arrives, and nothing is cut off."""
    notifier = FakeNotifier()
    async with desk(tmp_path / "state.sqlite", equipment({ONCALL: notifier})) as it:
        await it.say(change(Change.FIRED))
        await it.settle()
        notifier.hang = asyncio.Event()
        await it.say(change(Change.RESOLVED))
        await it.settle()
        asyncio.get_running_loop().call_later(2.0, notifier.hang.set)
        await it.sender.rest(3.0)

        assert len(notifier.sent) == 2
    assert not it.sender.was_cut_off
