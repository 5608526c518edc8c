"""Heat maps: how values are spread, window by window. InfluxQL has no histogram, so each range is counted by itself."""

from __future__ import annotations

from itertools import pairwise
from string import ascii_uppercase

from grafana.panels import Field, Panel, Size, Target, framed, target
from grafana.queries import WINDOW, select

RESPONSE_MS = (10, 25, 50, 100, 200, 400, 600, 1_000, 2_500)
"""Upper ends of the ranges; the rules' own limits are among them, so that a row is fine or it is not."""


def counts(field: str, source: str, where: tuple[str, ...], bounds: tuple[float, ...]) -> list[Target]:
    """How many values lie in each range (low, high], and above the last; each named by its upper end."""
    ranges = [(None, bounds[0]), *pairwise(bounds), (bounds[-1], None)]
    targets = []
    for ref, (low, high) in zip(ascii_uppercase, ranges, strict=False):
        above = () if low is None else (f'"{field}" > {low:g}',)
        below = () if high is None else (f'"{field}" <= {high:g}',)
        query = select(f'count("{field}")', source=source, where=(*where, *above, *below), every=WINDOW, fill="0")
        targets.append(target(query, alias="+Inf" if high is None else f"{high:g}", ref=ref))
    return targets


def heatmap(title: str, description: str, targets: list[Target], field: Field, size: Size) -> Panel:
    """A row a range (`field.unit` is of its bounds), a column a window; the lighter, the more."""
    options = {
        "calculate": False,
        "rowsFrame": {"layout": "le", "value": "Requests"},
        "cellGap": 1,
        "filterValues": {"le": 1e-9},
        "showValue": "never",
        "color": {
            "mode": "scheme",
            "scheme": "Cividis",
            "exponent": 0.5,
            "steps": 64,
            "fill": "blue",
            "reverse": False,
        },
        "yAxis": {"axisPlacement": "left", "unit": field.unit, "reverse": False},
        "legend": {"show": True},
        "tooltip": {"mode": "single", "yHistogram": False, "showColorScale": True},
        "exemplars": {"color": "rgba(255,0,255,0.7)"},
    }
    custom = {"scaleDistribution": {"type": "linear"}, "hideFrom": {"legend": False, "tooltip": False, "viz": False}}
    config = {"defaults": field.defaults("thresholds") | {"custom": custom, "unit": "short"}, "overrides": []}
    panel = framed("heatmap", (title, description), targets, size, config, options)
    return panel | {"interval": "10s", "maxDataPoints": 120}
