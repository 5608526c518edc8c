"""The benchmarks' command: every name leads to a module, and what is printed can be read by a program."""

import importlib
import inspect
import json
from pathlib import Path

import pytest

from benchmarks.__main__ import main
from benchmarks.catalog import BENCHMARKS


@pytest.mark.parametrize("name", sorted(BENCHMARKS))
def test_every_name_leads_to_a_measure(name: str):
    """Each module in the catalog has `measure`, which takes a wish."""
    measure = importlib.import_module(BENCHMARKS[name]).measure

    assert list(inspect.signature(measure).parameters) == ["wish"]


def test_json_has_the_fixed_form(capsys: pytest.CaptureFixture[str]):
    """One object with the benchmark's name, the machine, and figures with exactly the fixed keys."""
    assert main(["pipeline", "--quick", "--json"]) == 0

    report = json.loads(capsys.readouterr().out)
    assert report.keys() == {"benchmark", "machine", "figures"}
    assert report["benchmark"] == "pipeline"
    assert report["figures"]
    for figure in report["figures"]:
        assert figure.keys() == {"name", "value", "unit", "goal", "rival", "rival_value"}
        assert figure["value"] > 0


def test_one_that_cannot_run_says_why(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Without Alertmanager there are no figures of it, but what is missing and how to get it; the others go on."""
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["alertmanager", "alertmanager", "--json"]) == 0

    for report in map(json.loads, capsys.readouterr().out.splitlines()):
        assert report["figures"] == []
        assert "apt-get install prometheus-alertmanager" in report["skipped"]
    assert main(["alertmanager"]) == 0
    assert "alertmanager: prometheus-alertmanager is not on the PATH" in capsys.readouterr().out


def test_the_table_shows_every_figure(capsys: pytest.CaptureFixture[str]):
    """Without --json there is a table under the benchmark's name."""
    assert main(["pipeline", "--quick"]) == 0

    assert "pipeline" in capsys.readouterr().out


def test_an_unknown_name_is_refused(capsys: pytest.CaptureFixture[str]):
    """The error names what there is."""
    with pytest.raises(SystemExit) as ended:
        main(["nothing"])

    assert ended.value.code == 2
    assert "intake" in capsys.readouterr().err
