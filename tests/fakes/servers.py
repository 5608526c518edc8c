"""Where the real servers stand that some tests need, and what happens when one is not there."""

import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HOW = "put the program into .servers/ or on the PATH, or name its folder in TOCSIN_SERVERS; .ci/run shows one way"


def find_server(name: str) -> Path | None:
    """The program `name` in TOCSIN_SERVERS, in .servers or on the PATH."""
    folder = Path(os.environ.get("TOCSIN_SERVERS") or ROOT / ".servers")
    if (folder / name).is_file():
        return folder / name
    found = shutil.which(name)
    return Path(found) if found else None


def require_server(name: str) -> Path:
    """The program `name`. Where it is absent the test skips, or fails under TOCSIN_REQUIRE_SERVERS=1."""
    found = find_server(name)
    if found is not None:
        return found
    reason = f"{name} is not here: {HOW}"
    if os.environ.get("TOCSIN_REQUIRE_SERVERS") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


@contextmanager
def deaf_port() -> Iterator[int]:
    """A loopback port where nobody listens, and nobody else can begin to: connections to it are refused."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield int(held.getsockname()[1])
