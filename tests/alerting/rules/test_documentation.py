"""docs/rules.md tells every key of a rule, and its examples are true."""

import dataclasses
import re
from pathlib import Path

import pytest

from alerting import rehearse
from alerting.rules.filters import FILTERS
from alerting.rules.load import load
from alerting.rules.policy import Missing
from alerting.rules.rule import Rule
from foundation import durations
from foundation.clock import SystemClock
from foundation.description import key_of

PAGE = (Path(__file__).parents[3] / "docs" / "rules.md").read_text(encoding="utf-8")
FIELDS = [field for field in dataclasses.fields(Rule) if field.init]
EXAMPLES = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("field", FIELDS, ids=key_of)
def test_every_key_is_told_with_its_default(field: dataclasses.Field[object]):
    """A key of a rule has a row, and the default in it is the one of the code."""
    row = re.search(rf"^\| `{key_of(field)}` \|(.*?)\|", PAGE, re.MULTILINE)
    assert row is not None
    told = row[1].strip(" `")
    if field.default is dataclasses.MISSING:
        assert told == ("required" if field.default_factory is dataclasses.MISSING else "")
    elif hasattr(field.default, "total_seconds"):
        assert durations.parse(told) == field.default
    else:
        assert told == (field.default or "")


def test_no_key_is_told_that_does_not_exist():
    """The table of keys has no row too many."""
    table = PAGE.partition("## Keys")[2].partition("##")[0]
    assert re.findall(r"^\| `(\w+)`", table, re.MULTILINE) == [key_of(field) for field in FIELDS]


def test_every_policy_and_filter_is_told():
    """Values of `missing` and filters of templates have their rows."""
    assert all(f"| `{word}` |" in PAGE for word in (*Missing, *FILTERS))


async def test_the_examples_hold(tmp_path: Path):
    """The rule on the page loads, and the test on the page passes against it."""
    rule, combined, objective, joint, case = EXAMPLES
    for name, text in (("a", rule), ("b", objective), ("c", joint)):
        (tmp_path / f"all-{name}.yml").write_text(text)
    assert [one.alert for one in load([tmp_path / "all-*.yml"], {})][-1] == "CheckoutBroken"
    (tmp_path / "objective.yml").write_text(objective)
    burning = load([tmp_path / "objective.yml"], {})
    table = re.findall(r"^\| `(CheckoutWorks\w+)` \| (\w+) and (\w+) \| ([\d.]+) \|", PAGE, re.MULTILINE)
    windows = [(one.over, one.burn.short if one.burn else None) for one in burning]
    assert [one.alert for one in burning] == [name for name, *_ in table]
    assert windows == [(durations.parse(long), durations.parse(short)) for _, long, short, _ in table]
    assert [one.critical or one.warn for one in burning] == [f"> {rate}" for *_, rate in table]
    (tmp_path / "combined.yml").write_text(combined)
    made = load([tmp_path / "combined.yml"], {})
    assert [len(rule.recipe.parts) for rule in made] == [3, 2]
    (tmp_path / "shop.yml").write_text(rule)
    (tmp_path / "test.yml").write_text(case)
    assert [rule.alert for rule in load([tmp_path / "shop.yml"], {})] == ["CheckoutSlow"]
    report = await rehearse.run([tmp_path / "test.yml"], env={}, clock=SystemClock())
    assert (report.unreadable, [check.faults for check in report.checks]) == ((), [()])
