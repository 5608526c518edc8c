"""One function a panel kind, each a plain dict in Grafana's classic schema. `render` adds the id and the place.

Every panel says what it shows and what to do when it is red (`description`), and what an empty one means
(`Field.empty`). Settings that few panels need are added by `every`, `within`, `earlier`, `repeated` and `transformed`;
kinds that need more than a function stand in `states` and `heat`, changes of rows and columns in `transformations`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from grafana.limits import CRITICAL, FINE, PLAIN, WARN, Limits
from grafana.links import Link
from grafana.variables import DATASOURCE

Panel = dict[str, Any]
Target = dict[str, Any]
Override = dict[str, Any]
Words = dict[str, Any]
Size = tuple[int, int]
"""Width in twenty-fourths of the board, height in units of about 30 pixels."""

_PLUGIN_VERSION = "13.1.4"
_BRIDGED_MS = 180_000
"""A line goes on over a gap of this length; a longer one is information and stays a gap."""


@dataclass(frozen=True, slots=True)
class Field:
    """How the values of a panel are written and coloured. `empty` stands where there is no value.

    `words` stand for values (`states.word`, `states.between`); `link` is where a click on the value leads.
    """

    unit: str
    empty: str
    limits: Limits | None = None
    minimum: float | None = None
    maximum: float | None = None
    decimals: int | None = None
    words: tuple[Words, ...] = ()
    link: Link | None = None

    def defaults(self, colour_mode: str) -> dict[str, Any]:
        """As Grafana's field defaults."""
        values = {"min": self.minimum, "max": self.maximum, "decimals": self.decimals}
        return {
            "unit": self.unit,
            "noValue": self.empty,
            "thresholds": steps(self.limits),
            "mappings": list(self.words),
            "color": {"mode": colour_mode},
            "links": [self.link] if self.link else [],
        } | {name: value for name, value in values.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Drawing:
    """How a time series is drawn."""

    fill: int = 0
    """opacity of the area in percent"""
    stacked: bool = False
    bars: bool = False


BARS = Drawing(fill=80, stacked=True, bars=True)
LINES = Drawing()
AREA = Drawing(fill=10)
STACKED = Drawing(fill=25, stacked=True)


def target(query: str, *, alias: str = "", table: bool = False, ref: str = "A") -> Target:
    """A query of a panel, `ref` its name in it. `alias` may hold $col and $tag_name; `table` keeps rows and tags."""
    return {
        "refId": ref,
        "datasource": DATASOURCE,
        "query": query,
        "rawQuery": True,
        "resultFormat": "table" if table else "time_series",
        "alias": alias,
    }


def steps(limits: Limits | None) -> dict[str, Any]:
    """Colours by value, from the limits; without limits everything is fine."""
    if limits is None:
        ladder: list[tuple[str, float | None]] = [(FINE, None)]
    elif limits.falling:
        ladder = [(CRITICAL, None), (WARN, limits.critical), (FINE, limits.warn)]
    else:
        ladder = [(FINE, None), (WARN, limits.warn), (CRITICAL, limits.critical)]
    return {"mode": "absolute", "steps": [{"color": name, "value": value} for name, value in ladder]}


def override(field: str, **properties: Any) -> Override:
    """Settings for the one field of that name; a double underscore in a keyword stands for a dot."""
    return {
        "matcher": {"id": "byName", "options": field},
        "properties": [{"id": name.replace("__", "."), "value": value} for name, value in properties.items()],
    }


def colour(field: str, name: str) -> Override:
    """A fixed colour for the one field of that name."""
    return override(field, color=fixed(name))


def fixed(name: str) -> dict[str, Any]:
    """One colour, whatever the value."""
    return {"mode": "fixed", "fixedColor": name}


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
    """Lines over time, windows of ten seconds and more; what a tag tells apart takes colours from Grafana's palette."""
    custom = {
        "drawStyle": "bars" if drawing.bars else "line",
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
    several = any("$tag" in one["alias"] for one in targets)
    colours = {"mode": "palette-classic"} if several else fixed(PLAIN)
    defaults = field.defaults("palette-classic") | {"color": colours, "custom": custom}
    config = {"defaults": defaults, "overrides": list(overrides)}
    return every("10s", framed("timeseries", (title, description), targets, size, config, options))


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
    return every("10s", framed("stat", (title, description), targets, size, config, options))


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
        defaults["color"] = fixed(PLAIN)
    return framed("bargauge", (title, description), targets, size, {"defaults": defaults, "overrides": []}, options)


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
    return framed("table", (title, description), targets, size, config, options)


def row(title: str, *, repeat: str = "", collapsed: tuple[Panel, ...] = ()) -> Panel:
    """A headline over the panels that follow; with `repeat`, once for each value of that variable.

    `collapsed` are panels that stay folded away, and ask for nothing, until somebody opens the row.
    """
    folded = {"collapsed": bool(collapsed), "panels": list(collapsed)}
    return (
        {"type": "row", "title": title, "gridPos": {"w": 24, "h": 1}} | folded | ({"repeat": repeat} if repeat else {})
    )


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


def earlier(shift: str, panel: Panel) -> Panel:
    """The panel with a look at the same range, `shift` earlier."""
    return panel | {"timeShift": shift, "hideTimeOverride": False}


def repeated(variable: str, panel: Panel, *, beside: int = 3) -> Panel:
    """The panel once for each value of the variable, `beside` each other at most."""
    return panel | {"repeat": variable, "repeatDirection": "h", "maxPerRow": beside}


def transformed(panel: Panel, *transformations: dict[str, Any]) -> Panel:
    """The panel with its rows and columns changed on their way from the query."""
    return panel | {"transformations": list(transformations)}


def framed(
    kind: str,
    words: tuple[str, str],
    targets: list[Target],
    size: Size,
    field_config: dict[str, Any],
    options: dict[str, Any],
) -> Panel:
    """What every panel has around what its kind needs; `words` are title and description."""
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
