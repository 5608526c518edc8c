"""What a notifier returns comes back to it with the next message of the incident."""

from datetime import timedelta
from pathlib import Path

import pytest

from alerting.alert import Change, Level
from alerting.routing.tree import Node, Timers
from tests.alerting.desk import ONCALL, change, desk, equipment
from tests.fakes.notifier import FakeNotifier

TREE = Node(receiver="oncall", group_by=("alertname",), timers=Timers(interval=timedelta(seconds=30)))


def handed_in(notifier: FakeNotifier) -> list[str]:
    return [message.receipt for _, message in notifier.tried]


@pytest.mark.looptime
async def test_each_message_carries_the_receipt_of_the_one_before(tmp_path: Path) -> None:
    """The first carries none; a send that returns none leaves the last one in force; another incident starts anew."""
    notifier = FakeNotifier(receipts=["one", None, "three"])
    async with desk(tmp_path / "state.sqlite", equipment({ONCALL: notifier}, TREE)) as it:
        await it.say(change(Change.FIRED, level=Level.WARNING))
        await it.settle()
        await it.say(change(Change.RAISED))
        await it.settle()
        await it.say(change(Change.RESOLVED))
        await it.settle()
        await it.say(change(Change.FIRED))
        await it.settle()

    assert handed_in(notifier) == ["", "one", "one", ""]


@pytest.mark.looptime
async def test_a_receipt_outlives_a_restart(tmp_path: Path) -> None:
    """What was announced before is edited after, by another process."""
    path = tmp_path / "state.sqlite"
    async with desk(path, equipment({ONCALL: FakeNotifier(receipts=["one"])}, TREE)) as it:
        await it.say(change(Change.FIRED))
        await it.settle()
    notifier = FakeNotifier()
    async with desk(path, equipment({ONCALL: notifier}, TREE)) as it:
        await it.say(change(Change.RESOLVED))
        await it.settle()

    assert handed_in(notifier) == ["one"]


@pytest.mark.looptime
async def test_a_retry_carries_the_same_receipt(tmp_path: Path) -> None:
    """What could not be sent is sent with what was known then."""
    notifier = FakeNotifier(receipts=["one"])
    async with desk(tmp_path / "state.sqlite", equipment({ONCALL: notifier}, TREE)) as it:
        await it.say(change(Change.FIRED))
        await it.settle()
        notifier.faults = [ValueError("a bug")]
        await it.say(change(Change.RESOLVED))
        await it.settle(5)

    assert handed_in(notifier) == ["", "one", "one"]
