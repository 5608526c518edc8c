"""Makes boards of panels: places them, numbers them, adds what every board has, and keeps the files fresh.

The output is a function of the code alone: sorted keys, no times, no random ids.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grafana.panels import Panel
from grafana.variables import DATASOURCE, datasource

Board = dict[str, Any]

COLUMNS = 24
FOLDER = Path(__file__).resolve().parent / "provisioning" / "dashboards" / "json"
TAG = "tocsin"

_SCHEMA_VERSION = 42
_SHARED_CROSSHAIR = 1


@dataclass(frozen=True, slots=True)
class Heading:
    """What a board is called, what it answers, and for whom it is."""

    uid: str
    title: str
    description: str
    audience: str


def board(
    heading: Heading,
    panels: Iterable[Panel],
    *,
    variables: Iterable[dict[str, Any]] = (),
    since: str = "now-1h",
    refresh: str = "30s",
    deploys_of: str = "",
) -> Board:
    """A whole board; `deploys_of` is a condition that narrows the deploy marks."""
    return {
        "uid": heading.uid,
        "title": heading.title,
        "description": f"{heading.description} For {heading.audience}.",
        "tags": [TAG],
        "schemaVersion": _SCHEMA_VERSION,
        "editable": False,
        "graphTooltip": _SHARED_CROSSHAIR,
        "timezone": "browser",
        "time": {"from": since, "to": "now"},
        "timepicker": {"refresh_intervals": ["5s", "10s", "30s", "1m", "5m", "15m"]},
        "refresh": refresh,
        "fiscalYearStartMonth": 0,
        "weekStart": "",
        "liveNow": False,
        "preload": False,
        "links": [_boards_link()],
        "templating": {"list": [datasource(), *variables]},
        "annotations": {"list": [_alerts(), _deploys(deploys_of)]},
        "panels": place(panels),
    }


def place(panels: Iterable[Panel]) -> list[Panel]:
    """The panels from left to right and top to bottom, each line as high as its highest, with ids from 1."""
    placed: list[Panel] = []
    x = y = line_height = 0
    for number, panel in enumerate(panels, 1):
        width, height = panel["gridPos"]["w"], panel["gridPos"]["h"]
        if x + width > COLUMNS:
            x, y, line_height = 0, y + line_height, 0
        placed.append(panel | {"id": number, "gridPos": {"x": x, "y": y, "w": width, "h": height}})
        x, line_height = x + width, max(line_height, height)
    return placed


def dump(one: Board) -> str:
    """The board as the text that is committed."""
    return json.dumps(one, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


def stale(boards: Mapping[str, Board], folder: Path = FOLDER) -> list[str]:
    """What the folder has that the code does not say, or says otherwise; one sentence each."""
    problems = []
    for uid, one in boards.items():
        path = folder / f"{uid}.json"
        if not path.is_file():
            problems.append(f"{path}: is not there; python -m grafana writes it")
        elif path.read_text(encoding="utf-8") != dump(one):
            problems.append(f"{path}: differs from the code; python -m grafana writes it again")
    problems += [
        f"{path}: belongs to no board in grafana/boards/catalog.py; python -m grafana removes it"
        for path in sorted(folder.glob("*.json"))
        if path.stem not in boards
    ]
    return problems


def write(boards: Mapping[str, Board], folder: Path = FOLDER) -> None:
    """Make the folder say what the code says."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("*.json"):
        if path.stem not in boards:
            path.unlink()
    for uid, one in boards.items():
        (folder / f"{uid}.json").write_text(dump(one), encoding="utf-8")


def _boards_link() -> dict[str, Any]:
    return {
        "type": "dashboards",
        "title": "Boards",
        "tooltip": "The other boards, at the same time range",
        "icon": "external link",
        "tags": [TAG],
        "asDropdown": True,
        "includeVars": True,
        "keepTime": True,
        "targetBlank": False,
        "url": "",
    }


def _alerts() -> dict[str, Any]:
    columns = '"summary", "alertname", "severity", "state"'
    query = f'SELECT {columns} FROM "alert_event" WHERE $timeFilter AND "state" = \'firing\''  # noqa: S608 - our own
    return _annotation("Alerts", "red", query, title="alertname", text="summary", tags="severity,state")


def _deploys(condition: str) -> dict[str, Any]:
    query = 'SELECT "text", "service", "release" FROM "deploy" WHERE $timeFilter'
    query = f"{query} AND {condition}" if condition else query
    return _annotation("Deploys", "blue", query, title="release", text="text", tags="service")


def _annotation(name: str, colour: str, query: str, *, title: str, text: str, tags: str) -> dict[str, Any]:
    return {
        "name": name,
        "enable": True,
        "hide": False,
        "iconColor": colour,
        "datasource": DATASOURCE,
        "target": {
            "refId": "Anno",
            "name": name,
            "fromAnnotations": True,
            "query": query,
            "rawQuery": True,
            "resultFormat": "table",
            "titleColumn": title,
            "textColumn": text,
            "tagsColumn": tags,
            "timeEndColumn": "",
        },
    }
