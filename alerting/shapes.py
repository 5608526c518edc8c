"""The JSON shapes of the API, as docs/alerting-api.md promises them. Pure; `api` calls it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

from alerting.acknowledgement import Acknowledgement
from alerting.alert import Alert, State
from alerting.memory.contract import HistoryEntry, Notification, Outcome, Words
from alerting.muting.mutes import Mute
from alerting.muting.silence import Silence
from alerting.routing.group import Group
from alerting.watch import RuleStatus

_ORDER = {State.FIRING: 0, State.NO_DATA: 1, State.PENDING: 2, State.INACTIVE: 3}
_NONE: Mapping[str, Mute] = MappingProxyType({})
_ANNOTATIONS = ("summary", "description", "runbook_url")


def moment(at: datetime | None) -> str | None:
    """RFC 3339 in UTC."""
    return at.isoformat().replace("+00:00", "Z") if at is not None else None


def urgency(alert: Alert) -> tuple[int, int, float]:
    """Sorts alerts: firing first, then the worst, then the newest."""
    since = alert.since.timestamp() if alert.since is not None else 0.0
    return (_ORDER[alert.state], -alert.level, -since)


def alert(
    one: Alert,
    words: Words | None,
    incidents: Iterable[Group],
    mutes: Mapping[str, Mute] = _NONE,
    taken: Acknowledgement | None = None,
) -> dict[str, Any]:
    """An alert with its last words and the incidents that it belongs to; `mutes` by incident, where it is muted;
    `taken` by whom, if by anybody.
    """
    said = words or Words()
    return {
        "id": one.fingerprint,
        "rule": one.rule,
        "labels": dict(one.labels),
        "severity": one.level.severity,
        "state": one.state.value,
        "flapping": one.is_flapping,
        "value": one.value,
        "threshold": one.threshold,
        "since": moment(one.since),
        "fired_at": moment(one.fired_at),
        "seen_at": moment(one.seen_at),
        "annotations": {name: said.annotations.get(name, "") for name in _ANNOTATIONS},
        "reason": said.reason,
        "acknowledged": acknowledgement(taken) if taken else None,
        "incidents": [
            {
                "id": group.incident,
                "receiver": group.key.receiver,
                "group": dict(group.key.labels),
                "opened_at": moment(group.opened_at),
                "said_at": moment(group.said_at),
                "muted": mute(mutes[group.incident]) if group.incident in mutes else None,
            }
            for group in incidents
        ],
    }


def rule(status: RuleStatus) -> dict[str, Any]:
    """A rule and how it is doing."""
    one = status.rule
    states = [alert.state for alert in status.alerts]
    return {
        "name": one.alert,
        "file": one.file,
        "query": one.query,
        "bucket": one.bucket,
        "every_s": one.every.total_seconds(),
        "over_s": one.over.total_seconds(),
        "for_s": one.for_.total_seconds(),
        "keep_firing_for_s": one.keep_firing_for.total_seconds(),
        "warn": one.warn,
        "critical": one.critical,
        "resolve": one.resolve,
        "datapoints": one.datapoints,
        "missing": one.missing.value,
        "health": status.health.value,
        "error": status.error,
        "last_evaluation": moment(status.last_evaluation),
        "duration_s": status.duration_s,
        "series": status.series,
        "alerts": {state.value: states.count(state) for state in (State.PENDING, State.FIRING, State.NO_DATA)},
    }


def history(entry: HistoryEntry) -> dict[str, Any]:
    """A transition."""
    return {
        "at": moment(entry.at),
        "id": entry.alert_id,
        "rule": entry.rule,
        "labels": dict(entry.labels),
        "severity": entry.severity,
        "before": entry.before,
        "state": entry.state,
        "change": entry.change,
        "value": entry.value,
        "reason": entry.reason,
        "summary": entry.summary,
        "incident": entry.incident,
    }


def mute(one: Mute) -> dict[str, Any]:
    """Why an alert is held back."""
    return {"kind": one.kind.value, "by": one.by, "words": one.words, "until": moment(one.until)}


def acknowledgement(one: Acknowledgement) -> dict[str, Any]:
    """Who has an alert in hand."""
    return {
        "alert": one.alert_id,
        "author": one.author,
        "comment": one.comment,
        "at": moment(one.at),
        "severity": one.level.severity,
    }


def silence(one: Silence, now: datetime, alerts: int) -> dict[str, Any]:
    """A silence, and how many open alerts it matches at `now`."""
    return {
        "id": one.id,
        "phase": one.phase(now).value,
        "matchers": [str(matcher) for matcher in one.matchers],
        "starts_at": moment(one.starts_at),
        "ends_at": moment(one.ends_at),
        "author": one.author,
        "comment": one.comment,
        "created_at": moment(one.created_at),
        "alerts": alerts,
    }


def notification(row: Notification, now: datetime) -> dict[str, Any]:
    """A row of the outbox; `now` ages one that waits."""
    message = row.message
    end = row.done_at or now
    return {
        "id": row.id,
        "incident": message.incident,
        "receiver": message.receiver,
        "notifier": row.notifier,
        "state": row.state.value,
        "status": message.status.value,
        "severity": message.severity,
        "group": dict(message.group_labels),
        "summary": message.alerts[0].summary if message.alerts else "",
        "alerts": len(message.alerts),
        "why": row.why,
        "reason": row.reason,
        "decided_at": moment(message.decided_at),
        "done_at": moment(row.done_at),
        "age_s": round(max((end - message.decided_at).total_seconds(), 0.0), 6),
        "attempts": row.attempts,
        "next_attempt_at": moment(row.next_attempt_at) if row.state is Outcome.PENDING else None,
        "last_error": row.last_error,
        "muted": list(message.muted),
    }
