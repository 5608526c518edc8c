"""A message as plain data: what a webhook posts and what every template of a receiver sees as `message`.

`webhook` and `wording` call it. Pure. docs/notifications.md has the shape.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from alerting.acknowledgement import Acknowledgement
from alerting.notify.contract import AlertView, Message, Status
from alerting.notify.render import headline, lateness, span

MOST_ALERTS = 500


class Labels(dict[str, str]):
    """Labels to a template: one that is not there is empty, since the alerts of a group differ in them."""

    def __missing__(self, _name: str) -> str:
        return ""


def plain(message: Message, now: datetime, most: int = MOST_ALERTS) -> dict[str, Any]:
    """Our own payload; docs/notifications.md has its shape."""
    late = lateness(message, now)
    return {
        "version": 1,
        "incident": message.incident,
        "receiver": message.receiver,
        "status": message.status.value,
        "severity": message.severity,
        "why": message.why,
        "headline": headline(message),
        "group": Labels(message.group_labels),
        "decided_at": moment(message.decided_at),
        "late": span(late) if late else None,
        "url": message.url,
        "firing": message.count(Status.FIRING),
        "resolved": message.count(Status.RESOLVED),
        "acknowledged": message.is_acknowledged,
        "muted": list(message.muted),
        "note": message.note,
        "alerts": [
            {
                "status": view.status.value,
                "labels": Labels(view.labels),
                "value": view.value,
                "since": moment(view.since),
                "ended": moment(view.ended) if view.ended else None,
                "summary": view.summary,
                "description": view.description,
                "runbook_url": view.runbook_url,
                "reason": view.reason,
                "acknowledged": _taken(view.acknowledged) if view.acknowledged else None,
            }
            for view in message.alerts[:most]
        ],
    }


def _taken(one: Acknowledgement) -> dict[str, str]:
    return {"author": one.author, "comment": one.comment, "at": moment(one.at)}


def moment(at: datetime) -> str:
    """RFC 3339 in UTC."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
SAMPLE: Mapping[str, Any] = plain(
    Message(
        incident="0" * 32,
        receiver="sample",
        status=Status.FIRING,
        severity="critical",
        group_labels={"alertname": "Sample"},
        alerts=(
            AlertView(
                labels={"alertname": "Sample", "severity": "critical"},
                status=Status.FIRING,
                value=1.0,
                since=_EPOCH,
                summary="a sample",
            ),
        ),
        decided_at=_EPOCH,
        why="first",
    ),
    _EPOCH,
)
"""What a template is tried on when it is read."""
