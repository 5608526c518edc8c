"""A notify.yml beside its rules: matchers nobody meets, routes nobody reaches, receivers and calendars nobody names."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from alerting.config import load_notify, located
from alerting.rules.rule import Rule
from alerting.untold import of_notify

RULES = (
    Rule(
        alert="Slow",
        query="SELECT mean(x) FROM m GROUP BY host",
        over=timedelta(minutes=1),
        warn="> 3",
        labels={"team": "web"},
    ),
    Rule(alert="Full", query="SELECT last(x) FROM d", over=timedelta(minutes=1), critical="> 3"),
)
WIDE = (Rule(alert="Wide", query="SELECT mean(x) FROM m GROUP BY *", over=timedelta(minutes=1), warn="> 3"),)
RECEIVERS = "receivers: [{name: a}, {name: b, fallback: c}, {name: c}, {name: d}]\n"


def told(tmp_path: Path, text: str, rules: tuple[Rule, ...] = RULES) -> list[str]:
    path = tmp_path / "n.yml"
    path.write_text(text)
    findings = of_notify(load_notify(path, {}), rules)
    return [
        line.removeprefix(str(path))
        for where, finding in findings
        for line in located(path, [(where, finding.words)], "" if finding.is_fault else "warning")
    ]


def routes(*lines: str) -> str:
    listed = "".join(f"  - {line}\n" for line in lines)
    return f"receivers: [{{name: a}}]\nroute:\n  receiver: a\n  routes:\n{listed}"


@pytest.mark.parametrize(
    ("matchers", "words"),
    [
        ('[severity="page"]', 'severity="page" is never met: a severity is warning or critical'),
        ('[alertname="Slwo"]', 'warning: route.routes[0].matchers: no rule has alerts that meet alertname="Slwo"'),
        ('[alertname="Slwo"]', "did you mean Slow?"),
        ('[tema="web"]', "none has the label 'tema'; did you mean team?"),
        ('[team="wbe"]', "did you mean web?"),
        ('[team="web", alertname="Full"]', "no rule has alerts that meet all of"),
        ('[severity="critical", alertname="Slow"]', "no rule has alerts that meet all of"),
    ],
)
def test_a_route_that_no_alert_can_meet_is_found_with_its_place(tmp_path: Path, matchers: str, words: str):
    """File, line and path; a severity that there is none of is a fault, all else a warning, with the nearest name."""
    (line,) = told(tmp_path, routes(f"matchers: {matchers}"))
    assert line.startswith(":5: ")
    assert words in line
    assert ("warning: " in line) == ("severity is" not in words)


@pytest.mark.parametrize(
    "matchers",
    [
        '[team="web"]',
        '[host="anything"]',
        '[host=""]',
        '[team!="x"]',
        '[nothing=""]',
        '[severity=~"warn.*"]',
        '[alertname="TocsinRuleBlind", severity="critical"]',
        '[alertname="TocsinNotificationsFailing", receiver="a"]',
        '[alertname=~"Sl.*|Nothing"]',
    ],
)
def test_a_route_that_some_alert_may_meet_is_let_be(tmp_path: Path, matchers: str):
    """Tags of GROUP BY hold anything, a missing label is an empty one, and Tocsin's own alerts are alerts."""
    assert told(tmp_path, routes(f"matchers: {matchers}")) == []


def test_where_the_data_decides_about_labels_every_name_may_come(tmp_path: Path):
    """GROUP BY * makes labels of all tags; and without any rule nothing is said about matchers."""
    text = routes('matchers: [what="ever"]')
    assert told(tmp_path, text, WIDE) == []
    assert told(tmp_path, text, ()) == []


def test_a_route_below_one_that_is_never_met_is_not_told_again(tmp_path: Path):
    """The matchers above belong to it; one finding is enough."""
    text = routes(
        "{matchers: [tema=web], routes: [{matchers: [x=y]}]}",
        "{matchers: [team=web], routes: [{matchers: [host=h, alertname=Full]}]}",
    )
    lines = told(tmp_path, text)
    assert len(lines) == 2
    assert 'route.routes[1].routes[0].matchers: no rule has alerts that meet all of team="web", host="h"' in lines[1]


def test_a_route_behind_one_that_takes_all_of_it_is_never_reached(tmp_path: Path):
    """A fault, unless the one before goes on; a narrower one before a wider one is right."""
    wide, narrow = "matchers: [host=h]", "matchers: [team=web, host=h]"
    (line,) = told(tmp_path, routes(wide, narrow))
    assert line == (
        ":6: route.routes[1]: is never reached: routes[0] takes all of its alerts, and has no `continue: true`"
    )
    assert told(tmp_path, routes(narrow, wide)) == []
    assert told(tmp_path, routes("{matchers: [host=h], continue: true}", narrow)) == []


def test_receivers_nobody_routes_to_are_found(tmp_path: Path):
    """One that is a fallback of a receiver that is told is told."""
    text = f"{RECEIVERS}route: {{receiver: a, routes: [{{matchers: [team=web], receiver: b}}]}}\n"
    (line,) = told(tmp_path, text)
    assert line.startswith(":1: warning: receivers[3]: nobody routes to 'd'")
    without = told(tmp_path, f"{RECEIVERS}route: {{receiver: a}}\n")
    assert [line.split("'")[1] for line in without] == ["b", "c", "d"]


def test_inhibition_between_alerts_that_there_are_none_of_is_found(tmp_path: Path):
    """Source, target, and labels in `equal` that none has, which would be equal always."""
    text = """receivers: [{name: a}]
route: {receiver: a}
inhibit_rules:
- source_matchers: [alertname="Slwo"]
  target_matchers: [team="wbe"]
  equal: [host, hots]
"""
    lines = told(tmp_path, text)
    assert [line.split(": ")[2] for line in lines] == [
        "inhibit_rules[0].source_matchers",
        "inhibit_rules[0].target_matchers",
        "inhibit_rules[0].equal",
    ]
    assert lines[2].endswith("'hots', and what both lack counts as equal; did you mean host?")


def test_calendars_nobody_uses_are_found(tmp_path: Path):
    """Used is what a route names, to mute by or to be told in."""
    text = """receivers: [{name: a}]
route: {receiver: a, routes: [{matchers: [team=web], mute_time_intervals: [one], active_time_intervals: [two]}]}
time_intervals:
- {name: one, time_intervals: [{weekdays: [monday]}]}
- {name: two, time_intervals: [{weekdays: [monday]}]}
- {name: three, time_intervals: [{weekdays: [monday]}]}
"""
    assert told(tmp_path, text) == [":6: warning: time_intervals[2]: no route names the calendar 'three'"]
