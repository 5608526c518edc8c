"""The rules that ship: each is complete, explained, and does what its unit test says."""

from __future__ import annotations

from pathlib import Path

import pytest

from alerting import rehearse
from alerting.config import load_notify
from alerting.rules.load import load
from alerting.rules.rule import Rule
from foundation.clock import SystemClock

ROOT = Path(__file__).parents[2]
RULES = load([ROOT / "rules" / "*.yml"], {})
CASES = sorted((ROOT / "tests" / "rules").glob("*.yml"))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: str(rule.alert))
def test_every_rule_tells_what_to_do(rule: Rule) -> None:
    """A page that wakes somebody has words, a runbook (one for the three rules of an objective), a team, a service."""
    assert rule.summary
    assert rule.description
    named = rule.labels.get("slo", rule.alert)
    assert (ROOT / rule.runbook_url).read_text(encoding="utf-8").startswith(f"# {named}\n")
    assert rule.labels["team"]
    assert "service" in rule.labels or "service" in (rule.grouped_by or ())


def test_every_runbook_is_listed() -> None:
    """The index of runbooks names every rule, and every objective."""
    index = (ROOT / "docs" / "runbooks" / "README.md").read_text(encoding="utf-8")

    assert [rule.alert for rule in RULES if f"[{rule.labels.get('slo', rule.alert)}](" not in index] == []


async def test_the_rules_pass_their_unit_tests_and_none_is_without() -> None:
    """Every case in tests/rules holds, run as `tocsin rule test` runs it, and every rule has one that sees it fire."""
    report = await rehearse.run(CASES, env={}, clock=SystemClock())

    assert report.unreadable == ()
    assert [line for line in report.lines if "FAILED" in line or line.startswith("    ")] == []
    assert {check.alertname for check in report.checks} == {rule.alert for rule in RULES}


def test_the_demo_routes_to_its_own_pager() -> None:
    """The demo's notify.yml loads, and follows the port that the pager was really given."""
    notify = load_notify(ROOT / "demo" / "notify.yml", {"DEMO_PAGER_URL": "http://127.0.0.1:4711"})
    addresses = [
        config.url if key == "pagerduty" else config.address.reveal()
        for receiver in notify.receivers
        for key, config in receiver.notifiers
    ]

    assert addresses
    assert all(address.startswith("http://127.0.0.1:4711/") for address in addresses)
