"""The drop-downs of a board. Every board starts with the data source; the rest are filled by queries."""

from __future__ import annotations

from typing import Any

DATASOURCE = {"type": "influxdb", "uid": "${datasource}"}

_ON_TIME_RANGE_CHANGE = 2
_ALPHABETICAL = 1


def datasource() -> dict[str, Any]:
    """Which InfluxDB the board asks; the first one unless the reader picks another."""
    return {
        "type": "datasource",
        "name": "datasource",
        "label": "Data source",
        "query": "influxdb",
        "regex": "",
        "hide": 0,
        "refresh": 1,
        "multi": False,
        "includeAll": False,
        "options": [],
        "current": {},
    }


def tag(name: str, query: str, *, label: str, description: str, single: bool = False) -> dict[str, Any]:
    """Some or all values of a tag, asked from the data of the time range; exactly one of them with `single`."""
    some = {"multi": True, "includeAll": True, "allValue": ".*", "current": {"text": ["All"], "value": ["$__all"]}}
    one = {"multi": False, "includeAll": False, "current": {}}
    return (one if single else some) | {
        "type": "query",
        "name": name,
        "label": label,
        "description": description,
        "datasource": DATASOURCE,
        "definition": query,
        "query": {"query": query, "refId": f"variable-{name}"},
        "refresh": _ON_TIME_RANGE_CHANGE,
        "sort": _ALPHABETICAL,
        "regex": "",
        "hide": 0,
        "options": [],
    }
