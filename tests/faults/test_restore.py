"""`tocsin restore` under kill -9: what has its name is whole, and the same command brings the rest."""

import hashlib
import shutil
import signal
import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import pytest

from foundation.batch import Position
from foundation.errors import ConfigError
from tests.fakes.disordered import BUCKET, open_plainly
from tests.fakes.restore_child import HALF
from tests.fakes.servers import ROOT
from tests.fakes.shipping import shipment
from tocsin import archive
from tocsin.restore import run

NAMES = (archive.STORE, "field_types.sqlite", "tokens.json")
MOMENTS = (HALF, len(NAMES), 2 * len(NAMES) - 1)
"""While it is copied, in front of the first name and in front of the last."""


def digests(folder: Path) -> dict[str, str]:
    """What the files of a folder hold, by name."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


@pytest.fixture(params=["monday", "monday.tar"])
def backup(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A store of a thousand points, and two files beside it."""
    file = open_plainly(tmp_path / NAMES[0])
    body = b"".join(b"m f=%d %d\n" % (number, number) for number in range(1_000))
    file.writer.write(shipment(body, BUCKET), Position("log", BUCKET, 1))
    file.close()
    (tmp_path / NAMES[1]).write_text("types")
    (tmp_path / NAMES[2]).write_text("tokens")
    target = tmp_path / str(request.param)
    with archive.being_made(target) as folder:
        for name in NAMES:
            (tmp_path / name).rename(folder / name)
        archive.write_manifest(folder, created="2026-01-01T00:00:00+00:00", lines={BUCKET: {"m": 1_000}})
    return target


@pytest.fixture
def arguments(backup: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Namespace:
    """To restore it into a state folder that is not there yet."""
    monkeypatch.setenv("TOCSIN_STATE", str(tmp_path / "state"))
    config = tmp_path / "tocsin.yml"
    config.write_text("{}\n")
    return Namespace(config=config, source=backup, store=False, json=False)


def restore_and_die(arguments: Namespace, moment: int | str) -> int:
    """A process that restores until it is killed; how it ended."""
    words = [str(arguments.config), str(arguments.source), str(moment)]
    command = [sys.executable, "-m", "tests.fakes.restore_child", *words]
    return subprocess.run(command, cwd=ROOT, stdout=subprocess.DEVNULL, check=False).returncode


@pytest.mark.parametrize("backup", ["monday"], indirect=True)
def test_kill_9_in_the_middle(arguments: Namespace, tmp_path: Path) -> None:
    """Nothing half stands under its name, the store gets its own last of all, and the same command brings the rest."""
    state, whole = tmp_path / "state", digests(arguments.source)
    del whole[archive.MANIFEST]
    for moment in MOMENTS:
        assert restore_and_die(arguments, moment) == -(signal.SIGXFSZ if moment == HALF else signal.SIGKILL)
        found = {name: digest for name, digest in digests(state).items() if not name.endswith(".part")}
        assert found.items() <= whole.items()
        assert archive.STORE not in found
        assert run(arguments) == 0
        assert digests(state) == whole
        shutil.rmtree(state)


@pytest.mark.parametrize("backup", ["monday.tar"], indirect=True)
def test_what_a_killed_restore_had_unpacked(arguments: Namespace, tmp_path: Path) -> None:
    """It goes with the next restore of the same file, and does not stand beside it for ever."""
    before = {path.name for path in tmp_path.iterdir()}
    assert restore_and_die(arguments, 0) == -signal.SIGKILL
    assert {path.name for path in tmp_path.iterdir()} > before
    assert run(arguments) == 0
    assert {path.name for path in tmp_path.iterdir()} == before | {"state"}


@pytest.mark.parametrize("backup", ["monday.tar"], indirect=True)
def test_two_restores_of_one_file_at_once(arguments: Namespace, backup: Path) -> None:
    """The second is refused, so that none takes away what the other has unpacked; afterwards it may."""
    with archive.opened(backup), pytest.raises(ConfigError, match=r"monday\.tar: is being read by another restore"):
        run(arguments)
    assert run(arguments) == 0
