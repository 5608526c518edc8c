"""`tocsin rule test`: promtool's shape, the production path, an honest report."""

from pathlib import Path

import pytest

from alerting import rehearse
from alerting.rehearse import Report
from foundation.clock import SystemClock

RULES = """
rules:
  - alert: CheckoutSlow
    query: SELECT percentile(duration_ms, 95) FROM http_request GROUP BY endpoint
    over: 1m
    every: 1m
    warn: "> 300"
    critical: "> 800"
    for: 1m
    labels: {team: payments}
    summary: "{{ labels.endpoint }}: p95 {{ value | ms }}"
  - alert: Silent
    query: SELECT last(v) FROM dev GROUP BY device
    over: 1m
    every: 1m
    warn: "> 300"
    missing: alert
"""

ALERTS = "{endpoint: /pay, team: payments, severity: warning}"


async def rehearsed(tmp_path: Path, tests: str, rules: str = RULES) -> Report:
    (tmp_path / "rules.yml").write_text(rules)
    file = tmp_path / "tests.yml"
    file.write_text(tests)
    return await rehearse.run([file], env={}, clock=SystemClock())


def a_test(values: str, checks: str, series: str = "http_request,endpoint=/pay duration_ms", head: str = "") -> str:
    return f"""
rule_files: [rules.yml]
{head}
tests:
  - interval: 1m
    name: one
    input_series:
      - series: '{series}'
        values: '{values}'
    alert_rule_test:
{checks}
"""


async def test_expected_alerts_pass(tmp_path: Path):
    """`exp_alerts` are the firing alerts with all their labels, `alertname` implied; pending ones are none."""
    checks = f"""
      - {{eval_time: 1m, alertname: CheckoutSlow, exp_alerts: []}}
      - {{eval_time: 2m, alertname: CheckoutSlow, exp_alerts: [{{exp_labels: {ALERTS}}}]}}
      - {{eval_time: 5m, alertname: CheckoutSlow}}
"""
    report = await rehearsed(tmp_path, a_test("100 400x2 900 100", checks))
    assert report.failed == ()
    assert report.unreadable == ()
    assert report.lines == (f"{tmp_path}/tests.yml: 3 of 3 passed",)


async def test_a_missing_alert_fails(tmp_path: Path):
    """An alert that should fire and does not is told with what it is instead."""
    checks = f"      - {{eval_time: 1m, alertname: CheckoutSlow, exp_alerts: [{{exp_labels: {ALERTS}}}]}}"
    report = await rehearsed(tmp_path, a_test("100 400", checks))
    (check,) = report.failed
    labels = "{alertname='CheckoutSlow', endpoint='/pay', severity='warning', team='payments'}"
    assert check.faults == (f"expected, but not firing: {labels}; it is pending, value 400",)


async def test_an_unexpected_alert_fails(tmp_path: Path):
    """An alert that fires and is not expected fails; so does one with another severity."""
    checks = """
      - {eval_time: 0s, alertname: CheckoutSlow, exp_alerts: []}
      - {eval_time: 1m, alertname: CheckoutSlow, exp_alerts: []}
"""
    report = await rehearsed(tmp_path, a_test("400 900", checks))
    labels = "{alertname='CheckoutSlow', endpoint='/pay', severity='critical', team='payments'}"
    assert [check.faults for check in report.failed] == [(f"firing, but not expected: {labels}, value 900",)]


async def test_annotations_are_compared_only_if_given(tmp_path: Path):
    """`exp_annotations` left out means not compared; given, all of them are."""
    checks = f"""
      - eval_time: 1m
        alertname: CheckoutSlow
        exp_alerts: [{{exp_labels: {ALERTS}, exp_annotations: {{summary: "/pay: p95 450 ms"}}}}]
      - eval_time: 2m
        alertname: CheckoutSlow
        exp_alerts: [{{exp_labels: {ALERTS}, exp_annotations: {{summary: "wrong", description: "more"}}}}]
"""
    report = await rehearsed(tmp_path, a_test("400 450x3", checks))
    (check,) = report.failed
    labels = "{alertname='CheckoutSlow', endpoint='/pay', severity='warning', team='payments'}"
    assert check.faults == (
        f"description of {labels}: expected 'more', found None",
        f"summary of {labels}: expected 'wrong', found '/pay: p95 450 ms'",
    )


@pytest.mark.parametrize(
    ("values", "severities"), [("1 1 _", ["warning"]), ("1 1 stale", []), ("1 1 stale 1 _", ["warning"])]
)
async def test_stale_ends_a_series_and_a_blank_does_not(tmp_path: Path, values: str, severities: list[str]):
    """`_` is a gap, which `missing: alert` counts as bad; after `stale` there is no series that could be missing."""
    expected = "".join(f"{{exp_labels: {{device: a, severity: {severity}}}}}" for severity in severities)
    checks = f"      - {{eval_time: 4m, alertname: Silent, exp_alerts: [{expected}]}}"
    report = await rehearsed(tmp_path, a_test(values, checks, series="dev,device=a v"))
    assert [check.faults for check in report.failed] == []


async def test_stale_of_one_input_does_not_end_an_alert_of_many(tmp_path: Path):
    """An alert is fed by all series with its labels; it ends when the last of them has."""
    tests = """
rule_files: [rules.yml]
tests:
  - input_series:
      - {series: 'dev,device=a,port=1 v', values: '1 stale'}
      - {series: 'dev,device=a,port=2 v', values: '1 1 _ _'}
    alert_rule_test:
      - {eval_time: 3m, alertname: Silent, exp_alerts: [{exp_labels: {device: a, severity: warning}}]}
"""
    report = await rehearsed(tmp_path, tests)
    assert [check.faults for check in report.failed] == []


async def test_evaluation_interval_overrides_every(tmp_path: Path):
    """Evaluations run at each `evaluation_interval`; without it, at the rule's `every`."""
    every_30s = RULES.replace("every: 1m", "every: 30s").replace("for: 1m", "for: 90s")
    checks = f"      - {{eval_time: 90s, alertname: CheckoutSlow, exp_alerts: [{{exp_labels: {ALERTS}}}]}}"
    at_every = await rehearsed(tmp_path, a_test("400x9", checks), every_30s)
    assert at_every.failed == ()
    at_interval = await rehearsed(tmp_path, a_test("400x9", checks, head="evaluation_interval: 1m"), every_30s)
    assert len(at_interval.failed) == 1


async def test_windows_are_open_on_the_left(tmp_path: Path):
    """At time t with `over: 1m` a sample at t counts and one at t - 1m does not."""
    rules = RULES.replace("for: 1m", "for: 0s").replace("every: 1m", "every: 30s")
    checks = f"""
      - {{eval_time: 0s, alertname: CheckoutSlow, exp_alerts: [{{exp_labels: {ALERTS}}}]}}
      - {{eval_time: 30s, alertname: CheckoutSlow, exp_alerts: [{{exp_labels: {ALERTS}}}]}}
      - {{eval_time: 1m, alertname: CheckoutSlow}}
"""
    report = await rehearsed(tmp_path, a_test("400 100", checks), rules)
    assert [check.faults for check in report.failed] == []


async def test_escapes_of_line_protocol(tmp_path: Path):
    """The field stands behind the last unescaped blank; tags may hold escaped ones."""
    checks = "      - {eval_time: 0s, alertname: Silent, exp_alerts: [{exp_labels: {device: a b, severity: warning}}]}"
    report = await rehearsed(tmp_path, a_test("400", checks, series="dev,device=a\\ b v"))
    assert [check.faults for check in report.failed] == []


async def test_an_unknown_rule_fails(tmp_path: Path):
    """A name that no rule has fails, even where no alert is expected, and the nearest name is told."""
    checks = "      - {eval_time: 1m, alertname: CheckoutSlo, exp_alerts: []}"
    report = await rehearsed(tmp_path, a_test("1", checks))
    assert [check.faults for check in report.failed] == [("no rule has this name; did you mean CheckoutSlow?",)]


async def test_a_rule_that_cannot_be_evaluated_fails(tmp_path: Path):
    """A query that the store refuses fails the test, with the store's words."""
    rules = RULES.replace("percentile(duration_ms, 95)", "nosuch(duration_ms)")
    checks = "      - {eval_time: 1m, alertname: CheckoutSlow, exp_alerts: []}"
    report = await rehearsed(tmp_path, a_test("1 1", checks), rules)
    ((fault,),) = (check.faults for check in report.failed)
    assert fault.startswith("the rule cannot be evaluated: ")
    assert "nosuch" in fault


async def test_a_test_without_samples(tmp_path: Path):
    """No samples, no alerts."""
    checks = "      - {eval_time: 1m, alertname: Silent, exp_alerts: []}"
    report = await rehearsed(tmp_path, a_test("_ _", checks))
    assert (len(report.checks), report.failed) == (1, ())


@pytest.mark.parametrize(
    ("tests", "line", "words"),
    [
        ("tests: []", 1, "rule_files is missing"),
        (a_test("1 2 three", "      []"), 8, "'three' is not promtool's notation"),
        (a_test("1", "      []", series="lonely"), 8, "one field"),
        (a_test("1", "      []").replace("interval: 1m", "intervall: 1m"), 5, "did you mean interval?"),
        (a_test("1", "      - {eval_time: 1, alertname: X}"), 11, "is not a duration"),
    ],
)
async def test_a_file_that_cannot_be_read(tmp_path: Path, tests: str, line: int, words: str):
    """Every fault names file and line and what was expected; nothing is run."""
    report = await rehearsed(tmp_path, tests)
    assert report.checks == ()
    assert any(f"tests.yml:{line}" in told and words in told for told in report.unreadable), report.unreadable


async def test_a_rule_file_that_cannot_be_read(tmp_path: Path):
    """Rule files are relative to the test file, and their faults are told as theirs."""
    report = await rehearsed(tmp_path, a_test("1", "      []"), RULES.replace("> 800", "> 200"))
    assert len(report.unreadable) == 1
    assert f"{tmp_path}/rules.yml:3: rules[0]: critical" in report.unreadable[0]
