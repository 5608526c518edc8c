"""Fixtures that many rooms share."""

import asyncio
import shutil
import signal
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.fakes.clock import ManualClock
from tests.fakes.disordered import make_disordered
from tests.fakes.influxd import Influxd, running_influxd
from tests.fakes.servers import require_server

settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")
"""Properties hold or not; how long an example takes says something of the machine alone."""


@pytest.fixture(scope="session", autouse=True)
def _no_loop_by_accident() -> None:
    """Before Python 3.14 asking for the current loop makes one that nobody closes; with this it fails instead."""
    asyncio.set_event_loop(None)


@pytest.fixture(scope="session", autouse=True)
def _processes_hear_ctrl_c() -> None:
    """A shell makes what it starts in the background deaf to Ctrl-C, and deafness is inherited; a handler is not."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def clock() -> ManualClock:
    """A clock that stands still until the test moves it."""
    return ManualClock()


@pytest.fixture(scope="session")
def disordered_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store's file whose points came in no order of time; nobody opens it but to copy it."""
    path = tmp_path_factory.mktemp("disordered") / "telemetry.duckdb"
    make_disordered(path)
    return path


@pytest.fixture
def disordered(disordered_once: Path, tmp_path: Path) -> Path:
    """Such a file of the test's own."""
    return Path(shutil.copy(disordered_once, tmp_path / "telemetry.duckdb"))


@pytest.fixture(scope="session")
def influxd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Influxd]:
    """One real influxd for the whole run; make a bucket of your own in it. Skips where the program is absent."""
    with running_influxd(require_server("influxd"), tmp_path_factory.mktemp("influxd")) as server:
        yield server


@pytest.fixture
def influx_bucket(influxd: Influxd) -> Iterator[str]:
    """An empty bucket of the test's own in the shared influxd, dropped at the end."""
    name = f"test-{uuid.uuid4().hex}"
    made = influxd.make_bucket(name)
    yield name
    influxd.drop_bucket(made)
