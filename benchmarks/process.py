"""Starts what is measured in processes of their own, pinned to a core where the machine lets us."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from benchmarks.profiles import profiled, write_top

_START_S = 60.0
_STOP_S = 30.0
_PAUSE_S = 0.02
SERVER_CORE, LOAD_CORE = 0, 1
ALERTMANAGER = "prometheus-alertmanager"
"""The program, and the package of Debian that holds it."""


@contextmanager
def sink() -> Iterator[str]:
    """A running sink, beside the load; its address."""
    with _speaking("benchmarks.sink", LOAD_CORE) as address:
        yield address


@contextmanager
def trivial() -> Iterator[str]:
    """A server that only answers, alone on the server's core; its address."""
    with _speaking("benchmarks.trivial", SERVER_CORE) as address:
        yield address


@contextmanager
def collector(
    folder: Path, config: str, *, profile: Path | None = None, name: str = "collector"
) -> Iterator[tuple[str, int]]:
    """A collector alone on its core, configured by the YAML `config`, its state in `folder`; its address and pid.

    With a folder to `profile` to, what took the time is written there under `name` when it has stopped.
    """
    with _tocsin("collector", folder, config, profile, name) as started:
        yield started


@contextmanager
def victoria_metrics(folder: Path) -> Iterator[str | None]:
    """VictoriaMetrics' single node alone on the server's core, its data in `folder`; None where it is not installed."""
    binary = shutil.which("victoria-metrics")
    if binary is None:
        yield None
        return
    address = f"127.0.0.1:{_free_port()}"
    command = [*_pinned(SERVER_CORE), binary, f"-storageDataPath={folder}", f"-httpListenAddr={address}"]
    with _started(command, {}, subprocess.DEVNULL) as process:
        end = time.monotonic() + _START_S
        while time.monotonic() < end and process.poll() is None and not _listens(address):
            time.sleep(_PAUSE_S)
        yield address


@contextmanager
def alertmanager(folder: Path, config: str) -> Iterator[str]:
    """Alertmanager, which has to be installed, alone on the server's core, by itself, its data in `folder`."""
    file = folder / "alertmanager.yml"
    file.write_text(config, encoding="utf-8")
    address = f"127.0.0.1:{_free_port()}"
    options = [f"--config.file={file}", f"--storage.path={folder}", f"--web.listen-address={address}"]
    command = [*_pinned(SERVER_CORE), ALERTMANAGER, *options, "--cluster.listen-address=", "--log.level=error"]
    with _started(command, {}, subprocess.DEVNULL) as process:
        end = time.monotonic() + _START_S
        while time.monotonic() < end and process.poll() is None and not _listens(address):
            time.sleep(_PAUSE_S)
        yield address


def _free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


def _listens(address: str) -> bool:
    host, _, port = address.rpartition(":")
    with socket.socket() as tried:
        return tried.connect_ex((host, int(port))) == 0


@contextmanager
def whole(folder: Path, config: str) -> Iterator[tuple[str, int]]:
    """Collector, alerting and console in one process on its core; the collector's address and the pid."""
    with _tocsin("up", folder, config) as started:
        yield started


@contextmanager
def _speaking(module: str, core: int) -> Iterator[str]:
    """A module of ours that prints its address."""
    with _started([*_pinned(core), sys.executable, "-m", module], {}, subprocess.PIPE) as process:
        assert process.stdout is not None  # noqa: S101 - it was asked for
        yield process.stdout.readline().decode().strip()


@contextmanager
def _tocsin(
    command: str, folder: Path, config: str, profile: Path | None = None, name: str = ""
) -> Iterator[tuple[str, int]]:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "tocsin.yml"
    file.write_text(config, encoding="utf-8")
    state = folder / "state"
    raw = None if profile is None else folder / "profile"
    line = [*_pinned(SERVER_CORE), sys.executable, *profiled(raw), "-m", "tocsin", command, "--config", str(file)]
    free_ports = {f"TOCSIN_{role}_LISTEN": "127.0.0.1:0" for role in ("COLLECTOR", "ALERTING", "CONSOLE")}
    log = folder / "log"
    with (
        log.open("wb") as output,
        _started(line, {"TOCSIN_STATE": str(state), **free_ports}, subprocess.DEVNULL, output) as process,
    ):
        yield _announced(state / "listen.json", process, log), process.pid
    if profile is not None and raw is not None:
        write_top(raw, profile / f"{name}.txt")


def pin_load() -> bool:
    """Keep this process, which makes the load, off the server's core. False on a machine with one core."""
    if not _can_pin():
        return False
    os.sched_setaffinity(0, {LOAD_CORE})
    return True


@contextmanager
def one_core() -> Iterator[None]:
    """Keep this process on the server's core, where the machine has another for the rest."""
    if not _can_pin():
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {SERVER_CORE})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _announced(path: Path, process: subprocess.Popen[bytes], log: Path) -> str:
    end = time.monotonic() + _START_S
    while time.monotonic() < end and process.poll() is None:
        if path.exists() and (address := json.loads(path.read_text(encoding="utf-8")).get("collector")):
            return str(address)
        time.sleep(_PAUSE_S)
    raise RuntimeError(f"the collector did not start: {log.read_text(encoding='utf-8')[-2000:]}")


def _pinned(core: int) -> list[str]:
    return ["taskset", "-c", str(core)] if _can_pin() and shutil.which("taskset") else []


def _can_pin() -> bool:
    return hasattr(os, "sched_setaffinity") and (os.cpu_count() or 1) > LOAD_CORE


@contextmanager
def _started(
    command: list[str], env: Mapping[str, str], stdout: int, stderr: int | IO[bytes] = subprocess.DEVNULL
) -> Iterator[subprocess.Popen[bytes]]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("TOCSIN_")}
    with subprocess.Popen(command, env={**inherited, **env}, stdout=stdout, stderr=stderr) as process:
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(_STOP_S)
            except subprocess.TimeoutExpired:
                process.kill()
