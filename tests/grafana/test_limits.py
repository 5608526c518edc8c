"""What is red on a board is what pages somebody: the boards' limits are those of the rules that ship."""

import math
import re
from itertools import combinations
from pathlib import Path

import pytest
import yaml

from alerting.alert import State
from alerting.rules.load import load
from grafana import limits
from grafana.limits import Limits
from tests.grafana.reading import BOARDS, panels

RULES = Path(__file__).resolve().parents[2] / "rules"


@pytest.mark.parametrize(
    ("shown", "rule", "scale"),
    [
        (limits.RESPONSE_MS, "FeatureSlow", 1),
        (limits.ERROR_PCT, "ErrorRateHigh", 100),
        (limits.STOCK_PCT, "StockLow", 100),
        (limits.DISK_PCT, "HostDiskFull", 1),
        (limits.MEMORY_PCT, "HostMemoryHigh", 1),
        (limits.BEHIND_S, "PipelineBehind", 1),
    ],
)
def test_limits_are_those_of_the_rules(shown: Limits, rule: str, scale: float):
    """Amber begins where the rule warns and red where it is critical, in the board's unit and direction."""
    files = [yaml.safe_load(path.read_text(encoding="utf-8")).get("rules", []) for path in sorted(RULES.glob("*.yml"))]
    (found,) = [one for rules in files for one in rules if one["alert"] == rule]
    operator, warn = found["warn"].split()
    _, critical = found["critical"].split()
    expected = (pytest.approx(float(warn) * scale), pytest.approx(float(critical) * scale), operator == "<")
    assert (shown.warn, shown.critical, shown.falling) == expected


def test_burn_rates_are_those_of_the_objectives_rules():
    """The lines over a burn rate stand where the rules of each objective page: fast in an hour, slower in six."""
    found = {rule.alert: rule.critical for rule in load([RULES / "objectives.yml"], {})}
    fast = {rule for name, rule in found.items() if name.endswith("BurnsFast")}
    quick = {rule for name, rule in found.items() if name.endswith("BurnsQuickly")}
    assert {str(rule) for rule in fast} == {f"> {limits.BURN_RATE.critical:g}"}
    assert {str(rule) for rule in quick} == {f"> {limits.BURN_RATE.warn:g}"}


MACHADO = {  # how colours are seen without one kind of cone: Machado, Oliveira and Fernandes, 2009, severity 1
    "all cones": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "no red cones": ((0.1523, 1.0526, -0.2049), (0.1145, 0.7863, 0.0992), (-0.0039, -0.0481, 1.0520)),
    "no green cones": ((0.3673, 0.8606, -0.2280), (0.2801, 0.6725, 0.0474), (-0.0118, 0.0429, 0.9689)),
    "no blue cones": ((1.2555, -0.0767, -0.1788), (-0.0784, 0.9308, 0.1476), (0.0047, 0.6914, 0.3039)),
}
GRAFANA = {"blue": "#5794F2", "orange": "#FF9830", "red": "#F2495C"}
THEME = (RULES.parent / "console" / "static" / "theme.js").read_text(encoding="utf-8")
TOLD_APART = 25.0
"""Distance in CIELAB from which two colours are told apart at a glance, a small patch of each."""


def lab(colour: str, eyes: str) -> tuple[float, float, float]:
    shares = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    light = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
    seen = [min(max(sum(a * b for a, b in zip(row, light, strict=True)), 0), 1) for row in MACHADO[eyes]]
    white = ((0.4124, 0.3576, 0.1805, 0.9505), (0.2126, 0.7152, 0.0722, 1.0), (0.0193, 0.1192, 0.9505, 1.0888))
    xyz = [sum(a * b for a, b in zip(row[:3], seen, strict=True)) / row[3] for row in white]
    x, y, z = (part ** (1 / 3) if part > 0.008856 else 7.787 * part + 16 / 116 for part in xyz)
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def themes() -> dict[str, dict[str, str]]:
    found = {name: re.search(rf"const {name} = {{(.*?)}}", THEME) for name in ("DARK", "LIGHT")}
    return {name: dict(re.findall(r'(\w+): "(#\w{6})"', text[1])) for name, text in found.items() if text}


@pytest.mark.parametrize("eyes", MACHADO)
@pytest.mark.parametrize("colours", [GRAFANA, *themes().values()], ids=["Grafana", *themes()])
def test_fine_amber_and_red_are_told_apart_by_all_eyes(colours: dict[str, str], eyes: str):
    """The three colours of every limit are far apart for people who lack one kind of cone too."""
    seen = [lab(colours[name], eyes) for name in (limits.FINE, limits.WARN, limits.CRITICAL)]
    assert min(math.dist(one, other) for one, other in combinations(seen, 2)) > TOLD_APART


@pytest.mark.parametrize("eyes", MACHADO)
@pytest.mark.parametrize("scheme", ["DARK", "LIGHT"])
def test_lines_of_a_chart_are_told_apart_by_all_eyes(scheme: str, eyes: str):
    """The console's eight colours of series, which also have names and an order to go by."""
    text = re.search(rf"const SERIES_{scheme} = \[(.*?)\]", THEME)
    assert text is not None
    seen = [lab(colour, eyes) for colour in re.findall(r"#\w{6}", text[1])]
    assert len(seen) == 8
    assert min(math.dist(one, other) for one, other in combinations(seen, 2)) > 10


def test_what_is_drawn_alone_has_a_colour_that_all_eyes_know():
    """Grafana's own palette begins with green; it is left to lines that a tag tells apart, with a legend."""
    for board in BOARDS.values():
        for panel in panels(board):
            if panel["type"] == "timeseries":
                several = any("$tag" in target["alias"] for target in panel["targets"])
                mode = panel["fieldConfig"]["defaults"]["color"]
                expected = {"mode": "palette-classic"} if several else {"mode": "fixed", "fixedColor": limits.PLAIN}
                assert mode == expected, panel["title"]


def test_each_state_of_an_alert_has_a_colour():
    """What nobody has in hand is red, what somebody has is not, and what is over is neither."""
    tables = [panel for panel in panels(BOARDS["tocsin-alerts"]) if panel["type"] == "table"]
    rules = [rule for panel in tables for rule in panel["fieldConfig"]["overrides"]]
    properties = [part for rule in rules if rule["matcher"]["options"] == "state" for part in rule["properties"]]
    found = [part["value"][0]["options"] for part in properties if part["id"] == "mappings"]
    assert len(found) == 2
    for words in found:
        assert words.keys() == {*State, "acknowledged", "released"}
        colours = {words[name]["color"] for name in ("firing", "acknowledged", "inactive")}
        assert len(colours) == 3
