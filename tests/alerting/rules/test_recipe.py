"""What a rule makes of the answers to its questions."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from alerting import rehearse
from alerting.alert import Labels
from alerting.rules.load import load
from alerting.rules.recipe import Recipe, Values
from alerting.rules.rule import Burn, Comparison, Rule
from alerting.rules.template import Facts
from foundation.clock import SystemClock
from foundation.errors import ConfigError

NOW = datetime(2026, 1, 1, tzinfo=UTC)
FACTS = Facts(labels={}, value=21.345, level="critical", threshold=14.4, since=NOW)
ERRORS = "SELECT sum(error) FROM http_request GROUP BY service"
ALL = "SELECT count(duration_ms) FROM http_request GROUP BY service"
MEAN = "SELECT mean(duration_ms) FROM http_request GROUP BY service"


def recipe(query: str, **keys: Any) -> Recipe:
    return Rule(**{"alert": "A", "query": query, "over": timedelta(minutes=5), "warn": "> 1", **keys}).recipe


def service(name: str) -> Labels:
    return (("service", name),)


def compared(as_: str, to: timedelta = timedelta(days=7), query: str = MEAN) -> Recipe:
    return recipe(query, compare=Comparison(to=to, as_=as_))  # type: ignore[arg-type]  # a word of the enum


@pytest.mark.parametrize(
    ("above", "below", "expected"),
    [
        ({service("a"): 5.0}, {service("a"): 100.0}, {service("a"): 0.05}),
        ({}, {service("a"): 100.0}, {service("a"): 0.0}),
        ({service("a"): 5.0}, {}, {service("a"): None}),
        ({service("a"): None}, {service("a"): 100.0}, {service("a"): None}),
        ({service("a"): 5.0}, {service("a"): 0.0}, {service("a"): None}),
        ({}, {}, {}),
    ],
)
def test_ratio_of_counts(above: Values, below: Values, expected: Values) -> None:
    """Nothing counted above the line is 0; nothing below it is no value."""
    assert recipe(ERRORS, divided_by=ALL).combine((above, below)) == expected


def test_ratio_of_what_is_not_counted_makes_no_zero() -> None:
    """A mean without any row is not 0."""
    made = recipe(MEAN, divided_by=ALL)
    assert made.combine(({}, {service("a"): 100.0})) == {}


def test_ratio_to_a_whole() -> None:
    """A divisor grouped by fewer tags, or by none, divides every series."""
    by_endpoint = "SELECT count(duration_ms) FROM http_request GROUP BY service, endpoint"
    above = {(("endpoint", "/pay"), ("service", "a")): 5.0, (("endpoint", "/cart"), ("service", "a")): 15.0}
    shares = {labels: value / 20 for labels, value in above.items()}
    assert recipe(by_endpoint, divided_by=ALL).combine((above, {service("a"): 20.0})) == shares
    total = "SELECT count(duration_ms) FROM http_request"
    assert recipe(by_endpoint, divided_by=total).combine((above, {(): 20.0})) == shares


@pytest.mark.parametrize(
    ("as_", "expected"), [("difference", -20.0), ("percent", -40.0), ("ratio", 0.6), ("rate", -20.0 / 604_800)]
)
def test_now_as_seen_from_then(as_: str, expected: float) -> None:
    """30 now and 50 a week ago."""
    made = compared(as_)
    assert made.parts[1].ago == timedelta(days=7)
    assert made.combine(({service("a"): 30.0}, {service("a"): 50.0})) == {service("a"): pytest.approx(expected)}


def test_nothing_then_is_no_value_unless_it_was_counted() -> None:
    """A series that is new cannot be compared; a count of nothing is 0."""
    now = {service("a"): 30.0}
    assert compared("difference").combine((now, {})) == {service("a"): None}
    assert compared("difference", query=ALL).combine((now, {})) == {service("a"): 30.0}
    assert compared("percent", query=ALL).combine((now, {})) == {service("a"): None}
    assert compared("difference", query=ALL).combine(({}, now)) == {service("a"): -30.0}


def test_too_few_samples_are_no_value() -> None:
    """The points of the query's first field are counted, series by series."""
    made = recipe(ERRORS, min_samples=20)
    assert "count(error)" in made.parts[1].question.text(NOW)
    values = {service("a"): 5.0, service("b"): 5.0, service("c"): 5.0}
    counts = {service("a"): 20.0, service("b"): 19.0}
    assert made.combine((values, counts)) == {service("a"): 5.0, service("b"): None, service("c"): None}


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"divided_by": "SELECT x, y FROM m"}, "divided_by: selects 2 columns"),
        ({"divided_by": "SELECT count(x) FROM m GROUP BY host"}, "divided_by: must be grouped by the tags"),
        ({"divided_by": "SELECT count(x) FROM m GROUP BY *"}, "divided_by: must be grouped by the tags"),
        ({"divided_by": ALL, "compare": Comparison(to=timedelta(1), as_="ratio")}, "leave one out"),  # type: ignore[arg-type]  # as above
        ({"min_samples": -1}, "min_samples: is a number of points"),
    ],
)
def test_what_cannot_be_combined_is_refused(keys: dict[str, Any], told: str) -> None:
    """By the key that is wrong."""
    with pytest.raises(ValueError, match=told):
        recipe(ERRORS, **keys)


def test_what_cannot_be_counted_is_refused() -> None:
    """A subquery has no points of its own; a comparison with now is none."""
    with pytest.raises(ValueError, match="min_samples: counts the points of a measurement"):
        recipe("SELECT mean(x) FROM (SELECT max(y) AS x FROM m GROUP BY host)", min_samples=5)
    with pytest.raises(ValueError, match="to: must be longer"):
        Comparison(to=timedelta(0), as_="ratio")  # type: ignore[arg-type]  # as above


RULES = """
rules:
  - alert: ErrorRatioHigh
    query: SELECT sum(error) FROM http_request GROUP BY service
    divided_by: SELECT count(error) FROM http_request GROUP BY service
    min_samples: 2
    over: 2m
    every: 1m
    warn: "> 0.4"
    resolve: "< 0.2"
  - alert: LoadJumped
    query: SELECT mean(load) FROM host GROUP BY host
    compare: {to: 3m, as: percent}
    over: 1m
    every: 1m
    warn: ">= 100"
"""
CASES = """
rule_files: [rules.yml]
tests:
  - interval: 1m
    input_series:
      - {series: 'http_request,service=a error', values: '0 1 1 0 0 0'}
      - {series: 'http_request,service=b error', values: '1 _ _ _ _ _'}
      - {series: 'host,host=h load', values: '1 1 1 2 1 1'}
    alert_rule_test:
      - {eval_time: 0m, alertname: ErrorRatioHigh, exp_alerts: []}
      - {eval_time: 1m, alertname: ErrorRatioHigh, exp_alerts: [{exp_labels: {service: a, severity: warning}}]}
      - {eval_time: 3m, alertname: ErrorRatioHigh, exp_alerts: [{exp_labels: {service: a, severity: warning}}]}
      - {eval_time: 4m, alertname: ErrorRatioHigh, exp_alerts: []}
      - {eval_time: 2m, alertname: LoadJumped, exp_alerts: []}
      - {eval_time: 3m, alertname: LoadJumped, exp_alerts: [{exp_labels: {host: h, severity: warning}}]}
      - {eval_time: 4m, alertname: LoadJumped, exp_alerts: []}
"""


async def test_recipes_in_a_rehearsal(tmp_path: Path) -> None:
    """Through the store: one failing of one request is too few, half of two is too much; a doubled load is a jump."""
    (tmp_path / "rules.yml").write_text(RULES)
    (tmp_path / "cases.yml").write_text(CASES)
    report = await rehearse.run([tmp_path / "cases.yml"], env={}, clock=SystemClock())
    assert (report.unreadable, [check.faults for check in report.checks]) == ((), [()] * 7)


def burning(objective: float = 99.9, short: timedelta = timedelta(minutes=5)) -> Recipe:
    return recipe(ERRORS, divided_by=ALL, burn=Burn(objective=objective, short=short), over=timedelta(hours=1))


@pytest.mark.parametrize(
    ("long", "short", "expected"),
    [
        ((20, 1000), (5, 100), 20.0),
        ((20, 1000), (1, 100), 10.0),
        ((20, 1000), (0, 100), 0.0),
        ((20, 1000), (0, 0), None),
    ],
)
def test_budget_burns_as_fast_as_in_the_slower_window(
    long: tuple[float, float], short: tuple[float, float], expected: float | None
) -> None:
    """2 % of errors are 20 budgets of 99.9 %; when the short window is calm it is over."""
    made = burning()
    assert [part.question.over for part in made.parts] == [timedelta(hours=1)] * 2 + [timedelta(minutes=5)] * 2
    answers = [{service("a"): float(number)} for number in (*long, *short)]
    found = made.combine(answers)[service("a")]
    assert found == (None if expected is None else pytest.approx(expected))


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"burn": {"objective": 100.0, "short": timedelta(minutes=5)}}, "objective: is a percentage"),
        ({"burn": {"objective": 99.0, "short": timedelta(0)}}, "short: must be longer"),
        (
            {"burn": {"objective": 99.0, "short": timedelta(hours=1)}, "divided_by": ALL},
            "must be shorter than over",
        ),
        ({"burn": {"objective": 99.0, "short": timedelta(minutes=1)}}, "burn: needs divided_by"),
    ],
)
def test_a_budget_that_cannot_burn_is_refused(keys: dict[str, Any], told: str) -> None:
    """By the key that is wrong."""
    with pytest.raises(ValueError, match=told):
        recipe(ERRORS, **{**keys, "burn": Burn(**keys["burn"])})


SLO = """
slos:
  - slo: ShopWorks
    objective: 99
    bad: SELECT sum(error) FROM r GROUP BY shop
    total: SELECT count(error) FROM r GROUP BY shop
"""


def test_an_objective_is_three_rules(tmp_path: Path) -> None:
    """With the label slo; a rule that has the name of one of them is an error that says where both stand."""
    (tmp_path / "slo.yml").write_text(SLO)
    made = load([tmp_path / "slo.yml"], {})
    assert [rule.alert for rule in made] == ["ShopWorksBurnsFast", "ShopWorksBurnsQuickly", "ShopWorksBurnsSlowly"]
    assert {rule.labels["slo"] for rule in made} == {"ShopWorks"}
    assert made[0].words.render(FACTS)["summary"] == "ShopWorks: the error budget burns 21.3 times as fast as it may"
    (tmp_path / "twin.yml").write_text(
        "rules:\n  - {alert: ShopWorksBurnsSlowly, query: SELECT mean(x) FROM m, over: 1m, warn: '> 1'}\n"
    )
    with pytest.raises(ConfigError) as caught:
        load([tmp_path / "slo.yml", tmp_path / "twin.yml"], {})
    assert (
        f"{tmp_path / 'twin.yml'}:2: alert ShopWorksBurnsSlowly is already defined in {tmp_path / 'slo.yml'}:3"
        in str(caught.value)
    )


BURN_CASES = """
rule_files: [slo.yml]
evaluation_interval: 5m
tests:
  - interval: 5m
    input_series:
      - {series: 'r,shop=a error', values: '0x11 1x5 0x20'}
    alert_rule_test:
      - {eval_time: 55m, alertname: ShopWorksBurnsFast, exp_alerts: []}
      - eval_time: 75m
        alertname: ShopWorksBurnsFast
        exp_alerts: [{exp_labels: {shop: a, slo: ShopWorks, severity: critical}}]
      - {eval_time: 100m, alertname: ShopWorksBurnsFast, exp_alerts: []}
"""


async def test_an_objective_in_a_rehearsal(tmp_path: Path) -> None:
    """A burst that spends the budget pages within minutes and is over minutes after it ended."""
    (tmp_path / "slo.yml").write_text(SLO)
    (tmp_path / "cases.yml").write_text(BURN_CASES)
    report = await rehearse.run([tmp_path / "cases.yml"], env={}, clock=SystemClock())
    assert (report.unreadable, [check.faults for check in report.checks]) == ((), [()] * 3)
