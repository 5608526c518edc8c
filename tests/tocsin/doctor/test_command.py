"""The command: its exit codes, what it prints, and that it asks nobody else and waits for nobody long."""

from __future__ import annotations

import errno
import json
import os
import socket
from pathlib import Path

import pytest

from foundation import listen
from foundation.clock import SystemClock
from tests.tocsin.conftest import Run
from tocsin.doctor.machine import ThisMachine
from tocsin.doctor.web import Door, Unreached, Wire

FREE = """\
collector: {listen: 127.0.0.1:0, tokens: open}
alerting: {listen: 127.0.0.1:0}
console: {listen: 127.0.0.1:0}
"""


def test_it_looks_at_what_it_can_where_nothing_runs(run: Run, state: Path) -> None:
    """Exit 0: hints are no faults; what was left out is named with its reason."""
    (state.parent / "tocsin.yml").write_text(FREE)
    ran = run("doctor")

    assert (ran.code, ran.complaint) == (0, "")
    assert "hint  processes      nothing runs on" in ran.out
    assert "(no collector runs)" in ran.out
    assert "\nnothing is wrong: " in ran.out


def test_a_fault_is_exit_1_and_its_mend_is_told(run: Run, state: Path) -> None:
    """As text and as JSON."""
    (state.parent / "tocsin.yml").write_text(FREE)
    state.mkdir()
    (state / "own.token").write_text("not to be seen")
    (state / "own.token").chmod(0o640)
    ran = run("doctor", "--json")
    report = json.loads(ran.out)

    assert (ran.code, report["ok"]) == (1, False)
    [fault] = [one for one in report["findings"] if one["level"] == "wrong"]
    assert (fault["check"], fault["mend"]) == ("state folder", f"`chmod 600 {state / 'own.token'}`")
    assert {"check": "probe", "why": "no collector runs"} in report["skipped"]
    text = run("doctor")
    assert f"-> `chmod 600 {state / 'own.token'}`" in text.out
    assert "not to be seen" not in text.out + ran.out


def test_a_configuration_that_cannot_be_read_is_exit_2(run: Run, state: Path) -> None:
    """Told like every other finding, so that a program need not read two forms."""
    (state.parent / "tocsin.yml").write_text("collectr: {}")
    ran = run("doctor", "--json")

    assert ran.code == 2
    [finding] = json.loads(ran.out)["findings"]
    assert (finding["check"], finding["level"]) == ("configuration", "wrong")
    assert "collectr" in finding["words"]


def test_a_state_folder_that_is_closed_to_us_is_a_fault_and_no_stumble(
    run: Run, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever runs it as another user is told whose folder it is; what lies in it hides no other finding."""
    (state.parent / "tocsin.yml").write_text(FREE)
    state.mkdir()

    def closed(_state: Path) -> dict[str, str]:
        raise PermissionError(errno.EACCES, "Permission denied", str(state / "listen.json"))

    monkeypatch.setattr("foundation.listen.addresses", closed)
    monkeypatch.setattr("os.access", lambda path, _mode: Path(path) != state)
    ran = run("doctor")

    assert (ran.code, ran.complaint) == (1, "")
    assert f"wrong state folder   {state}: belongs to user {os.getuid()}, and this is user " in ran.out
    assert f"`sudo -u '#{os.getuid()}' tocsin doctor`" in ran.out
    assert "fine  boards" in ran.out


def test_a_taken_port_is_found_on_the_real_machine(run: Run, state: Path) -> None:
    """This process has it, so it is known by its number."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        (state.parent / "tocsin.yml").write_text(FREE.replace(":0,", f":{port},", 1))
        ran = run("doctor")

    assert ran.code == 1
    assert f"wrong ports          127.0.0.1:{port}, where collector is to listen, is taken by " in ran.out
    assert "-> stop that, or change collector.listen" in ran.out


def test_whoever_announced_an_address_is_known(tmp_path: Path) -> None:
    """Role -> process; nothing where nothing was announced."""
    assert listen.owners(tmp_path) == {}
    listen.announce(tmp_path, {"collector": "127.0.0.1:1"}, 4711)

    assert listen.owners(tmp_path) == {"collector": 4711}


def test_an_answer_that_never_comes_is_given_up(tmp_path: Path) -> None:
    """Accepted by the kernel and never answered: a time-out, and the URL is told without its password."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        where = f"127.0.0.1:{silent.getsockname()[1]}"
        door = Door(Wire(SystemClock(), patience_s=0.05), f"http://{where}")
        with pytest.raises(Unreached, match=f"^http://{where}/health does not answer: "):
            _ = door.ask("/health")


def test_this_machine_has_what_it_needs() -> None:
    """Every requirement that the tests themselves run with is met."""
    packages = ThisMachine().packages()

    assert "aiohttp" in packages
    assert all(installed for _, installed in packages.values())
