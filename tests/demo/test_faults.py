"""Faults are commanded by a file, seen by who reads it, and end by themselves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from demo import faults
from demo.faults import Faults, Kind

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


def test_a_command_is_active_until_its_end(tmp_path: Path) -> None:
    """A fault of two minutes is active at once and not any more after two minutes."""
    end = faults.command(tmp_path, "latency", timedelta(minutes=2), NOW)
    read = faults.read(tmp_path)

    assert end == NOW + timedelta(minutes=2)
    assert read.active(Kind.LATENCY, NOW)
    assert not read.active(Kind.LATENCY, end)
    assert not read.active(Kind.ERRORS, NOW)


def test_faults_add_up_and_what_is_over_is_dropped(tmp_path: Path) -> None:
    """A second kind leaves the first one alone; one that is over leaves the file."""
    faults.command(tmp_path, "latency", timedelta(minutes=2), NOW)
    faults.command(tmp_path, "errors", timedelta(minutes=9), NOW + timedelta(minutes=1))
    assert set(faults.read(tmp_path).until) == {Kind.LATENCY, Kind.ERRORS}

    faults.command(tmp_path, "silence", timedelta(minutes=1), NOW + timedelta(minutes=3))
    assert set(faults.read(tmp_path).until) == {Kind.ERRORS, Kind.SILENCE}


def test_clear_mends_everything(tmp_path: Path) -> None:
    """After clear nothing is broken, and clearing twice is no error."""
    faults.command(tmp_path, "errors", timedelta(minutes=2), NOW)
    faults.clear(tmp_path)
    faults.clear(tmp_path)

    assert faults.read(tmp_path) == Faults()


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"latency": 3}', b'{"fire": "2026-01-01T00:00:00+00:00"}'])
def test_a_file_that_is_not_ours_breaks_nothing(tmp_path: Path, content: bytes) -> None:
    """Whatever stands in the file, reading it never raises."""
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "faults.json").write_bytes(content)

    assert faults.read(tmp_path) == Faults()


@pytest.mark.parametrize(("kind", "minutes"), [("fire", 2), ("latency", 0), ("latency", -1)])
def test_a_wrong_command_is_refused(tmp_path: Path, kind: str, minutes: int) -> None:
    """An unknown kind and a duration that is not above zero raise ValueError and write nothing."""
    with pytest.raises(ValueError, match=r"fire|above zero"):
        faults.command(tmp_path, kind, timedelta(minutes=minutes), NOW)

    assert list(tmp_path.iterdir()) == []
