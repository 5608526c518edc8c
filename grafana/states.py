"""States over time, and words that stand for values."""

from __future__ import annotations

from grafana.panels import Field, Panel, Size, Target, Words, every, framed


def word(value: float, text: str, colour: str) -> Words:
    """This text, in this colour, stands for one value."""
    return {"type": "value", "options": {f"{value:g}": {"text": text, "color": colour, "index": 0}}}


def between(least: float | None, most: float | None, text: str, colour: str) -> Words:
    """This text stands for the values from `least` to `most`, both included; None is without end."""
    result = {"text": text, "color": colour, "index": 0}
    return {"type": "range", "options": {"from": least, "to": most, "result": result}}


def timeline(title: str, description: str, targets: list[Target], field: Field, size: Size) -> Panel:
    """A line for each series, coloured by its state, windows of a minute and more."""
    options = {
        "mergeValues": True,
        "showValue": "auto",
        "alignValue": "left",
        "rowHeight": 0.85,
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": False},
        "tooltip": {"mode": "single", "sort": "none"},
    }
    custom = {"lineWidth": 0, "fillOpacity": 85, "spanNulls": False, "insertNulls": False}
    config = {"defaults": field.defaults("thresholds") | {"custom": custom}, "overrides": []}
    return every("1m", framed("state-timeline", (title, description), targets, size, config, options))
