"""The stack's own token: there when the collector asks for one, gone when it does not."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from collector.allowance import Allowance
from tests.tocsin.conftest import Run
from tocsin.tokens import arrange_own_token, open_book, own_token


def test_the_own_token_is_made_once_and_is_valid(tmp_path: Path) -> None:
    """A second start finds it as it was; only its owner may read the file, and the collector knows it."""
    arrange_own_token(tmp_path, needed=True)
    first = own_token(tmp_path)
    arrange_own_token(tmp_path, needed=True)

    assert first is not None
    assert own_token(tmp_path) == first
    assert open_book(tmp_path).verify(first.reveal()) is not None
    assert (tmp_path / "own.token").stat().st_mode & 0o777 == 0o600


def test_an_own_token_that_is_lost_or_unknown_is_made_anew(tmp_path: Path) -> None:
    """Whichever half is gone, the file or its entry, the next start makes a valid pair; the old token is worthless."""
    arrange_own_token(tmp_path, needed=True)
    lost = own_token(tmp_path)
    (tmp_path / "own.token").unlink()
    arrange_own_token(tmp_path, needed=True)
    unknown = own_token(tmp_path)
    open_book(tmp_path).revoke("tocsin")
    arrange_own_token(tmp_path, needed=True)
    last = own_token(tmp_path)

    assert lost is not None
    assert unknown is not None
    assert last is not None
    assert len({lost, unknown, last}) == 3
    book = open_book(tmp_path)
    assert [book.verify(token.reveal()) is not None for token in (lost, unknown, last)] == [False, False, True]


def test_an_own_token_that_is_not_needed_does_not_stay(tmp_path: Path) -> None:
    """An open collector leaves no token behind, neither in the file nor among the entries, and makes none."""
    arrange_own_token(tmp_path, needed=True)
    arrange_own_token(tmp_path, needed=False)

    assert own_token(tmp_path) is None
    assert open_book(tmp_path).list() == ()


def test_a_token_is_made_with_all_that_binds_it(run: Run, state: Path) -> None:
    """Each option reaches the grant; the list shows it to people and to programs."""
    state.mkdir()
    which = ("--bucket", "home", "--measurement", "cpu", "--measurement", "device_*")
    tags = ("--tag", "device=d7", "--tag", "site=a=b")
    quotas = ("--lines-per-second", "0.5", "--burst", "30", "--series", "12", "--expires", "90d")
    made = run("token", "create", "d7", *which, *tags, *quotas)
    assert made.code == 0
    grant = open_book(state).verify(made.out.strip())
    assert grant is not None
    assert grant.allowance == Allowance(
        measurements=("cpu", "device_*"),
        tags=(("device", "d7"), ("site", "a=b")),
        lines_per_second=0.5,
        burst=30,
        series=12,
    )
    assert grant.expires == grant.created + timedelta(days=90)

    (listed,) = json.loads(run("token", "list", "--json").out)["tokens"]
    assert listed == {
        "name": "d7",
        "scopes": ["write"],
        "buckets": ["home"],
        "measurements": ["cpu", "device_*"],
        "tags": {"device": "d7", "site": "a=b"},
        "lines_per_second": 0.5,
        "burst": 30,
        "series": 12,
        "created": grant.created.isoformat(timespec="seconds"),
        "expires": (grant.created + timedelta(days=90)).isoformat(timespec="seconds"),
        "expired": False,
    }
    table = run("token", "list").out
    for shown in ("d7", "home", "cpu, device_*", "device=d7, site=a=b", "0.5, 30 at once", "12"):
        assert shown in table


def test_the_stacks_own_name_is_not_given_away(run: Run, state: Path) -> None:
    """A token of that name would be replaced at the next start, without a word to who holds it."""
    state.mkdir()
    ran = run("token", "create", "tocsin")
    assert (ran.code, open_book(state).list()) == (1, ())
    assert "the stack's own token" in ran.complaint


def test_a_token_without_options_writes_anything_for_ever(run: Run, state: Path) -> None:
    """The list says all and never; a burst that was not given is ten seconds' worth."""
    state.mkdir()
    run("token", "create", "free")
    run("token", "create", "slow", "--lines-per-second", "3")
    table = run("token", "list").out
    assert "never" in table
    assert "3, 30 at once" in table


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ("--tag device", "write KEY=VALUE"),
        ("--tag time=1", "reserved tag key"),
        ("--tag a=1 --tag a=2", "twice"),
        ("--lines-per-second 0", "greater than 0"),
        ("--burst 5", "goes with lines per second"),
        ("--series 0", "at least 1"),
        ("--expires soon", "not a duration"),
        ("--expires 0s", "is none"),
        ("--expires 9999999999d", "longer than any token lasts"),
    ],
)
def test_options_that_make_no_token_are_told(run: Run, state: Path, options: str, complaint: str) -> None:
    """Exit 2, with how to mend it, and nothing is made."""
    state.mkdir()
    ran = run("token", "create", "d7", *options.split())
    assert (ran.code, open_book(state).list()) == (2, ())
    assert complaint in ran.complaint
