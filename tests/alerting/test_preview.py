"""Previews: the very words, routes and texts of production, on a sample."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alerting.config import NotifyConfig, load_notify
from alerting.notify.catalog import NOTIFIERS
from alerting.preview import Sample, preview, sample_labels
from alerting.rules.rule import Rule

NOW = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)
KEY = "0123456789abcdef0123456789abcdef"
NOTIFY = f"""
receivers:
  - name: oncall
    pagerduty: [{{routing_key: {KEY}}}]
    slack: [{{webhook: "https://hooks.example.org/T/B/secretpart"}}]
    email: [{{to: ops@example.org, smtp: "smtp://user:hunter2secret@mail:25"}}]
    apprise: [{{url: "json://user:hunter2secret@example.org"}}]
    webhook: [{{url: "https://example.org/secretpart", format: alertmanager}}]
    action: [{{url: "https://example.org/secretpart"}}]
  - name: nobody
route:
  receiver: oncall
  routes:
    - {{matchers: [endpoint="/quiet"], receiver: nobody}}
"""
RULE = Rule(
    alert="Slow",
    query="SELECT mean(duration_ms) FROM http_request GROUP BY endpoint",
    over=timedelta(minutes=1),
    warn="> 300",
    critical="> 800",
    summary="{{ labels.endpoint }} takes {{ value | ms }}",
)

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


@pytest.fixture
def notify(tmp_path: Path) -> NotifyConfig:
    (tmp_path / "notify.yml").write_text(NOTIFY)
    return load_notify(tmp_path / "notify.yml", {})


def test_every_way_of_telling_is_shown(notify: NotifyConfig) -> None:
    """One text for each notifier of the catalog, with the rule's words and no secret."""
    shown = list(preview(RULE, notify, Sample(labels={"endpoint": "/pay"}, value=912.0), NOW))
    assert sorted(one.notifier for one in shown) == sorted(NOTIFIERS)
    assert all("/pay takes 912 ms" in one.text for one in shown)
    assert not [one for one in shown for secret in (KEY, "secretpart", "hunter2secret") if secret in one.text]
    event = json.loads(next(one.text for one in shown if one.notifier == "pagerduty"))
    assert (event["event_action"], event["payload"]["severity"]) == ("trigger", "critical")
    payload = json.loads(next(one.text for one in shown if one.notifier == "webhook"))
    assert payload["version"] == "4"


def test_the_all_clear_is_shown(notify: NotifyConfig) -> None:
    """As a resolve; an action that is not asked for it is not called."""
    shown = {one.notifier: one.text for one in preview(RULE, notify, Sample(labels={}, resolved=True), NOW)}
    assert json.loads(shown["pagerduty"])["event_action"] == "resolve"
    assert "RESOLVED" in shown["slack"]
    assert shown["action"] == "(is not called)\n"


def test_a_sample_is_just_bad_enough_at_the_worst_level(notify: NotifyConfig) -> None:
    """Where no value is given; one that is given has its own level."""
    event = next(one.text for one in preview(RULE, notify, Sample(labels=sample_labels(RULE)), NOW))
    assert json.loads(event)["payload"]["summary"] == "endpoint takes 880 ms"
    milder = next(one.text for one in preview(RULE, notify, Sample(labels={}, value=400.0), NOW))
    assert json.loads(milder)["payload"]["severity"] == "warning"


@pytest.mark.parametrize("threshold", ["< 5", "<= 0", "== 3", "!= 0", ">= 0", "< -2"])
def test_a_sample_is_bad_under_every_operator(notify: NotifyConfig, threshold: str) -> None:
    """Below, above, just at or anywhere but at the bound."""
    rule = Rule(alert="A", query="SELECT mean(x) FROM m", over=timedelta(minutes=1), warn=threshold)
    assert list(preview(rule, notify, Sample(labels={}), NOW))


def test_a_receiver_that_cannot_be_told_is_shown(notify: NotifyConfig) -> None:
    """Its name, and no text."""
    (shown,) = preview(RULE, notify, Sample(labels={"endpoint": "/quiet"}), NOW)
    assert (shown.receiver, shown.notifier, shown.text) == ("nobody", "", "")


def test_what_would_not_be_sent_is_refused(notify: NotifyConfig) -> None:
    """A value that is not bad, and labels that no alert of the rule has."""
    with pytest.raises(ValueError, match="1 is not bad"):
        list(preview(RULE, notify, Sample(labels={}, value=1.0), NOW))
    with pytest.raises(ValueError, match="cannot have these labels; they have endpoint"):
        list(preview(RULE, notify, Sample(labels={"host": "a"}), NOW))
