"""The files that are followed: when a change counts as one."""

from pathlib import Path

import pytest

from alerting.config import AlertingConfig
from alerting.files import Files

RULE = "rules: [{alert: Slow, query: SELECT last(v) FROM m, over: 1m, critical: '> 1'}]\n"


@pytest.fixture
def files(tmp_path: Path) -> Files:
    (tmp_path / "shop.yml").write_text(RULE)
    files = Files(AlertingConfig(rules=(tmp_path / "*.yml",)), {})
    assert [rule.alert for rule in files.read().rules] == ["Slow"]
    assert not files.changed()
    return files


def test_a_file_that_is_being_saved_is_left_alone(files: Files, tmp_path: Path) -> None:
    """An editor empties a file, or takes it away, before it writes it: that must not end the alerts of its rules."""
    rules = tmp_path / "shop.yml"
    rules.unlink()
    assert not files.changed()
    rules.write_text("rules: []\n")
    assert not files.changed()
    rules.write_text(RULE.replace("Slow", "Slower"))
    assert not files.changed()
    assert files.changed()
    assert [rule.alert for rule in files.read().rules] == ["Slower"]
    assert not files.changed()


def test_a_file_that_is_gone_for_good_is_a_change(files: Files, tmp_path: Path) -> None:
    """What is still gone at the next look has been removed."""
    (tmp_path / "shop.yml").unlink()
    assert [files.changed(), files.changed()] == [False, True]
    assert files.read().rules == ()


def test_what_could_not_be_taken_up_is_a_change_again(files: Files) -> None:
    """A reload that failed for reasons of its own is tried again."""
    files.look_again()
    assert files.changed()
