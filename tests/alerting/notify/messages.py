"""Messages to say in tests."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from alerting.acknowledgement import Acknowledgement
from alerting.alert import Level
from alerting.notify.contract import AlertView, Message, Status

NOW = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)


def alert(**changes: Any) -> AlertView:
    view = AlertView(
        labels={"alertname": "FeatureSlow", "severity": "critical", "service": "payments", "endpoint": "/pay"},
        status=Status.FIRING,
        value=912.5,
        since=NOW - timedelta(minutes=2, seconds=5),
        summary="/pay is slow",
    )
    return replace(view, **changes)


def ended(**changes: Any) -> AlertView:
    return alert(**{"status": Status.RESOLVED, "ended": NOW, "reason": "412 < 500", **changes})


def in_hand(**changes: Any) -> AlertView:
    known = Acknowledgement(
        alert_id="a1", level=Level.CRITICAL, author="ann", comment="looking at the <database>", at=NOW
    )
    return alert(**{"acknowledged": known, **changes})


def taken(**changes: Any) -> Message:
    """What is said of an incident when somebody takes it."""
    return message(in_hand(), **{"is_acknowledged": True, "why": "acknowledged", **changes})


def message(*alerts: AlertView, **changes: Any) -> Message:
    said = Message(
        incident="1f2e3d4c5b6a7988",
        receiver="on-call",
        status=Status.FIRING,
        severity="critical",
        group_labels={"alertname": "FeatureSlow"},
        alerts=alerts or (alert(),),
        decided_at=NOW,
    )
    return replace(said, **changes)
