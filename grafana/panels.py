"""One function a panel kind, each a plain dict in Grafana's classic schema. `render` adds the id and the place.

Every panel says what it shows and what to do when it is red (`description`), and what an empty one means
(`Field.empty`). Settings that few panels need are added by `every`, `within` and `transformed`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from grafana.limits import Limits
from grafana.variables import DATASOURCE

Panel = dict[str, Any]
Target = dict[str, Any]
Override = dict[str, Any]
Size = tuple[int, int]
"""Width in twenty-fourths of the board, height in units of about 30 pixels."""

_PLUGIN_VERSION = "13.1.4"
_BRIDGED_MS = 180_000
"""A line goes on over a gap of this length; a longer one is information and stays a gap."""


@dataclass(frozen=True, slots=True)
class Field:
    """How the values of a panel are written and coloured. `empty` stands where there is no value."""

    unit: str
    empty: str
    limits: Limits | None = None
    minimum: float | None = None
    maximum: float | None = None
    decimals: int | None = None

    def defaults(self, colour_mode: str) -> dict[str, Any]:
        """As Grafana's field defaults."""
        values = {"min": self.minimum, "max": self.maximum, "decimals": self.decimals}
        return {
            "unit": self.unit,
            "noValue": self.empty,
            "thresholds": steps(self.limits),
            "mappings": [],
            "color": {"mode": colour_mode},
        } | {name: value for name, value in values.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Drawing:
    """How a time series is drawn."""

    fill: int = 0
    """opacity of the area in percent"""
    stacked: bool = False


LINES = Drawing()
AREA = Drawing(fill=10)
STACKED = Drawing(fill=25, stacked=True)


def target(query: str, *, alias: str = "", table: bool = False) -> Target:
    """A query of a panel. `alias` may hold $col and $tag_name; `table` keeps rows and tags as columns."""
    return {
        "refId": "A",
        "datasource": DATASOURCE,
        "query": query,
        "rawQuery": True,
        "resultFormat": "table" if table else "time_series",
        "alias": alias,
    }


def steps(limits: Limits | None) -> dict[str, Any]:
    """Colours by value, from the limits; without limits everything is fine."""
    if limits is None:
        ladder: list[tuple[str, float | None]] = [("green", None)]
    elif limits.falling:
        ladder = [("red", None), ("orange", limits.critical), ("green", limits.warn)]
    else:
        ladder = [("green", None), ("orange", limits.warn), ("red", limits.critical)]
    return {"mode": "absolute", "steps": [{"color": name, "value": value} for name, value in ladder]}


def override(field: str, **properties: Any) -> Override:
    """Settings for the one field of that name; a double underscore in a keyword stands for a dot."""
    return {
        "matcher": {"id": "byName", "options": field},
        "properties": [{"id": name.replace("__", "."), "value": value} for name, value in properties.items()],
    }


def colour(field: str, name: str) -> Override:
    """A fixed colour for the one field of that name."""
    return override(field, color={"mode": "fixed", "fixedColor": name})


def timeseries(
    title: str,
    description: str,
    targets: list[Target],
    field: Field,
    size: Size,
    *,
    drawing: Drawing = LINES,
    overrides: tuple[Override, ...] = (),
) -> Panel:
    """Lines over time, windows of ten seconds and more."""
    custom = {
        "drawStyle": "line",
        "lineInterpolation": "linear",
        "lineWidth": 1,
        "fillOpacity": drawing.fill,
        "gradientMode": "none",
        "showPoints": "auto",
        "pointSize": 4,
        "spanNulls": _BRIDGED_MS,
        "stacking": {"mode": "normal" if drawing.stacked else "none", "group": "A"},
        "thresholdsStyle": {"mode": "dashed" if field.limits else "off"},
        "axisPlacement": "auto",
        "axisLabel": "",
    }
    options = {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True, "calcs": ["lastNotNull", "max"]},
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
    config = {"defaults": field.defaults("palette-classic") | {"custom": custom}, "overrides": list(overrides)}
    return every("10s", _panel("timeseries", (title, description), targets, size, config, options))


def stat(
    title: str,
    description: str,
    targets: list[Target],
    field: Field,
    size: Size,
    *,
    calc: str = "lastNotNull",
    sparkline: bool = False,
) -> Panel:
    """One number, coloured by its limits; `calc` makes it of the values that the query returns."""
    options = {
        "reduceOptions": {"values": False, "calcs": [calc], "fields": ""},
        "orientation": "auto",
        "textMode": "value",
        "wideLayout": True,
        "colorMode": "value",
        "graphMode": "area" if sparkline else "none",
        "justifyMode": "auto",
    }
    config = {"defaults": field.defaults("thresholds"), "overrides": []}
    return every("10s", _panel("stat", (title, description), targets, size, config, options))


def bargauge(title: str, description: str, targets: list[Target], field: Field, size: Size) -> Panel:
    """A horizontal bar for each row of a table."""
    options = {
        "reduceOptions": {"values": True, "calcs": [], "fields": "", "limit": 40},
        "orientation": "horizontal",
        "displayMode": "basic",
        "valueMode": "color",
        "namePlacement": "left",
        "showUnfilled": True,
        "sizing": "auto",
    }
    defaults = field.defaults("thresholds")
    if field.limits is None:
        defaults["color"] = {"mode": "fixed", "fixedColor": "blue"}
    return _panel("bargauge", (title, description), targets, size, {"defaults": defaults, "overrides": []}, options)


def table(
    title: str,
    description: str,
    targets: list[Target],
    field: Field,
    size: Size,
    *,
    sort: dict[str, Any],
    overrides: tuple[Override, ...] = (),
) -> Panel:
    """Rows and columns, sorted by one of them; units and limits come as overrides of the columns."""
    custom = {"align": "auto", "cellOptions": {"type": "auto"}, "filterable": False}
    config = {"defaults": field.defaults("thresholds") | {"custom": custom}, "overrides": list(overrides)}
    options = {"showHeader": True, "cellHeight": "sm", "sortBy": [sort]}
    return _panel("table", (title, description), targets, size, config, options)


def row(title: str) -> Panel:
    """A headline over the panels that follow."""
    return {"type": "row", "title": title, "collapsed": False, "panels": [], "gridPos": {"w": 24, "h": 1}}


def descending(column: str) -> dict[str, Any]:
    """A table's order: largest first."""
    return {"displayName": column, "desc": True}


def ascending(column: str) -> dict[str, Any]:
    """A table's order: smallest first."""
    return {"displayName": column, "desc": False}


def every(interval: str, panel: Panel) -> Panel:
    """The panel with windows no shorter than `interval`, how often its data comes."""
    return panel | {"interval": interval}


def within(window: str, panel: Panel) -> Panel:
    """The panel with a look at the last `window`, whatever the board's range."""
    return panel | {"timeFrom": window, "hideTimeOverride": True}


def transformed(panel: Panel, *transformations: dict[str, Any]) -> Panel:
    """The panel with its rows and columns changed on their way from the query."""
    return panel | {"transformations": list(transformations)}


def without(*fields: str) -> dict[str, Any]:
    """A transformation that drops fields of a table."""
    return {
        "id": "organize",
        "options": {"excludeByName": dict.fromkeys(fields, True), "indexByName": {}, "renameByName": {}},
    }


def ordered(field: str, *, largest_first: bool) -> dict[str, Any]:
    """A transformation that sorts the rows by a field."""
    return {"id": "sortBy", "options": {"fields": {}, "sort": [{"field": field, "desc": largest_first}]}}


def at_most(rows: int) -> dict[str, Any]:
    """A transformation that keeps the first rows."""
    return {"id": "limit", "options": {"limitField": str(rows)}}


def _panel(
    kind: str,
    words: tuple[str, str],
    targets: list[Target],
    size: Size,
    field_config: dict[str, Any],
    options: dict[str, Any],
) -> Panel:
    return {
        "type": kind,
        "title": words[0],
        "description": words[1],
        "datasource": DATASOURCE,
        "pluginVersion": _PLUGIN_VERSION,
        "targets": targets,
        "gridPos": {"w": size[0], "h": size[1]},
        "fieldConfig": field_config,
        "options": options,
    }
