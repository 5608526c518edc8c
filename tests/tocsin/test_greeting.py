"""What a start says can be pasted as it stands."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tocsin.config import TocsinConfig
from tocsin.greeting import greet

WHERE = {"collector": "127.0.0.1:8186", "demo": "127.0.0.1:8187"}


def test_who_needs_a_token_is_told_how_to_get_one(capsys: pytest.CaptureFixture[str]) -> None:
    """Where tokens are required, a reading without one would be refused; where not, none is asked for."""
    config = TocsinConfig()
    greet(replace(config, collector=replace(config.collector, tokens="open")), WHERE, "tocsin")
    assert "$TOKEN" not in capsys.readouterr().out
    greet(replace(config, collector=replace(config.collector, tokens="required")), WHERE, "tocsin")
    told = capsys.readouterr().out
    assert "token create d7)\n" in told
    assert 'curl -i -H "Authorization: Token $TOKEN" http://127.0.0.1:8186/v1/telemetry' in told


def test_commands_are_told_as_this_program_was_called(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By name where the shell finds it, by path where not, by the interpreter where it runs as a module."""
    program = tmp_path / "bin" / "tocsin"
    program.parent.mkdir()
    program.touch(mode=0o755)
    monkeypatch.chdir(tmp_path)
    for path, called, typed in (
        (program.parent, str(program), "  tocsin query "),
        (tmp_path, str(program), "  bin/tocsin query "),
        (tmp_path, "/elsewhere/bin/tocsin", "  /elsewhere/bin/tocsin query "),
        (tmp_path, "/x/tocsin/__main__.py", " -m tocsin query "),
    ):
        monkeypatch.setenv("PATH", str(path))
        greet(TocsinConfig(), WHERE, called)
        assert typed in capsys.readouterr().out
