"""The command line without a process of its own: arguments in; exit code, output and complaints out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tocsin.__main__ import main


@dataclass(frozen=True, slots=True)
class Ran:
    code: int
    out: str
    complaint: str


Run = Callable[..., Ran]


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder is empty, and the state folder is below it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setenv("TOCSIN_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.fixture
def run(state: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run one command in the working folder."""

    def ran(*words: str) -> Ran:
        try:
            code = main(words)
        except SystemExit as ended:
            code = int(ended.code or 0)
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return ran
