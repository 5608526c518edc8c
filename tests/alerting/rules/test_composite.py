"""Conditions on other rules: how they are read, how they are judged, what a file may say."""

from datetime import timedelta
from pathlib import Path

import pytest

from alerting import rehearse
from alerting.alert import State
from alerting.rules.composite import Composite
from alerting.rules.load import load
from alerting.rules.when import Standing, parse, standing
from foundation.clock import SystemClock
from foundation.errors import ConfigError

SECOND = timedelta(seconds=1)
A, K, N, U = Standing.ALARM, Standing.OK, Standing.NO_DATA, Standing.UNKNOWN


def judged(text: str, **standings: Standing) -> float | None:
    return parse(text, SECOND).values(standings)[()]


@pytest.mark.parametrize(
    ("text", "a", "b", "expected"),
    [
        ('ALARM("a") AND ALARM("b")', A, A, 1),
        ('ALARM("a") AND ALARM("b")', A, K, 0),
        ('ALARM("a") OR ALARM("b")', K, A, 1),
        ('ALARM("a") AND NOT OK("b")', A, N, 1),
        ('NO_DATA("a") OR INSUFFICIENT_DATA("b")', K, N, 1),
        ('NOT (ALARM("a") OR ALARM("b"))', K, K, 1),
        ('ALARM("a") OR ALARM("b") AND OK("a")', A, K, 1),
        ("NOT ALARM('a') and ok('b')", K, K, 1),
        ('TRUE AND (FALSE OR ALARM("a"))', A, K, 1),
        ('ALARM("a") AND ALARM("b")', A, U, None),
        ('ALARM("a") AND ALARM("b")', K, U, 0),
        ('ALARM("a") OR ALARM("b")', A, U, 1),
        ('ALARM("a") OR ALARM("b")', K, U, None),
        ('NOT ALARM("b")', A, U, None),
    ],
)
def test_truth_table(text: str, a: Standing, b: Standing, expected: float | None) -> None:
    """AND binds before OR; what depends on a rule that nobody can judge is unknown, and nothing else is."""
    assert judged(text, a=a, b=b) == expected


@pytest.mark.parametrize(
    ("states", "is_sure", "expected"),
    [
        ([], True, K),
        ([State.PENDING], True, K),
        ([State.PENDING, State.FIRING], True, A),
        ([State.NO_DATA], True, N),
        ([State.NO_DATA, State.FIRING], True, A),
        ([], False, U),
        ([State.FIRING], False, A),
        ([State.NO_DATA], False, U),
    ],
)
def test_a_rule_as_a_whole(states: list[State], is_sure: bool, expected: Standing) -> None:
    """One alert that fires is enough, also while the rule cannot be evaluated; a pending one is none yet."""
    assert standing(states, is_sure=is_sure) is expected


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "at its end one of ALARM"),
        ("ALARM", "at its end ( was expected"),
        ("ALARM(a)", "at 'a)' the name of a rule in quotes"),
        ('ALARM("a"', "at its end ) was expected"),
        ('ALARM("a") OK("b")', """at 'OK("b")' nothing more"""),
        ('ALARM("a") AND', "at its end one of"),
        ('ALARM("a") & OK("b")', """'& OK("b")' is not understood"""),
        ("(" * 60 + 'OK("a")' + ")" * 60, "nested more than 50 deep"),
    ],
)
def test_what_is_no_condition_is_refused(text: str, told: str) -> None:
    """The error says where, and how one is written."""
    with pytest.raises(ValueError, match="is no condition") as caught:
        parse(text, SECOND)
    assert told in str(caught.value)
    assert "write it as in" in str(caught.value)


def test_names_in_quotes() -> None:
    """Quotes may stand in a name behind a backslash."""
    assert parse(r'ALARM("a \"b\"") OR OK(' + "'c')", SECOND).rules == {'a "b"', "c"}


def test_summary_of_a_composite_is_its_condition() -> None:
    """Unless it has one of its own; quotes in the condition do no harm."""
    rule = Composite(alert="Both", when="""ALARM('a') AND ALARM("b")""").rule
    assert rule.summary == """Both: {{ 'ALARM(\\'a\\') AND ALARM("b")' }}"""
    assert (rule.critical, rule.every, rule.grouped_by) == ("> 0", SECOND, ())


RULES = """
rules:
  - {alert: A, query: SELECT last(x) FROM m GROUP BY host, over: 1m, every: 1m, warn: "> 1"}
  - {alert: B, query: SELECT last(y) FROM m, over: 1m, every: 1m, warn: "> 1"}
composites:
  - {alert: Both, when: ALARM("A") AND ALARM("B"), every: 1m}
  - {alert: Above, when: ALARM("Both") AND NOT OK("A"), severity: warning, every: 1m}
"""


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ('AND ALARM("B")', 'AND ALARM("C")', "6: when: there is no rule 'C'"),
        ('ALARM("A") AND ALARM("B")', 'ALARM("Above")', "6: when: it asks for itself: Both -> Above -> Both"),
        ('NOT OK("A")', 'NOT OK("Above")', "7: when: it asks for itself: Above -> Above"),
        ('ALARM("A") AND ALARM("B")', 'ALARM("A") ALARM("B")', "6: composites[0]: when: "),
    ],
)
def test_faults_of_a_file_are_named(tmp_path: Path, before: str, after: str, told: str) -> None:
    """By line: a rule that does not exist, a circle, a condition that is none."""
    (tmp_path / "rules.yml").write_text(RULES.replace(before, after, 1))
    with pytest.raises(ConfigError) as caught:
        load([tmp_path / "rules.yml"], {})
    assert f"{tmp_path / 'rules.yml'}:{told}" in str(caught.value)


CASES = """
rule_files: [rules.yml]
tests:
  - interval: 1m
    input_series:
      - {series: 'm,host=h x', values: '0 2 2 2 0'}
      - {series: 'm y', values: '0 0 2 2 2'}
    alert_rule_test:
      - {eval_time: 1m, alertname: Both, exp_alerts: []}
      - {eval_time: 2m, alertname: Both, exp_alerts: [{exp_labels: {severity: critical}}]}
      - {eval_time: 3m, alertname: Above, exp_alerts: [{exp_labels: {severity: warning}}]}
      - {eval_time: 4m, alertname: Both, exp_alerts: []}
      - {eval_time: 4m, alertname: Above, exp_alerts: []}
"""


async def test_composites_in_a_rehearsal(tmp_path: Path) -> None:
    """With the rules that they ask for, and those that these ask for."""
    (tmp_path / "rules.yml").write_text(RULES)
    (tmp_path / "cases.yml").write_text(CASES)
    report = await rehearse.run([tmp_path / "cases.yml"], env={}, clock=SystemClock())
    assert (report.unreadable, [check.faults for check in report.checks]) == ((), [()] * 5)
