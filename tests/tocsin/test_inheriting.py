"""Which sockets a process begins with: a service manager's, those of the process before it, or none."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from collector.config import CollectorConfig
from foundation import listen
from foundation.errors import ConfigError
from foundation.handover import Sockets
from tests.fakes.process import FREE_PORTS, ROOT, Running
from tocsin.config import TocsinConfig
from tocsin.inheriting import inherit


@pytest.fixture
def config(tmp_path: Path) -> TocsinConfig:
    return TocsinConfig(state=tmp_path / "state", collector=CollectorConfig(listen="127.0.0.1:0"))


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as one:
        yield one


def hand_over(monkeypatch: pytest.MonkeyPatch, sockets: Sockets) -> None:
    monkeypatch.setattr("foundation.handover.take_over", lambda *_, **__: sockets)


def test_without_a_manager_or_a_predecessor_there_are_none(config: TocsinConfig) -> None:
    """Every role listens anew."""
    assert inherit(config, ["collector"], {}, take_over=False) == {}
    assert inherit(config, ["collector"], {}, take_over=True) == {}


def test_what_was_handed_over_is_announced_under_the_new_process(
    config: TocsinConfig, listening: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At once: who reads listen.json meanwhile connects, and waits."""
    hand_over(monkeypatch, {"collector": (listening,)})

    assert inherit(config, ["collector"], {}, take_over=True) == {"collector": (listening,)}
    host, port = listening.getsockname()
    assert listen.addresses(config.state) == {"collector": f"{host}:{port}"}


def test_a_socket_of_another_address_is_let_go(
    config: TocsinConfig, listening: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Configuration has the last word: the role listens where it says now."""
    hand_over(monkeypatch, {"collector": (listening,)})
    moved = replace(config, collector=CollectorConfig(listen="127.0.0.2:0"))

    assert inherit(moved, ["collector"], {}, take_over=True) == {}
    assert listening.fileno() == -1
    assert listen.addresses(config.state) == {}


def test_nobody_is_asked_to_go_for_a_configuration_with_a_fault(
    config: TocsinConfig, listening: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a start would find is found before."""
    hand_over(monkeypatch, {"collector": (listening,)})
    strangers = replace(config, collector=CollectorConfig(listen="0.0.0.0:8186", tokens="open"))

    with pytest.raises(ConfigError, match=r"collector\.tokens: open"):
        inherit(strangers, ["collector"], {}, take_over=True)
    assert listening.fileno() != -1


STARTED_BY_MANAGER = """\
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ["LISTEN_PID"] = str(os.getpid())
os.execv(sys.executable, [sys.executable, "-m", "tocsin", "collector"])
"""


def start_as_a_manager_does(listening: socket.socket, state: Path) -> Running:
    """A collector with the socket as descriptor 3, and the variables that say so."""
    host, port = listening.getsockname()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("TOCSIN_")}
    environment |= FREE_PORTS | {"TOCSIN_STATE": str(state), "LISTEN_FDS": "1"}
    environment |= {"TOCSIN_COLLECTOR_LISTEN": f"{host}:{port}", "TOCSIN_COLLECTOR_TOKENS": "open"}
    log = state.with_suffix(".log")
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", STARTED_BY_MANAGER, str(listening.fileno())],
            cwd=ROOT,
            env=environment,
            stdout=output,
            stderr=output,
            pass_fds=[listening.fileno()],
            start_new_session=True,
        )
    return Running(process, state, log)


@pytest.mark.slow
async def test_a_collector_listens_on_the_socket_of_a_service_manager(listening: socket.socket, tmp_path: Path) -> None:
    """Its end leaves the socket as it was: who connects waits for the next one."""
    running = start_as_a_manager_does(listening, tmp_path / "state")
    host, port = listening.getsockname()
    try:
        await running.ready("collector")
        assert running.listening() == {"collector": f"{host}:{port}"}
        assert await asyncio.to_thread(running.interrupt, 20.0) == 0
        with socket.create_connection((host, port), timeout=15):
            pass
    finally:
        running.end()
