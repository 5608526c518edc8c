"""Tokens: made once, kept as hashes, revoked without a restart."""

import stat
from datetime import timedelta
from pathlib import Path

import pytest

from collector.tokens import Scope, TokenBook, TokenError
from foundation.errors import ConfigError
from tests.fakes.clock import ManualClock


@pytest.fixture
def book(tmp_path: Path, clock: ManualClock) -> TokenBook:
    return TokenBook(tmp_path / "tokens.json", clock)


def test_a_token_opens_what_it_was_made_for(book: TokenBook):
    """Scopes and buckets hold; admin includes the other scopes; no bucket named means all."""
    device = book.verify(book.create("device", frozenset({Scope.WRITE}), frozenset({"home"})).reveal())
    admin = book.verify(book.create("admin", frozenset({Scope.ADMIN})).reveal())
    assert device is not None
    assert admin is not None
    assert device.allows(Scope.WRITE)
    assert not device.allows(Scope.READ)
    assert device.covers("home")
    assert not device.covers("telemetry")
    assert admin.allows(Scope.READ)
    assert admin.covers("telemetry")
    assert [grant.name for grant in book.list()] == ["admin", "device"]


def test_nobody_else_gets_in(book: TokenBook):
    """A wrong token, an empty one, a token's hash: none is verified."""
    secret = book.create("device", frozenset({Scope.WRITE})).reveal()
    for wrong in ("", "x", secret[:-1], secret + "x", book.list()[0].digest, "\ud800"):
        assert book.verify(wrong) is None


def test_the_file_gives_nobody_access(book: TokenBook, tmp_path: Path):
    """It holds hashes alone, and only its owner may read it; a token has 256 bits."""
    secret = book.create("device", frozenset({Scope.WRITE})).reveal()
    assert len(secret) == 43  # 256 bits in base64
    file = tmp_path / "tokens.json"
    assert secret not in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_revoking_in_another_process_works_without_a_restart(book: TokenBook, tmp_path: Path, clock: ManualClock):
    """The file is read again when it has changed, within a second."""
    secret = book.create("device", frozenset({Scope.WRITE})).reveal()
    assert book.verify(secret) is not None
    TokenBook(tmp_path / "tokens.json", clock).revoke("device")
    clock.advance(timedelta(seconds=1))
    assert book.verify(secret) is None


def test_a_generation_lasts_as_long_as_every_verdict(book: TokenBook, tmp_path: Path, clock: ManualClock):
    """It changes within a second of an edit by whomever, and only then: who remembers a grant compares one number."""
    assert book.generation == book.generation
    first = book.generation
    book.create("device", frozenset({Scope.WRITE}))
    second = book.generation
    clock.advance(timedelta(seconds=1))
    assert first != second == book.generation
    TokenBook(tmp_path / "tokens.json", clock).revoke("device")
    clock.advance(timedelta(seconds=1))
    assert book.generation != second


def test_faults_in_making_and_revoking_are_told(book: TokenBook):
    """A name stands once; a token without scopes is none; revoking needs a name that exists."""
    book.create("device", frozenset({Scope.WRITE}))
    for name, scopes in (("device", {Scope.READ}), ("other", set[Scope]()), ("", {Scope.READ})):
        with pytest.raises(TokenError):
            book.create(name, frozenset(scopes))
    with pytest.raises(TokenError, match="no token named 'nobody'"):
        book.revoke("nobody")
    assert len(book.list()) == 1


@pytest.mark.parametrize("content", ["{", "[]", '{"format": 99, "tokens": []}', '{"format": 1, "tokens": [{}]}'])
def test_an_unreadable_file_lets_nobody_in_and_says_so(tmp_path: Path, clock: ManualClock, content: str):
    """A broken or newer file is an error that names it, never an open door."""
    (tmp_path / "tokens.json").write_text(content)
    with pytest.raises(ConfigError, match=r"tokens\.json"):
        TokenBook(tmp_path / "tokens.json", clock).verify("x")
