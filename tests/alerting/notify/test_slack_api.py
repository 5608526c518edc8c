"""One living message per incident: where it stands, how it goes on, and what is done when it is gone."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from alerting.notify.contract import Message, Notifier, Refusal, Status, Unanswered, Unreachable
from alerting.notify.plugin import Deps
from alerting.notify.slack import SlackConfig, build, preview
from foundation.secret import Secret
from tests.alerting.notify.messages import NOW, alert, ended, message, taken
from tests.fakes.service import Answer
from tests.fakes.slack import FakeSlackApi

TOKEN = "xoxb-123-token"


@contextlib.asynccontextmanager
async def channel() -> AsyncIterator[tuple[FakeSlackApi, Notifier]]:
    """A Slack and a bot in its channel; at the end Slack has refused nothing that it was not told to."""
    async with FakeSlackApi(TOKEN) as service:
        config = SlackConfig(token=Secret(TOKEN), channel=service.channel_name, api_url=service.api_url)
        notifier = build(config, Deps())
        try:
            yield service, notifier
        finally:
            await notifier.close()
        assert service.refusals == []


async def tell(notifier: Notifier, *messages: Message) -> str:
    """Send one after the other as the sender does, each with the receipt of the one before; returns the last."""
    receipt = messages[0].receipt
    for one in messages:
        receipt = await notifier.send(replace(one, receipt=receipt), now=NOW) or receipt
    return receipt


def over() -> Message:
    return message(ended(), status=Status.RESOLVED, why="all-resolved")


def words(shown: dict[str, Any]) -> str:
    blocks = [block["text"]["text"] for one in shown["attachments"] for block in one["blocks"]]
    return "\n".join((shown["text"], *blocks))


async def test_an_incident_is_one_message_that_is_edited() -> None:
    """From alarm to all-clear one message stands in the channel and says how things are; its colour follows."""
    async with channel() as (service, notifier):
        warning = message(alert(labels={**alert().labels, "severity": "warning"}), severity="warning", why="first")
        receipt = await tell(notifier, warning)
        (first,) = service.channel.values()
        assert (first["channel"], first["attachments"][0]["color"]) == ("#alerts", "#e8930c")
        await tell(notifier, replace(message(why="raised"), receipt=receipt))

        ((ts, shown),) = service.channel.items()
        assert json.loads(receipt).items() >= {"channel": service.channel_id, "ts": ts}.items()
        assert shown["attachments"][0]["color"] == "#d92d20"


async def test_the_all_clear_turns_the_message_green_and_says_what_ended() -> None:
    """The message that raised the alarm ends as its all-clear."""
    async with channel() as (service, notifier):
        await tell(notifier, message(why="first"), over())

        (shown,) = service.channel.values()
        assert shown["text"] == ":white_check_mark: *[RESOLVED] /pay is slow*"
        assert shown["attachments"][0]["color"] == "#2e9e5b"
        assert "over since 2026-11-22 14:00:00 UTC, after 2m5s: 412 &lt; 500" in words(shown)


async def test_what_people_must_notice_is_said_in_the_thread() -> None:
    """An edit rings no bell: a rise, new alerts, a reminder and the end are replies, and the channel sees the rise."""
    async with channel() as (service, notifier):
        said = [message(why=why) for why in ("raised", "changed", "some-resolved", "new-alerts", "repeat")]
        await tell(notifier, message(severity="warning", why="first"), *said, over())

        (ts,) = service.channel
        heads = [reply["text"].split("\n")[0] for reply in service.threads[ts]]
        assert heads == [":rotating_light: *[CRITICAL] /pay is slow*"] * 3 + [
            ":white_check_mark: *[RESOLVED] /pay is slow*"
        ]
        assert "A reminder" in service.threads[ts][2]["text"]
        assert len(service.broadcast) == 1


async def test_who_took_it_stands_in_the_message_and_rings_no_bell() -> None:
    """The message is edited and says who has it and why, as it is written; given back is said in the thread."""
    async with channel() as (service, notifier):
        receipt = await tell(notifier, message(why="first"), taken())
        ((ts, shown),) = service.channel.items()
        assert shown["text"] == ":eyes: *[CRITICAL, ACKNOWLEDGED] /pay is slow*"
        assert "_Acknowledged by ann at 2026-11-22 14:00:00 UTC: looking at the &lt;database&gt;._" in words(shown)
        assert service.threads == {}
        await tell(notifier, replace(message(why="released"), receipt=receipt))

        assert shown["text"] == ":rotating_light: *[CRITICAL] /pay is slow*"
        assert "Given back: nobody has it in hand any more" in service.threads[ts][0]["text"]


async def test_what_came_before_is_found_again_by_another_process() -> None:
    """All that is needed to go on is the receipt."""
    async with channel() as (service, notifier):
        receipt = await tell(notifier, message(why="first"))
        config = SlackConfig(token=Secret(TOKEN), channel="#another", api_url=service.api_url)
        another = build(config, Deps())
        again = await another.send(replace(over(), receipt=receipt), now=NOW)
        await another.close()

        assert json.loads(again or "")["ts"] == json.loads(receipt)["ts"]
        assert [shown["text"] for shown in service.channel.values()] == [":white_check_mark: *[RESOLVED] /pay is slow*"]


async def test_a_message_that_is_gone_is_posted_anew() -> None:
    """Somebody deleted it: what is to be said stands in the channel again, and is edited from then on."""
    async with channel() as (service, notifier):
        receipt = await tell(notifier, message(why="first"))
        service.delete(json.loads(receipt)["ts"])
        service.noes = ["message_not_found"]
        again = await notifier.send(replace(message(why="raised"), receipt=receipt), now=NOW)
        await notifier.send(replace(over(), receipt=again or ""), now=NOW)

        assert again != receipt
        (shown,) = service.channel.values()
        assert shown["attachments"][0]["color"] == "#2e9e5b"


@pytest.mark.parametrize("change", [{"severity": "critical"}, {"untold": {"firing": 1}}])
async def test_a_rise_that_another_message_swallowed_is_noticed(change: dict[str, Any]) -> None:
    """Only the newest of what waits is sent; that it is worse than what was last said shows all the same."""
    async with channel() as (service, notifier):
        first = message(severity="warning", why="first")
        await tell(notifier, first, replace(first, why="changed"), replace(first, why="changed", **change))

        (replies,) = service.threads.values()
        assert len(replies) == 1
        assert len(service.broadcast) == ("severity" in change)


@pytest.mark.parametrize("receipt", ["", "{}", "[]", "3", "ok", '{"channel": "C1", "ts": ""}', '{"channel": "C1"}'])
async def test_a_receipt_that_says_nothing_loses_nothing(receipt: str) -> None:
    """Without a place the message is posted."""
    async with channel() as (service, notifier):
        await notifier.send(replace(message(why="raised"), receipt=receipt), now=NOW)

        assert len(service.channel) == 1


@pytest.mark.parametrize(
    ("word", "error", "told"),
    [
        ("ratelimited", Unreachable, "ratelimited"),
        ("fatal_error", Unanswered, "fatal_error"),
        ("channel_not_found", Refusal, "is the bot a member"),
        ("not_in_channel", Refusal, "invite the bot"),
        ("invalid_auth", Refusal, "is the token right"),
        ("account_inactive", Refusal, "account_inactive"),
        (TOKEN, Refusal, r"\*\*\*"),
    ],
)
async def test_a_no_is_sorted_by_its_word(word: str, error: type[Exception], told: str) -> None:
    """Slack says no with 200; what may be mended by waiting is for later, and how to mend the rest is told."""
    async with channel() as (service, notifier):
        service.noes = [word]
        service.headers = {"Retry-After": "7"}
        with pytest.raises(error, match=told) as raised:
            await notifier.send(message(), now=NOW)

    assert type(raised.value) is error
    assert getattr(raised.value, "retry_after_s", 7) == 7


async def test_a_reply_that_is_put_off_is_said_when_it_is_tried_again() -> None:
    """Edited, then throttled: the next attempt edits to the same and replies once."""
    async with channel() as (service, notifier):
        receipt = await tell(notifier, message(why="first"))
        service.noes = [None, "ratelimited"]
        for expected in (Unreachable, None):
            with pytest.raises(expected) if expected else contextlib.nullcontext():
                await notifier.send(replace(over(), receipt=receipt), now=NOW)

        (ts,) = service.channel
        assert len(service.threads[ts]) == 1


@pytest.mark.parametrize("word", ["msg_too_long", "msg_blocks_too_long"])
async def test_what_is_too_long_for_slack_gets_through_as_its_headline(word: str) -> None:
    """Whatever Slack counts, the alarm is heard."""
    async with channel() as (service, notifier):
        service.noes = [word]
        await notifier.send(message(why="first"), now=NOW)

        (shown,) = service.channel.values()
        assert (shown["text"], shown["attachments"]) == (":rotating_light: *[CRITICAL] /pay is slow*", [])


@pytest.mark.parametrize("body", ["<html>Please log in</html>", "ok", "[]", '{"ok": "yes"}'])
async def test_a_200_that_is_not_slacks_is_no_yes(body: str) -> None:
    """Something in between answered: Slack may have it or not."""
    async with channel() as (service, notifier):
        service.misbehave(Answer(200, body))
        with pytest.raises(Unanswered, match="in between"):
            await notifier.send(message(), now=NOW)


async def test_a_message_without_alerts_can_be_posted() -> None:
    """There is always something to show."""
    async with channel() as (service, notifier):
        await notifier.send(replace(message(), alerts=()), now=NOW)

        assert len(service.channel) == 1


@pytest.mark.parametrize(
    ("fields", "problem"),
    [
        ({"token": TOKEN}, "is no channel"),
        ({"token": TOKEN, "channel": "<!here>"}, "is no channel"),
        ({"token": "", "channel": "#alerts"}, "token is none that Slack gives"),
        ({"token": "xoxb 1\n", "channel": "#alerts"}, "token is none that Slack gives"),
        ({"token": TOKEN, "channel": "#alerts", "webhook": "https://hooks.example.org/x"}, "not both"),
        ({"channel": "#alerts", "webhook": "https://hooks.example.org/x"}, "for a token"),
        ({"token": TOKEN, "channel": "#alerts", "api_url": "slack.com/api"}, "not a URL"),
    ],
)
def test_keys_that_do_not_go_together_are_refused(fields: dict[str, str], problem: str) -> None:
    """The error says what to give, and tells no token."""
    given: dict[str, Any] = {
        name: Secret(value) if name in ("token", "webhook") else value for name, value in fields.items()
    }
    with pytest.raises(ValueError, match=problem) as raised:
        SlackConfig(**given)

    assert TOKEN not in str(raised.value)


def test_the_preview_is_the_message_without_the_token() -> None:
    """What would be posted, as JSON."""
    shown = json.loads(preview(SlackConfig(token=Secret(TOKEN), channel="#alerts"), message(), NOW))

    assert shown["channel"] == "#alerts"
    assert TOKEN not in json.dumps(shown)
