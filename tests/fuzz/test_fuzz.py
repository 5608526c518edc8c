"""The long comparisons themselves: they compare, they find what differs, and they make it small."""

import pytest

from tests.fuzz.__main__ import main
from tests.fuzz.lane import Findings, Lane
from tests.fuzz.paths import Paths
from tests.fuzz.readings import Readings
from tests.fuzz.smallest import smallest


@pytest.mark.parametrize("lane", [Paths(), Readings()], ids=lambda lane: lane.name)
def test_a_lane_compares_until_it_is_enough(lane: Lane):
    """It counts what it compared, and finds nothing where the judges agree."""
    findings = Findings()
    lane.run(7, lambda: findings.bodies < 20, findings)
    assert findings.bodies >= 20
    assert findings.lines > findings.bodies
    assert findings.disagreements == []


def test_a_fault_is_found_and_made_small(monkeypatch: pytest.MonkeyPatch):
    """A rule that is broken by one byte is reported with that byte alone."""

    def broken(body: bytes, *_: object, **__: object) -> None:
        assert b"#" not in body

    monkeypatch.setattr("tests.fuzz.paths.assert_paths_agree", broken)
    findings = Findings()
    Paths().run(1, lambda: not findings.disagreements, findings)
    assert findings.disagreements[0].endswith(": b'#'")


def test_the_smallest_keeps_what_the_fault_needs():
    """Both parts of a fault that takes two stay, in their order."""
    assert smallest(b"aaaXbbbbbbbbYcccc", lambda body: b"X" in body and b"Y" in body) == b"XY"


def test_the_report_names_its_seed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """So that a run can be had again; without an influxd the other lanes run, and it is said."""
    monkeypatch.setattr("tests.fuzz.__main__.find_server", lambda _name: None)
    assert main(["--examples", "20", "--seed", "11"]) == 0
    told = capsys.readouterr().out
    assert "seed 11 " in told
    assert "not beside influxd" in told
    assert "fast and slow path: 20 bodies" in told


def test_a_disagreement_is_an_exit_code(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    """1, with every finding in the report."""
    monkeypatch.setattr("tests.fuzz.__main__.find_server", lambda _name: None)

    def never(*_: object, **__: object) -> None:
        raise AssertionError

    monkeypatch.setattr("tests.fuzz.paths.assert_paths_agree", never)
    assert main(["--examples", "20", "--seed", "11"]) == 1
    assert "DISAGREE" in capsys.readouterr().out
