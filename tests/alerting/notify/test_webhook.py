"""The webhook's three bodies, and the action's limit."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from alerting.notify.action import Action, ActionConfig
from alerting.notify.contract import AlertView, Message, Refusal, Status, Unreachable
from alerting.notify.payload import plain
from alerting.notify.plugin import Deps, Manner
from alerting.notify.webhook import Webhook, WebhookConfig, alertmanager, delivery
from alerting.notify.webhook import manner as webhook_manner
from foundation.secret import Secret
from tests.alerting.notify.messages import taken
from tests.fakes.service import Answer
from tests.fakes.webhook import FakeWebhook

NOW = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)
PAY = AlertView(
    labels={"alertname": "Slow", "severity": "critical", "endpoint": "/pay", "team": "shop"},
    status=Status.FIRING,
    value=912.5,
    since=NOW - timedelta(minutes=2),
    summary="/pay is slow",
    runbook_url="https://example.org/slow",
)
CART = replace(
    PAY,
    labels={"alertname": "Slow", "severity": "warning", "endpoint": "/cart", "team": "shop"},
    status=Status.RESOLVED,
    ended=NOW,
    summary="/cart is slow",
)
MESSAGE = Message(
    incident="1f" * 16,
    receiver="oncall",
    status=Status.FIRING,
    severity="critical",
    group_labels={"alertname": "Slow"},
    alerts=(PAY, CART),
    decided_at=NOW,
    url="http://127.0.0.1:8080/alerts",
    why="first",
    untold={"firing": 3},
    muted=("1 alert silenced by ann until noon: moving",),
)


def test_alertmanagers_payload() -> None:
    """Version 4: what tools made for Alertmanager read, with what all alerts have in common."""
    built = alertmanager(MESSAGE, NOW)
    assert {key: built[key] for key in ("version", "status", "receiver", "truncatedAlerts", "groupKey")} == {
        "version": "4",
        "status": "firing",
        "receiver": "oncall",
        "truncatedAlerts": 3,
        "groupKey": '{}:{alertname="Slow"}',
    }
    assert built["commonLabels"] == {"alertname": "Slow", "team": "shop"}
    assert built["commonAnnotations"] == {"runbook_url": "https://example.org/slow"}
    first, second = built["alerts"]
    assert (first["status"], first["startsAt"], first["endsAt"]) == (
        "firing",
        "2026-11-22T13:58:00Z",
        "0001-01-01T00:00:00Z",
    )
    assert (second["status"], second["endsAt"]) == ("resolved", "2026-11-22T14:00:00Z")
    assert first["annotations"] == {"summary": "/pay is slow", "runbook_url": "https://example.org/slow"}
    assert first["fingerprint"] != second["fingerprint"]


def test_our_own_payload_counts_what_it_leaves_out() -> None:
    """All firing alerts are counted, muted ones are named with their reason."""
    built = plain(MESSAGE, NOW)
    assert (built["firing"], built["resolved"], built["muted"]) == (4, 1, list(MESSAGE.muted))
    assert [alert["value"] for alert in built["alerts"]] == [912.5, 912.5]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"format": "alertmanager"}, alertmanager(MESSAGE, NOW)),
        ({}, plain(MESSAGE, NOW)),
        (
            {"body": '{"text": {{ message.headline | tojson }}, "open": {{ message.firing }}}'},
            {"text": "[CRITICAL] /pay is slow (and 3 more)", "open": 4},
        ),
    ],
)
async def test_what_is_posted(changes: dict[str, Any], expected: Any) -> None:
    """The format that was asked for; a template's words in its place, with headers beside."""
    async with FakeWebhook() as service:
        config = WebhookConfig(url=Secret(service.url), headers={"X-Team": Secret("shop")}, **changes)
        webhook = Webhook(config, Deps())
        await webhook.send(MESSAGE, now=NOW)
        await webhook.close()
    assert service.calls == [expected]
    assert service.headers[0]["X-Team"] == "shop"
    assert service.headers[0]["X-Tocsin-Delivery"] == delivery(MESSAGE)


def test_alertmanagers_payload_has_no_word_for_hands() -> None:
    """What reads it would take an acknowledgement for an alarm; our own and a template's readers can tell."""
    url = Secret("http://127.0.0.1:1/")
    assert webhook_manner(WebhookConfig(url=url, format="alertmanager")) is Manner.IGNORES
    assert webhook_manner(WebhookConfig(url=url)) is Manner.TELLS
    told = plain(taken(), NOW)
    assert (told["acknowledged"], told["why"]) == (True, "acknowledged")
    assert told["alerts"][0]["acknowledged"] == {
        "author": "ann",
        "comment": "looking at the <database>",
        "at": "2026-11-22T14:00:00Z",
    }


def test_a_delivery_is_named_after_what_it_says() -> None:
    """The same for every attempt, another for the all-clear."""
    assert delivery(MESSAGE) == delivery(replace(MESSAGE, why="again"))
    assert delivery(MESSAGE) != delivery(replace(MESSAGE, status=Status.RESOLVED))


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"body": "{{ message.headlin | tojson }}"}, "has no attribute 'headlin'"),
        ({"body": "hello"}, "does not come to JSON"),
        ({"body": "{{ message"}, "does not come to JSON"),
        ({"body": "{{ ''.__class__.__mro__ | tojson }}"}, "does not come to JSON"),
        ({"headers": {"Host": Secret("x")}}, "Host is set by Tocsin"),
        ({"headers": {"X Y": Secret("x")}}, "'X Y' is no header"),
        ({"headers": {"X": Secret("a\r\nb")}}, "'X' is no header"),
    ],
)
def test_what_cannot_be_posted_is_refused_when_it_is_read(keys: dict[str, Any], told: str) -> None:
    """A template is tried on a sample, in a sandbox; headers are one line each and not ours."""
    with pytest.raises(ValueError, match=told):
        WebhookConfig(url=Secret("https://example.org/x"), **keys)


async def called(config: dict[str, Any], *messages: tuple[Message, float]) -> list[str]:
    """What became of each message, sent so many seconds after now."""
    found = []
    async with FakeWebhook() as service:
        action = Action(ActionConfig(url=Secret(service.url), **config), Deps())
        for message, after_s in messages:
            before = len(service.calls)
            try:
                await action.send(message, now=NOW + timedelta(seconds=after_s))
            except Refusal as refusal:
                found.append(str(refusal))
            else:
                found.append("called" if len(service.calls) > before else "left")
        await action.close()
    return found


def opening(number: int) -> Message:
    return replace(MESSAGE, incident=f"{number:032d}")


async def test_an_action_is_called_for_what_it_is_asked_for() -> None:
    """For the opening of an incident, not for its updates; for its end where that is asked for."""
    over = replace(MESSAGE, status=Status.RESOLVED, why="all-resolved")
    messages = ((MESSAGE, 0), (replace(MESSAGE, why="raised"), 1), (replace(MESSAGE, why="repeat"), 2), (over, 3))
    assert await called({}, *messages) == ["called", "left", "left", "left"]
    assert await called({"on": ("firing", "resolved")}, *messages) == ["called", "left", "left", "called"]


async def test_an_action_is_not_called_too_often() -> None:
    """Over the limit it is refused, by name; when the oldest call is old enough there is room again."""
    limit = {"most": 2, "within": timedelta(minutes=1)}
    results = await called(limit, *((opening(number), number * 20) for number in range(4)))
    assert results == [
        "called",
        "called",
        "the action was not called: its limit of 2 times within 0:01:00 is used up",
        "called",
    ]


async def test_an_action_that_is_tried_again_is_counted_once() -> None:
    """A call that failed for now uses up one of its times, however often it is tried."""
    async with FakeWebhook() as service:
        action = Action(ActionConfig(url=Secret(service.url), most=1), Deps())
        service.misbehave(Answer(503))
        with pytest.raises(Unreachable):
            await action.send(MESSAGE, now=NOW)
        await action.send(MESSAGE, now=NOW + timedelta(seconds=1))
        await action.close()
    assert len(service.calls) == 1
