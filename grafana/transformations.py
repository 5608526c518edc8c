"""Changes of rows and columns on their way from the query to the panel, in Grafana's words."""

from __future__ import annotations

from typing import Any

Transformation = dict[str, Any]


def without(*fields: str) -> Transformation:
    """Drops fields of a table."""
    return arranged(hidden=fields)


def arranged(*order: str, hidden: tuple[str, ...] = ()) -> Transformation:
    """Puts the fields of a table into an order and drops some."""
    places = {field: place for place, field in enumerate(order)}
    options = {"excludeByName": dict.fromkeys(hidden, True), "indexByName": places, "renameByName": {}}
    return {"id": "organize", "options": options}


def ordered(field: str, *, largest_first: bool) -> Transformation:
    """Sorts the rows by a field."""
    return {"id": "sortBy", "options": {"fields": {}, "sort": [{"field": field, "desc": largest_first}]}}


def at_most(rows: int) -> Transformation:
    """Keeps the first rows."""
    return {"id": "limit", "options": {"limitField": rows}}


def quotient(left: str, right: str, name: str) -> tuple[Transformation, ...]:
    """One column of two queries, each with one: InfluxQL cannot divide what comes from different measurements."""
    binary = {"left": {"matcher": {"id": "byName", "options": left}}, "operator": "/"}
    binary["right"] = {"matcher": {"id": "byName", "options": right}}
    options = {"mode": "binary", "reduce": {"reducer": "sum"}, "binary": binary, "alias": name, "replaceFields": True}
    return (
        {"id": "joinByField", "options": {"byField": "Time", "mode": "outer"}},
        {"id": "calculateField", "options": options},
    )
