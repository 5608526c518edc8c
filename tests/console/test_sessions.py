from datetime import UTC, datetime, timedelta

import pytest

from console.attempts import Attempts
from console.sessions import Sessions

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
SECOND = timedelta(seconds=1)


@pytest.mark.parametrize("name", ["ann", "Zoë O'Neil", "a.b", "日本"])
def test_a_session_says_whose_it_is_until_its_end(name: str) -> None:
    """Whatever the name, and not a second longer."""
    sessions = Sessions("hash", HOUR)
    value = sessions.begin(name, NOW)
    assert sessions.whose(value, NOW + HOUR - SECOND) == name
    assert sessions.whose(value, NOW + HOUR) is None


def test_a_restart_ends_no_session_and_a_new_password_all() -> None:
    """The key comes from the password's hash."""
    value = Sessions("hash", HOUR).begin("ann", NOW)
    assert Sessions("hash", HOUR).whose(value, NOW) == "ann"
    assert Sessions("another", HOUR).whose(value, NOW) is None


def test_what_is_not_ours_is_nobodys() -> None:
    """Any change of end, name or signature, and any nonsense."""
    sessions = Sessions("hash", HOUR)
    until, name, signature = sessions.begin("ann", NOW).split(".")
    other = sessions.begin("eve", NOW).split(".")[1]
    forged = [
        f"{int(until) + 1}.{name}.{signature}",
        f"{until}.{other}.{signature}",
        f"{until}.{name}.{signature[:-1]}A",
    ]
    for value in (*forged, "", ".", "..", "x", "ä.b.c", "\udcff.b.c", f"{until}.{name}"):
        assert sessions.whose(value, NOW) is None


def test_five_wrong_passwords_a_minute_are_enough() -> None:
    """Then an address waits for the rest of the minute, and others do not."""
    attempts = Attempts()
    for second in range(5):
        assert attempts.wait("a", NOW + second * SECOND) == timedelta(0)
        attempts.note("a", NOW + second * SECOND)
    assert attempts.wait("a", NOW + 10 * SECOND) == 50 * SECOND
    assert attempts.wait("b", NOW) == timedelta(0)
    assert attempts.wait("a", NOW + 60 * SECOND) == timedelta(0)
    attempts.note("a", NOW + 60 * SECOND)
    assert attempts.wait("a", NOW + 61 * SECOND) == timedelta(0)


def test_the_right_password_clears_the_account() -> None:
    """Who mistyped four times and then was right begins anew."""
    attempts = Attempts()
    for _ in range(4):
        attempts.note("a", NOW)
    attempts.forget("a")
    attempts.note("a", NOW)
    assert attempts.wait("a", NOW) == timedelta(0)


def test_addresses_that_are_remembered_are_bounded() -> None:
    """A guesser with a whole network of addresses fills no memory."""
    attempts = Attempts()
    for number in range(10_500):
        attempts.note(str(number), NOW)
    assert len(attempts._wrong) == 10_000
