"""PagerDuty events say what semantics ask of them, and fit what PagerDuty takes."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson
import pytest

from alerting.notify.contract import Message, Status
from alerting.notify.pagerduty import EVENT_BYTES, PagerDuty, PagerDutyConfig, actions, event
from alerting.notify.plugin import Deps
from foundation.secret import Secret
from tests.alerting.notify.messages import NOW, alert, ended, in_hand, message, taken
from tests.fakes.pagerduty import FakePagerDuty


def test_a_trigger_in_full() -> None:
    """Action, key, client, links and payload of one firing alert."""
    view = alert(runbook_url="https://example.org/slow")

    assert event(message(view, url="http://127.0.0.1:8080/alerts"), NOW) == {
        "event_action": "trigger",
        "dedup_key": "1f2e3d4c5b6a7988",
        "client": "Tocsin",
        "client_url": "http://127.0.0.1:8080/alerts",
        "links": [
            {"href": "https://example.org/slow", "text": "Runbook"},
            {"href": "http://127.0.0.1:8080/alerts", "text": "Open in Tocsin"},
        ],
        "payload": {
            "summary": "/pay is slow",
            "source": "payments",
            "severity": "critical",
            "timestamp": "2026-11-22T13:57:55+00:00",
            "custom_details": {
                "group": {"alertname": "FeatureSlow"},
                "firing": 1,
                "labels": dict(sorted(view.labels.items())),
                "value": 912.5,
                "runbook": "https://example.org/slow",
                "alerts": [
                    {
                        "status": "firing",
                        "summary": "/pay is slow",
                        "labels": dict(sorted(view.labels.items())),
                        "value": 912.5,
                        "since": "2026-11-22 13:57:55 UTC",
                    }
                ],
            },
        },
    }


@pytest.mark.parametrize(
    ("labels", "source"),
    [
        ({"host": "h", "device": "d", "instance": "i", "service": "s"}, "h"),
        ({"device": "d", "instance": "i", "service": "s"}, "d"),
        ({"instance": "i", "service": "s"}, "i"),
        ({"service": "s"}, "s"),
        ({}, "A"),
    ],
)
def test_the_source_is_the_first_label_that_names_one(labels: dict[str, str], source: str) -> None:
    """host, device, instance, service, alertname: the first that is there."""
    assert event(message(alert(labels={"alertname": "A", **labels})), NOW)["payload"]["source"] == source


def test_a_summary_is_cut_to_1024_characters() -> None:
    """1 024 characters stay whole, one more is cut."""
    whole, cut = (event(message(alert(summary="é" * n)), NOW)["payload"]["summary"] for n in (1_000, 1_025))

    assert whole == "é" * 1_000
    assert len(cut) <= 1_024


def test_an_event_that_is_too_large_leaves_alerts_out_and_says_so() -> None:
    """With 300 labels of 2 000 characters each, alerts go until the event is within 512 kB."""
    labels = {f"l{n}": "x" * 2_000 for n in range(300)} | {"alertname": "Huge"}
    built = event(message(*[alert(labels=labels)] * 10), NOW)

    assert len(orjson.dumps(built)) < EVENT_BYTES
    assert built["payload"]["custom_details"]["left_out"].endswith("of 10 alerts, for size")


def test_an_event_counts_the_alerts_that_no_message_holds() -> None:
    """Of 2 000 firing alerts 64 are listed; the others are counted, those left out before it came here too."""
    details = event(message(*[alert()] * 500, untold={"firing": 1_500}), NOW)["payload"]["custom_details"]

    assert len(details["alerts"]) == 64
    assert details["firing"] == 2_000
    assert details["left_out"] == "1936 of 2000 alerts, for size"


def test_an_event_says_why_the_worst_alert_fires() -> None:
    """The value against its threshold stands beside the value."""
    details = event(message(alert(reason="912.5 > 800 since 1m")), NOW)["payload"]["custom_details"]

    assert details["reason"] == "912.5 > 800 since 1m"


def test_a_link_that_is_no_web_address_is_no_link() -> None:
    """A runbook that is a path, or a script, stands in the details and is not to be clicked."""
    for url in ("docs/runbooks/slow.md", "javascript:alert(1)"):
        built = event(message(alert(runbook_url=url)), NOW)
        assert built["links"] == []
        assert built["payload"]["custom_details"]["runbook"] == url


def test_a_late_event_says_so_in_its_details() -> None:
    """The summary stays that of the alert; how late it is stands beside it."""
    details = event(message(), NOW + timedelta(minutes=10))["payload"]["custom_details"]

    assert details["late"] == "sent 10m late, decided at 2026-11-22 14:00:00 UTC"


async def test_an_incident_opens_once_and_closes_by_its_own_resolve() -> None:
    """Trigger, trigger, resolve with one key is one incident, closed at the end; another key stays open."""
    async with FakePagerDuty() as service:
        notifier = PagerDuty(PagerDutyConfig(routing_key=Secret("k" * 32), url=service.url), Deps())
        over: dict[str, Any] = {"status": Status.RESOLVED}
        for said in (message(), message(incident="other"), message(), message(ended(), **over)):
            await notifier.send(said, now=NOW)
        await notifier.close()

        assert service.refusals == []
        assert [(incident.dedup_key, incident.open) for incident in service.incidents] == [
            ("1f2e3d4c5b6a7988", False),
            ("other", True),
        ]


@pytest.mark.parametrize(
    ("said", "receipt", "expected"),
    [
        (taken(), "trigger", ("acknowledge",)),
        (taken(), "acknowledge", ("acknowledge",)),
        (taken(), "", ("trigger", "acknowledge")),
        (taken(), "resolve", ("trigger", "acknowledge")),
        (taken(why="changed"), "acknowledge", ("trigger", "acknowledge")),
        (taken(why="first"), "", ("trigger", "acknowledge")),
        (message(why="released"), "acknowledge", ("trigger",)),
        (message(in_hand(), alert(), why="acknowledged"), "trigger", ("trigger",)),
        (message(ended(), status=Status.RESOLVED, why="reopened"), "acknowledge", ("resolve",)),
    ],
)
def test_the_actions_of_a_message(said: Message, receipt: str, expected: tuple[str, ...]) -> None:
    """Taken as a whole it is acknowledged, after a trigger where PagerDuty may not have it; in part it is not."""
    assert actions(replace(said, receipt=receipt)) == expected


async def test_an_incident_that_was_taken_and_given_back_pages_again() -> None:
    """One incident is acknowledged by who took it; the next word that it is nobody's opens another under its key."""
    async with FakePagerDuty() as service:
        notifier = PagerDuty(PagerDutyConfig(routing_key=Secret("k" * 32), url=service.url), Deps())
        over = replace(message(), status=Status.RESOLVED, why="reopened")
        receipt = ""
        for said in (message(why="first"), taken(), taken(why="changed"), over, message(why="raised")):
            receipt = await notifier.send(replace(said, receipt=receipt), now=NOW)
        await notifier.close()

        assert service.refusals == []
        assert [(one.dedup_key, one.open, one.acknowledged) for one in service.incidents] == [
            ("1f2e3d4c5b6a7988", False, True),
            ("1f2e3d4c5b6a7988", True, False),
        ]
        told = next(one for one in service.events if one["event_action"] == "acknowledge")
        assert told["payload"]["custom_details"]["acknowledged"] == [
            "Acknowledged by ann at 2026-11-22 14:00:00 UTC: looking at the <database>"
        ]


def test_a_key_of_the_wrong_length_is_told_without_telling_it() -> None:
    """For the real service a key has 32 characters; the error says how many there are."""
    with pytest.raises(ValueError, match="has 9 characters") as raised:
        PagerDutyConfig(routing_key=Secret("too-short"))

    assert "too-short" not in str(raised.value)


def test_an_address_that_is_none_is_refused() -> None:
    """`url` needs a scheme and a host."""
    with pytest.raises(ValueError, match="not a URL"):
        PagerDutyConfig(routing_key=Secret("k" * 32), url="events.pagerduty.com/v2")
