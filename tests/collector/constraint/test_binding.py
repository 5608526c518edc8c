"""What a token is bound by is built once, lasts as long as the token, and costs those who are free nothing."""

from datetime import timedelta
from pathlib import Path

import pytest

from collector.allowance import Allowance
from collector.constraint.binding import Binding, Bindings
from collector.tokens import Grant, Scope, TokenBook
from tests.fakes.clock import ManualClock

WRITE = frozenset({Scope.WRITE})


@pytest.fixture
def book(tmp_path: Path, clock: ManualClock) -> TokenBook:
    return TokenBook(tmp_path / "tokens.json", clock)


def grant(book: TokenBook, name: str, allowance: Allowance) -> Grant:
    made = book.verify(book.create(name, WRITE, allowance=allowance).reveal())
    assert made is not None
    return made


def bound(bindings: Bindings, one: Grant | None) -> Binding:
    binding = bindings.of(one)
    assert binding is not None
    return binding


def test_a_token_without_an_allowance_is_bound_by_nothing(book: TokenBook):
    """Nor is a sender where all is open; also when the token was read from the file."""
    bindings = Bindings(book)
    grant(book, "free", Allowance())
    assert bindings.of(book.named("free")) is None
    assert bindings.of(None) is None


def test_quotas_outlive_an_edit_of_the_file_and_end_with_their_token(book: TokenBook, clock: ManualClock):
    """Another token's making leaves a binding as it was; a revoked one is not kept in memory."""
    bindings = Bindings(book)
    quota = Allowance(lines_per_second=1.0, series=5)
    first = bound(bindings, grant(book, "a", quota))
    assert first.rate is not None
    grant(book, "b", quota)
    clock.advance(timedelta(seconds=1))
    again = bound(bindings, book.named("a"))
    assert (again.rate, again.constraint) == (first.rate, first.constraint)
    revoked = book.named("a")
    book.revoke("a")
    clock.advance(timedelta(seconds=1))
    _ = bindings.of(book.named("b"))
    assert bound(bindings, revoked).rate is not first.rate


def test_devices_of_one_fleet_share_what_is_known_of_their_lines(book: TokenBook):
    """Only measurements and forced keys tell shapes apart: ten thousand ids are one kind, and quotas alone are none."""
    bindings = Bindings(book)
    kinds = [
        Allowance(tags=(("device", "d7"),), measurements=("cpu",)),
        Allowance(tags=(("device", "d8"),), measurements=("cpu",), series=9),
        Allowance(tags=(("device", "d7"),)),
        Allowance(series=9),
    ]
    constraints = [bound(bindings, grant(book, str(at), kind)).constraint for at, kind in enumerate(kinds)]
    keys = [constraint.key for constraint in constraints if constraint is not None]
    assert keys[0] == keys[1] != keys[2]
    assert keys[3] is None
    assert bound(bindings, grant(book, "rate", Allowance(lines_per_second=1.0))).constraint is None
