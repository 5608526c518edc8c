"""The JSON Schemas of what the API answers and takes; `openapi` puts them into its description, `shapes` and `account`
make what they describe. Pure.

The invariant: every object names all of its keys and allows no other, so a key that is added or lost shows in the test
that holds real answers against them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any

from alerting.acknowledgement import ACKNOWLEDGED, RELEASED
from alerting.alert import Change, Level, State
from alerting.fallback import WHY
from alerting.memory.contract import Outcome, Suppression
from alerting.muting.mutes import MuteKind
from alerting.muting.silence import Phase
from alerting.notify.contract import Status
from alerting.routing.group import Notice
from alerting.routing.taken import REOPENED
from alerting.rules.policy import Missing
from alerting.watch import Health

Schema = dict[str, Any]

_TEXT: Schema = {"type": "string"}
_TRUTH: Schema = {"type": "boolean"}
_COUNT: Schema = {"type": "integer", "minimum": 0}
_SECONDS: Schema = {"type": "number", "minimum": 0}
_MOMENT: Schema = {"type": "string", "format": "date-time"}
_LABELS: Schema = {"type": "object", "additionalProperties": _TEXT}
_MATCHER: Schema = {"type": "string", "description": 'As in Alertmanager: team="web", severity=~"warn.*"'}
_SEVERITY: Schema = {"enum": [level.severity for level in (Level.OK, Level.WARNING, Level.CRITICAL)]}
_OPEN_STATES = (State.PENDING, State.FIRING, State.NO_DATA)


def ref(name: str) -> Schema:
    """A reference to the schema called `name`."""
    return {"$ref": f"#/components/schemas/{name}"}


def listed(name: str) -> Schema:
    """A list of the schema called `name`."""
    return {"type": "array", "items": ref(name)}


def words(values: Iterable[Enum]) -> Schema:
    """One of the words of an enumeration."""
    return {"enum": [one.value for one in values]}


def record(**properties: Schema) -> Schema:
    """An object that has all of `properties` and nothing else."""
    return {
        "type": "object",
        "properties": properties,
        "required": sorted(properties),
        "additionalProperties": False,
    }


def _or_null(schema: Schema) -> Schema:
    return {"anyOf": [schema, {"type": "null"}]}


def _texts(schema: Schema = _TEXT) -> Schema:
    return {"type": "array", "items": schema}


_MAYBE = _or_null(_MOMENT)
_NUMBER = _or_null({"type": "number"})
_TOLD: Mapping[str, Schema] = {
    "rule": _TEXT,
    "labels": _LABELS,
    "severity": _SEVERITY,
    "state": words(State),
    "value": _NUMBER,
    "reason": _TEXT,
}
"""What is told of an alert wherever it is told."""
_INCIDENT: Mapping[str, Schema] = {
    "id": _TEXT,
    "receiver": _TEXT,
    "group": _LABELS,
    "opened_at": _MOMENT,
    "said_at": _MAYBE,
    "muted": _or_null(ref("Mute")),
}


def all_schemas() -> Mapping[str, Schema]:
    """Every schema by its name."""
    return {
        **_of_alerts(),
        **_of_rules(),
        **_of_messages(),
        **_of_account(),
        **_of_silences(),
        **_of_hands(),
        **_of_process(),
    }


def _of_alerts() -> Mapping[str, Schema]:
    return {
        "Mute": record(kind=words(MuteKind), by=_TEXT, words=_TEXT, until=_MAYBE),
        "Incident": record(**_INCIDENT),
        "Alert": record(
            **_TOLD,
            id={"type": "string", "pattern": "^[0-9a-f]{16}$"},
            flapping=_TRUTH,
            threshold=_NUMBER,
            since=_MAYBE,
            fired_at=_MAYBE,
            seen_at=_MAYBE,
            annotations=record(summary=_TEXT, description=_TEXT, runbook_url=_TEXT),
            acknowledged=_or_null(ref("Acknowledgement")),
            incidents=listed("Incident"),
        ),
        "Transition": record(
            **_TOLD,
            at=_MOMENT,
            id=_TEXT,
            before=words(State),
            change={"enum": [*(one.value for one in Change), ACKNOWLEDGED, RELEASED]},
            summary=_TEXT,
            incident=_TEXT,
        ),
    }


def _of_rules() -> Mapping[str, Schema]:
    text = _or_null(_TEXT)
    return {
        "Rule": record(
            name=_TEXT,
            file=_TEXT,
            query=_TEXT,
            bucket=_TEXT,
            every_s=_SECONDS,
            over_s=_SECONDS,
            for_s=_SECONDS,
            keep_firing_for_s=_SECONDS,
            warn=text,
            critical=text,
            resolve=text,
            datapoints=text,
            missing=words(Missing),
            health=words(Health),
            error=text,
            last_evaluation=_MAYBE,
            duration_s=_or_null(_SECONDS),
            series=_COUNT,
            alerts=ref("StateCounts"),
        ),
        "StateCounts": record(**{state.value: _COUNT for state in _OPEN_STATES}),
    }


def _of_messages() -> Mapping[str, Schema]:
    return {
        "Notification": record(
            id=_COUNT,
            incident=_TEXT,
            receiver=_TEXT,
            notifier=_TEXT,
            state=words(Outcome),
            status=words(Status),
            severity=_SEVERITY,
            group=_LABELS,
            summary=_TEXT,
            alerts=_COUNT,
            why={"enum": [*(one.value for one in Notice), WHY, REOPENED]},
            reason={"enum": ["", *(one.value for one in Suppression)]},
            decided_at=_MOMENT,
            done_at=_MAYBE,
            age_s=_SECONDS,
            attempts=_COUNT,
            next_attempt_at=_MAYBE,
            last_error=_TEXT,
            muted=_texts(),
        )
    }


def _of_account() -> Mapping[str, Schema]:
    return {
        "Account": record(
            verdict=_TEXT,
            alert=ref("Alert"),
            rule=_or_null(ref("Rule")),
            samples={"type": "array", "items": ref("Sample")},
            calm_since=_MAYBE,
            routes=listed("Route"),
            incidents=listed("IncidentAccount"),
            history=listed("Transition"),
        ),
        "Sample": record(at=_MOMENT, value=_NUMBER),
        "Route": record(receiver=_TEXT, matchers=_texts(_texts(_MATCHER)), group_by=_texts()),
        "IncidentAccount": record(
            **_INCIDENT,
            notifiers=_texts(),
            due=_MAYBE,
            heard=_or_null(record(severity=_SEVERITY, state=words(State))),
            messages=listed("Notification"),
        ),
    }


def _of_silences() -> Mapping[str, Schema]:
    wish = record(
        matchers={**_texts(_MATCHER), "minItems": 1},
        author=_TEXT,
        comment=_TEXT,
        starts_at=_MOMENT,
        ends_at=_MOMENT,
        **{"for": {"type": "string", "description": "How long, as in 2h; in the place of ends_at"}},
        id={"type": "string", "description": "The silence to change; left out, a new one is made"},
    )
    return {
        "Silence": record(
            id=_TEXT,
            phase=words(Phase),
            matchers=_texts(_MATCHER),
            starts_at=_MOMENT,
            ends_at=_MOMENT,
            author=_TEXT,
            comment=_TEXT,
            created_at=_MOMENT,
            alerts={**_COUNT, "description": "Open alerts that match"},
        ),
        "SilenceWish": {**wish, "required": ["author", "comment", "matchers"]},
    }


def _of_hands() -> Mapping[str, Schema]:
    return {
        "Acknowledgement": record(
            alert={"type": "string", "description": "The id of the alert"},
            author=_TEXT,
            comment=_TEXT,
            at=_MOMENT,
            severity={**_SEVERITY, "description": "How bad the alert was when it was acknowledged"},
        ),
        "AcknowledgementWish": {
            **record(author={**_TEXT, "minLength": 1}, comment=_TEXT),
            "required": ["author"],
        },
    }


def _of_process() -> Mapping[str, Schema]:
    return {
        "Error": record(error=_TEXT),
        "Status": record(
            status={"enum": ["ok", "degraded"]},
            now=_MOMENT,
            started_at=_MOMENT,
            config=record(
                ok=_TRUTH,
                loaded_at=_MOMENT,
                errors=_texts(),
                restart_needed=_texts(),
                rules=_texts(),
                notify=_or_null(_TEXT),
            ),
            receivers=_texts(),
            rules=record(total=_COUNT, failing=_COUNT),
            alerts=ref("StateCounts"),
            notifications=record(pending=_COUNT, failed=_COUNT, oldest_pending_age_s=_SECONDS),
        ),
        "Health": record(status={"const": "ok"}),
        "Ready": record(status={"const": "ready"}, pending_notifications=_COUNT),
        "NotReady": record(status={"const": "not ready"}, error=_TEXT),
    }
