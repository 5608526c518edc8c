"""Durations, secrets, back-off, addresses and listen.json."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from foundation import durations, listen
from foundation.backoff import Backoff
from foundation.errors import ConfigError
from foundation.secret import Secret
from foundation.web import Address, Site


@given(st.integers(min_value=0, max_value=10**15))
def test_a_duration_reads_back_as_it_was_written(microseconds: int) -> None:
    """What render writes, parse reads back."""
    value = timedelta(microseconds=microseconds)

    assert durations.parse(durations.render(value)) == value


@pytest.mark.parametrize("text", ["", "5", "s", "1x", "-5s", "1 m"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    """A number without a unit is no duration: nobody knows whether it is seconds."""
    with pytest.raises(ValueError, match="is not a duration"):
        durations.parse(text)


def test_a_secret_shows_itself_only_when_asked() -> None:
    """Neither str, repr nor formatting shows the text."""
    secret = Secret("hush")

    assert (str(secret), repr(secret), f"{secret}", secret.reveal()) == ("***", "Secret(***)", "***", "hush")


@given(st.integers(min_value=0, max_value=1000), st.floats(min_value=0, max_value=1, exclude_max=True))
def test_backoff_is_bounded_and_honours_what_was_asked(attempt: int, luck: float) -> None:
    """The wait never exceeds the cap, never is under half of its ceiling, and never undercuts Retry-After."""
    backoff = Backoff(first_s=0.2, factor=2.0, most_s=30.0)
    ceiling = min(30.0, 0.2 * 2.0 ** min(attempt, 64))

    assert ceiling / 2 <= backoff.delay_s(attempt, luck) <= ceiling
    assert backoff.delay_s(attempt, luck, retry_after_s=120.0) == 120.0


@pytest.mark.parametrize(
    ("text", "host", "port", "loopback"),
    [
        ("127.0.0.1:8186", "127.0.0.1", 8186, True),
        ("[::1]:0", "::1", 0, True),
        ("localhost:80", "localhost", 80, True),
        (":8186", "0.0.0.0", 8186, False),
        ("collector:8186", "collector", 8186, False),
    ],
)
def test_an_address_is_read(text: str, host: str, port: int, loopback: bool) -> None:
    """HOST:PORT, IPv6 in brackets, an empty host for every interface."""
    address = Address.parse(text)

    assert (address.host, address.port, address.loopback) == (host, port, loopback)


def test_an_address_without_port_is_refused() -> None:
    """The error shows the form."""
    with pytest.raises(ValueError, match="write HOST:PORT"):
        Address.parse("127.0.0.1")


def test_listen_json_keeps_the_keys_of_other_processes(tmp_path: Path) -> None:
    """Each role adds and removes its own keys only, pids included."""
    listen.announce(tmp_path, {"collector": "127.0.0.1:1"}, 11)
    listen.announce(tmp_path, {"console": "127.0.0.1:2"}, 22)
    listen.withdraw(tmp_path, ["collector"], 11)

    content = json.loads((tmp_path / "listen.json").read_text())

    assert content == {"console": "127.0.0.1:2", "pids": {"console": 22}}
    assert listen.addresses(tmp_path) == {"console": "127.0.0.1:2"}


def test_listen_json_of_a_live_process_is_not_another_s_to_clear(tmp_path: Path) -> None:
    """A second start on the same state folder fails later, and must not have made the first unreachable by then."""
    alive, other = os.getpid(), 1
    listen.announce(tmp_path, {"collector": "127.0.0.1:1"}, alive)

    listen.withdraw(tmp_path, ["collector"], other)
    assert listen.addresses(tmp_path) == {"collector": "127.0.0.1:1"}

    listen.withdraw(tmp_path, ["collector"], alive)
    assert listen.addresses(tmp_path) == {}


def test_listen_json_of_a_dead_process_is_cleared(tmp_path: Path) -> None:
    """Nobody follows the address of a process that was killed."""
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    listen.announce(tmp_path, {"collector": "127.0.0.1:1"}, gone.pid)

    listen.withdraw(tmp_path, ["collector"], os.getpid())

    assert listen.addresses(tmp_path) == {}


def test_a_state_folder_that_cannot_be_written_to_is_told(tmp_path: Path) -> None:
    """The error names the folder and both ways to choose another."""
    (tmp_path / "taken").write_text("a file")

    with pytest.raises(ConfigError, match=r"taken: the state folder cannot be written to: .*TOCSIN_STATE.*tocsin\.yml"):
        listen.announce(tmp_path / "taken", {"collector": "127.0.0.1:1"}, 1)


async def test_an_address_that_is_taken_is_told_with_the_setting_that_moves_it() -> None:
    """Whoever has something on the port already is told what to set."""
    app = web.Application()
    first = Site(app, Address("127.0.0.1", 0))
    taken = await first.start()

    with pytest.raises(ConfigError, match=rf"^cannot listen on {taken}: Address already in use; .*`listen`.*_LISTEN$"):
        await Site(web.Application(), taken).start()

    await first.stop()
