"""`GET /api/v1/openapi.json`: the alerting API as OpenAPI 3.1 describes it. Pure; `api` serves it.

The invariant: every path that `api` serves stands here, with every status that it answers; a test asks each of them and
holds the answer against its schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from alerting import schemas
from alerting.alert import State
from alerting.memory.contract import Outcome
from alerting.muting.silence import Phase
from alerting.schemas import Schema, listed, record, ref, words

_JSON = "application/json"
_MOST_ROWS = 1000
_LIMIT = {"type": "integer", "minimum": 1, "maximum": _MOST_ROWS}
_RIGHT = {
    "401": "A change needs alerting.admin_token, which was not given",
    "403": "Changes are refused: others can reach this address and no alerting.admin_token is configured",
}


def describe() -> Mapping[str, Any]:
    """The whole description."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Tocsin alerting",
            "version": "1",
            "description": "Rules, their alerts, who has them in hand, silences, notifications. Times are RFC 3339 in "
            "UTC, durations are seconds, what is not known is null.",
        },
        "paths": {**_of_alerts(), **_of_hands(), **_of_silences(), **_of_records(), **_of_process()},
        "components": {
            "schemas": schemas.all_schemas(),
            "securitySchemes": {
                "admin": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "alerting.admin_token; wanted for changes where others than this machine can reach "
                    "the API",
                }
            },
        },
    }


def _of_alerts() -> Mapping[str, Any]:
    told = "Alerts that are pending, firing or without data: firing first, then the worst, then the newest"
    states = (State.PENDING, State.FIRING, State.NO_DATA)
    return {
        "/api/v1/alerts": {
            "get": _read(
                "listAlerts",
                told,
                record(alerts=listed("Alert"), total=ref("StateCounts")),
                parameters=[
                    _asked("state", "One of the three states", words(states)),
                    _asked("rule", "The name of a rule", {"type": "string"}),
                    _asked("limit", "How many at most; `total` counts all", {**_LIMIT, "default": _MOST_ROWS}),
                ],
                errors={"400": "A parameter is wrong"},
            )
        },
        "/api/v1/alerts/{id}/account": {
            "get": _read(
                "explainAlert",
                "Why an alert is as it is, and who is told of it or why nobody",
                ref("Account"),
                parameters=[_named("id", "The id of an alert, or a beginning of it that no other has")],
                errors={"404": "No alert, or several, have ids that begin so"},
            )
        },
    }


def _of_hands() -> Mapping[str, Any]:
    some = record(acknowledgements=listed("Acknowledgement"))
    named = _named("id", "The id of an alert or of an incident, or a beginning of it that no other has")
    return {
        "/api/v1/alerts/{id}/acknowledgement": {
            "post": {
                "operationId": "acknowledge",
                "summary": "Take an alert in hand, or all open alerts of an incident",
                "security": [{}, {"admin": []}],
                "parameters": [named],
                "requestBody": {"required": True, "content": {_JSON: {"schema": ref("AcknowledgementWish")}}},
                "responses": {
                    "201": _answer("One acknowledgement for each alert", some),
                    **_errors(
                        {
                            "400": "It is no acknowledgement",
                            **_RIGHT,
                            "404": "No open alert and no incident, or several, have ids that begin so",
                            "415": "It is not application/json",
                        }
                    ),
                },
            },
            "delete": {
                "operationId": "giveBack",
                "summary": "Give an alert back, or all open alerts of an incident: nobody has it in hand any more",
                "security": [{}, {"admin": []}],
                "parameters": [named],
                "responses": {
                    "200": _answer("The acknowledgements that are over", some),
                    **_errors({**_RIGHT, "404": "There is no such alert or incident, or nobody has it in hand"}),
                },
            },
        }
    }


def _of_silences() -> Mapping[str, Any]:
    one = record(silence=ref("Silence"))
    return {
        "/api/v1/silences": {
            "get": _read(
                "listSilences",
                "Silences, the one that ends last first; they are kept for 30 days after their end",
                record(silences=listed("Silence")),
                parameters=[_asked("phase", "Silences in this phase", words(Phase))],
                errors={"400": "A parameter is wrong"},
            ),
            "post": {
                "operationId": "makeSilence",
                "summary": "Make a silence, or change one. Exactly one of ends_at and for says when it ends",
                "security": [{}, {"admin": []}],
                "requestBody": {"required": True, "content": {_JSON: {"schema": ref("SilenceWish")}}},
                "responses": {
                    "201": _answer("The silence, as it was understood", one),
                    **_errors({"400": "It is no silence", **_RIGHT, "415": "It is not application/json"}),
                },
            },
        },
        "/api/v1/silences/{id}": {
            "delete": {
                "operationId": "endSilence",
                "summary": "End a silence now",
                "security": [{}, {"admin": []}],
                "parameters": [_named("id", "The id of a silence")],
                "responses": {
                    "200": _answer("The silence, which is over", one),
                    **_errors({**_RIGHT, "404": "There is no such silence"}),
                },
            }
        },
    }


def _of_records() -> Mapping[str, Any]:
    wrong = {"400": "A parameter is wrong"}
    return {
        "/api/v1/rules": {
            "get": _read("listRules", "Every rule that is loaded, with its health", record(rules=listed("Rule")))
        },
        "/api/v1/history": {
            "get": _read(
                "listHistory",
                "Transitions, newest first; the newest 10 000 are kept",
                record(history=listed("Transition")),
                parameters=[
                    _asked("limit", "How many at most", {**_LIMIT, "default": 100}),
                    _asked("id", "Those of one alert", {"type": "string"}),
                    _asked("rule", "Those of one rule", {"type": "string"}),
                ],
                errors=wrong,
            )
        },
        "/api/v1/notifications": {
            "get": _read(
                "listNotifications",
                "Messages by what became of them: those that wait oldest first, the others newest first",
                record(**{outcome.value: listed("Notification") for outcome in Outcome}),
                parameters=[_asked("limit", "How many at most in each list", {**_LIMIT, "default": 50})],
                errors=wrong,
            )
        },
    }


def _of_process() -> Mapping[str, Any]:
    text = {"text/plain": {"schema": {"type": "string"}}}
    ready = _read("ready", "Whether it accepts and its memory answers", ref("Ready"))
    ready["responses"]["503"] = _answer("Its memory does not answer", ref("NotReady"))
    return {
        "/api/v1/status": {"get": _read("status", "Configuration and totals", ref("Status"))},
        "/api/v1/openapi.json": {"get": _read("describe", "This description", {"type": "object"})},
        "/health": {"get": _read("health", "200 while the process lives", ref("Health"))},
        "/ready": {"get": ready},
        "/metrics": {
            "get": {
                "operationId": "metrics",
                "summary": "Its metrics, as Prometheus reads them",
                "responses": {"200": {"description": "Metrics", "content": text}},
            }
        },
    }


def _read(
    name: str,
    summary: str,
    schema: Schema,
    *,
    parameters: list[Schema] | None = None,
    errors: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """A GET that answers 200 with `schema`; a memory that fails is 503 everywhere."""
    away = {"503": "Memory does not answer"}
    asked = {"parameters": parameters} if parameters else {}
    responses = {"200": _answer(summary, schema), **_errors({**(errors or {}), **away})}
    return {"operationId": name, "summary": summary, **asked, "responses": responses}


def _answer(description: str, schema: Schema) -> dict[str, Any]:
    return {"description": description, "content": {_JSON: {"schema": schema}}}


def _errors(told: Mapping[str, str]) -> dict[str, Any]:
    return {status: _answer(description, ref("Error")) for status, description in told.items()}


def _asked(name: str, description: str, schema: Schema) -> Schema:
    return {"name": name, "in": "query", "description": description, "schema": schema}


def _named(name: str, description: str) -> Schema:
    return {"name": name, "in": "path", "required": True, "description": description, "schema": {"type": "string"}}
