"""The demo's past: an incident that alerting could have told, and the same in the shop's lines."""

from __future__ import annotations

from pathlib import Path

import yaml

from demo.faults import Kind
from demo.past import RULE, incident
from foundation.line_protocol.parse import parse_line

S = 1_000_000_000
NOW_NS = 1_767_225_600 * S
ROOT = Path(__file__).parents[2]


def test_every_alert_of_the_incident_opens_once_and_ends_once() -> None:
    """What opened sums up to nothing at the end, in the past, and the end says how long it was."""
    lines = [parse_line(line) for line in incident(NOW_NS).events()]
    fields = [dict(line.fields) for line in lines]
    assert sum(int(one["opened"]) for one in fields) == 0
    assert {one["lasted_s"] for one in fields if one["opened"] == -1} == {360.0}
    assert len({(line.tags, line.time_ns) for line in lines}) == len(lines)
    assert all(line.time_ns is not None and line.time_ns < NOW_NS for line in lines)


def test_the_incident_is_of_a_rule_that_ships() -> None:
    """The rule exists, and the values of the incident are critical by it."""
    rules = yaml.safe_load((ROOT / "rules" / "shop.yml").read_text(encoding="utf-8"))["rules"]
    (rule,) = [one for one in rules if one["alert"] == RULE]
    values = [float(dict(parse_line(line).fields)["value"]) for line in incident(NOW_NS).events()]
    assert min(values) > float(rule["critical"].removeprefix("> "))


def test_the_shop_is_slow_while_the_incident_lasts_and_only_then() -> None:
    """A stretch is broken by its middle."""
    one = incident(NOW_NS)
    seen = []
    for since_ns in range(NOW_NS - 3600 * S, NOW_NS, 30 * S):
        until_ns = since_ns + 30 * S
        faults = one.faults(since_ns, until_ns)
        seen += [since_ns] if faults.until.keys() == {Kind.LATENCY} else []
    assert (seen[0], seen[-1] + 30 * S) == (one.began_ns, one.began_ns + one.length_ns)
