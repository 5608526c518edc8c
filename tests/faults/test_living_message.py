"""The process dies around a living message: what stands in the channel afterwards."""

import asyncio
import contextlib
import sqlite3
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pytest

from alerting.notify.contract import Message, Status
from tests.alerting.desk import ONCALL, desk, equipment
from tests.fakes.polling import until
from tests.fakes.power import Power, PowerCut
from tests.fakes.process import start, tocsin
from tests.fakes.slack import FakeSlackApi
from tests.faults.test_alerting_crash import MOST_COMMITS, live
from tests.faults.test_alerting_kill import CONFIG, RULES, push

TOKEN = "xoxb-123-token"
NOTIFY = "receivers: [{name: a, slack: [{token: %s, channel: '%s', api_url: '%s'}]}]\nroute: {receiver: a}\n"


@dataclass(eq=False)
class Channel:
    """Posts what comes without a receipt, edits what comes with one; keeps (incident, status) of every post."""

    posts: list[tuple[str, Status]] = field(default_factory=list)

    async def send(self, message: Message, *, now: datetime) -> str:
        del now
        place = int(message.receipt) if message.receipt else len(self.posts)
        self.posts[place:] = [(message.incident, message.status), *self.posts[place + 1 :]]
        return str(place)

    async def close(self) -> None:
        pass


@pytest.mark.looptime
@pytest.mark.parametrize("stores_last", [True, False], ids=["after the commit", "before the commit"])
@pytest.mark.parametrize("commits", range(1, MOST_COMMITS))
async def test_death_at_every_commit_costs_one_message_too_many_at_worst(
    tmp_path: Path, commits: int, *, stores_last: bool
) -> None:
    """Each of the two incidents ends as an all-clear in the channel; one post that was not marked may stand beside."""
    path, channel = tmp_path / "a.sqlite", Channel()
    power = Power(commits, stores_last)
    with contextlib.suppress(PowerCut):
        async with desk(path, equipment({ONCALL: channel}), writer=power.writer()) as it:
            await live(it)
    async with desk(path, equipment({ONCALL: channel})) as it:
        await live(it)

    incidents = {incident for incident, _ in channel.posts}
    newest = dict(channel.posts)
    assert set(newest.values()) == {Status.RESOLVED}
    assert len(incidents) == 2
    assert len(channel.posts) <= 3


@pytest.mark.looptime
async def test_without_a_death_each_incident_is_one_message(tmp_path: Path) -> None:
    """Raised in between or not, what was posted first is what ends as the all-clear."""
    channel = Channel()
    async with desk(tmp_path / "a.sqlite", equipment({ONCALL: channel})) as it:
        await live(it)

    assert [status for _, status in channel.posts] == [Status.RESOLVED, Status.RESOLVED]


def is_marked(state: Path) -> bool:
    """Whether the first message is known to be sent, by whoever looks into the file."""
    with contextlib.closing(sqlite3.connect(f"file:{state / 'alerting.sqlite'}?mode=ro", uri=True)) as connection:
        return bool(connection.execute("SELECT count(*) FROM outbox WHERE receipt IS NOT NULL").fetchone()[0])


@pytest.mark.timeout(180)
async def test_killed_alerting_turns_its_old_message_green(tmp_path: Path) -> None:
    """After kill -9 the process that comes next edits what the dead one posted."""
    async with FakeSlackApi(TOKEN) as slack:
        (tmp_path / "tocsin.yml").write_text(CONFIG)
        (tmp_path / "rules.yml").write_text(RULES)
        (tmp_path / "notify.yml").write_text(NOTIFY % (TOKEN, slack.channel_name, slack.api_url))
        config = str(tmp_path / "tocsin.yml")
        collector = start(tocsin("collector", "--config", config), tmp_path / "var")
        alerting = collector
        try:
            await collector.ready("collector")
            alerting = start(tocsin("alerting", "--config", config), tmp_path / "var")
            await alerting.ready("collector", "alerting")
            await push(collector, 900)
            await until(lambda: is_marked(tmp_path / "var"), seconds=60, what="the message to be marked as sent")
            await asyncio.to_thread(alerting.kill)
            await push(collector, 100)
            alerting = start(tocsin("alerting", "--config", config), tmp_path / "var")
            await until(lambda: bool(slack.threads), seconds=60, what="the all-clear")
        finally:
            alerting.end()
            collector.end()

        ((ts, shown),) = slack.channel.items()
        assert shown["text"].startswith(":white_check_mark: *[RESOLVED]")
        assert list(slack.threads) == [ts]
        assert slack.refusals == []
