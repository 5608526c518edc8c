"""Rule files: all right, or every fault at once with its place."""

from datetime import timedelta
from pathlib import Path

import pytest

from alerting.rules.load import load, rule_files
from foundation.errors import ConfigError

RULE = """
  - alert: {name}
    query: SELECT mean(a) FROM m
    over: 1m
    warn: "> 3"
"""


def write(folder: Path, name: str, *rules: str) -> Path:
    path = folder / name
    path.write_text("rules:" + "".join(rules))
    return path


def faults(*patterns: Path) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        load(patterns, {})
    return caught.value.problems


def test_every_file_of_a_glob(tmp_path: Path):
    """Files come in order of their names, each once, and every rule knows its file."""
    write(tmp_path, "b.yml", RULE.format(name="B"))
    write(tmp_path, "a.yml", RULE.format(name="A1"), RULE.format(name="A2"))
    rules = load([tmp_path / "*.yml", tmp_path / "a.yml"], {})
    assert [(rule.alert, Path(rule.file).name) for rule in rules] == [("A1", "a.yml"), ("A2", "a.yml"), ("B", "b.yml")]


def test_keys_of_python(tmp_path: Path):
    """`for` is a key like any other."""
    write(tmp_path, "a.yml", RULE.format(name="A"), "    for: 1m30s\n    datapoints: 3 of 5\n")
    (rule,) = load([tmp_path / "a.yml"], {})
    assert (rule.for_, rule.datapoints) == (timedelta(seconds=90), "3 of 5")


def test_wildcards_may_match_nothing(tmp_path: Path):
    """An empty folder of rules is no error; a file that is named and missing is one."""
    assert load([tmp_path / "*.yml"], {}) == ()
    assert "there is no such file" in faults(tmp_path / "shop.yml")[0]


def test_an_empty_file_has_no_rules(tmp_path: Path):
    """A file of comments alone is fine."""
    (tmp_path / "a.yml").write_text("# later\n")
    assert load([tmp_path / "a.yml"], {}) == ()


def test_a_file_with_nothing_in_it_is_a_fault(tmp_path: Path):
    """A save that failed leaves nothing behind: that is not the wish to have no rules, which would end every alert."""
    (tmp_path / "a.yml").write_text(" \n")
    assert faults(tmp_path / "a.yml") == (f"{tmp_path / 'a.yml'}: is empty; write `rules: []` to have no rules",)


def test_every_fault_of_every_file(tmp_path: Path):
    """Each fault has its file, its line, its path, what was expected and the nearest name."""
    write(tmp_path, "a.yml", RULE.format(name="A").replace("warn", "wran"))
    write(tmp_path, "b.yml", RULE.format(name="B").replace("1m", "1 minute"), RULE.format(name="C").replace("> 3", "3"))
    a, b, c = (f"{tmp_path}/a.yml:5: rules[0]", f"{tmp_path}/b.yml:4: rules[0].over", f"{tmp_path}/b.yml:7: rules[1]")
    told = faults(tmp_path / "*.yml")
    assert told[0] == f"{a}: unknown key 'wran'; did you mean warn?"
    assert told[1].startswith(f"{b}: '1 minute' is not a duration")
    assert told[2].startswith(f"{c}: warn: '3' is no threshold")
    assert len(told) == 3


def test_names_are_unique(tmp_path: Path):
    """Two alerts of one name are refused, wherever they stand."""
    write(tmp_path, "a.yml", RULE.format(name="A"), RULE.format(name="A"))
    write(tmp_path, "b.yml", RULE.format(name="B"), RULE.format(name="A"))
    assert faults(tmp_path / "*.yml") == (
        f"{tmp_path}/a.yml:7: alert A is already defined in {tmp_path}/a.yml:2; names of alerts must be unique",
        f"{tmp_path}/b.yml:7: alert A is already defined in {tmp_path}/a.yml:2; names of alerts must be unique",
    )


def test_missing_is_one_of_four(tmp_path: Path):
    """A policy that does not exist is refused with the ones that do."""
    write(tmp_path, "a.yml", RULE.format(name="A"), "    missing: ignore\n")
    (told,) = faults(tmp_path / "a.yml")
    assert told.startswith(f"{tmp_path}/a.yml:6: rules[0].missing: ")
    assert all(word in told for word in ("keep", "ok", "alert", "missing"))


def test_rules_that_ship_are_right():
    """The rules in the repository load."""
    folder = Path(__file__).parents[3] / "rules"
    assert len(load([folder / "*.yml"], {})) >= 6
    assert rule_files([folder / "*.yml"])
