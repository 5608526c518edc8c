"""The stack's own token: there when the collector asks for one, gone when it does not."""

from __future__ import annotations

from pathlib import Path

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
