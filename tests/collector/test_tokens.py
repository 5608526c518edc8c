"""Tokens: made once, kept as hashes, revoked without a restart."""

import json
import stat
from datetime import timedelta
from pathlib import Path

import pytest

from collector.allowance import Allowance
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


def test_a_token_made_in_another_process_works_at_once(book: TokenBook, tmp_path: Path, clock: ManualClock):
    """Whoever makes one may use it in the next command: the file is looked at for a token that is not known."""
    assert book.verify("x") is None
    secret = TokenBook(tmp_path / "tokens.json", clock).create("device", frozenset({Scope.WRITE})).reveal()
    assert book.verify(secret) is not None


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
    """A name stands once and is printable; a token without scopes is none; revoking needs a name that exists."""
    book.create("device", frozenset({Scope.WRITE}))
    for name, scopes in (("device", {Scope.READ}), ("other", set[Scope]()), ("", {Scope.READ}), ("a\nb", {Scope.READ})):
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


def test_a_token_is_worth_nothing_once_it_has_expired(book: TokenBook, clock: ManualClock):
    """Within half a second of its time, and who remembers its grant is told by another generation; its name stays."""
    token = book.create("device", frozenset({Scope.WRITE}), lasts=timedelta(days=90)).reveal()
    before = book.generation
    clock.advance(timedelta(days=89))
    assert book.verify(token) is not None
    assert book.generation == before
    assert not book.expired(token)
    clock.advance(timedelta(days=1))
    assert book.verify(token) is None
    assert book.generation != before
    assert book.expired(token)
    assert not book.expired("never one")
    assert book.named("device") is None
    assert [grant.name for grant in book.list()] == ["device"]


def test_what_a_token_is_bound_by_outlives_the_process(book: TokenBook, tmp_path: Path, clock: ManualClock):
    """The file keeps all of it; a token without any is the one that is free."""
    bound = Allowance(
        measurements=("cpu", "device_*"), tags=(("device", "d7"),), lines_per_second=0.5, burst=7, series=9
    )
    book.create("bound", frozenset({Scope.WRITE}), allowance=bound, lasts=timedelta(days=1))
    book.create("free", frozenset({Scope.WRITE}))
    again = TokenBook(tmp_path / "tokens.json", clock)
    found = {grant.name: grant for grant in again.list()}
    assert found["bound"].allowance == bound
    assert found["bound"].expires == clock.now() + timedelta(days=1)
    assert (found["free"].allowance, found["free"].expires) == (Allowance(), None)


def test_a_clock_that_steps_back_brings_a_token_back(book: TokenBook, clock: ManualClock):
    """Time is what the clock says: each way the verdict changes, and the generation with it."""
    token = book.create("device", frozenset({Scope.WRITE}), lasts=timedelta(hours=1)).reveal()
    other = book.create("other", frozenset({Scope.WRITE}), lasts=timedelta(hours=3)).reveal()
    seen = []
    for by in (timedelta(hours=2), -timedelta(hours=2), timedelta(hours=4), -timedelta(hours=2)):
        clock.advance(by)
        book._look()
        seen.append((book.verify(token) is not None, book.verify(other) is not None, book.generation))
    assert [verdicts for *verdicts, _ in seen] == [[False, True], [True, True], [False, False], [False, True]]
    assert len({generation for *_, generation in seen}) == 4


ENTRY = {"name": "old", "scopes": ["write"], "buckets": ["home"], "created": "2025-01-01T00:00:00+00:00", "sha256": "0"}


def test_the_first_format_is_read_and_migrated_by_the_next_edit(book: TokenBook, tmp_path: Path):
    """Tokens of an earlier version go on as they were; that version refuses the new file, by its number."""
    file = tmp_path / "tokens.json"
    file.write_text(json.dumps({"format": 1, "tokens": [ENTRY]}))
    (old,) = book.list()
    assert (old.name, old.buckets, old.allowance) == ("old", frozenset({"home"}), Allowance())
    assert json.loads(file.read_text())["format"] == 1
    book.create("new", frozenset({Scope.WRITE}))
    content = json.loads(file.read_text())
    assert (content["format"], [entry["name"] for entry in content["tokens"]]) == (2, ["old", "new"])
    assert content["tokens"][0]["sha256"] == "0"


@pytest.mark.parametrize(
    "edit",
    [
        {"tags": ["device"]},
        {"tags": {"device": ""}},
        {"series": "many"},
        {"lines_per_second": "x"},
        {"series": 0},
        {"expires": "soon"},
        {"expires": ""},
        {"expires": "2027-01-01T00:00:00"},
        {"measurement": ["cpu"]},
    ],
)
def test_an_allowance_that_is_none_lets_nobody_in(tmp_path: Path, clock: ManualClock, edit: dict[str, object]):
    """A file edited by hand never makes a token freer than was meant."""
    (tmp_path / "tokens.json").write_text(json.dumps({"format": 2, "tokens": [ENTRY | edit]}))
    with pytest.raises(ConfigError, match="nobody gets in"):
        TokenBook(tmp_path / "tokens.json", clock).verify("x")


@pytest.mark.parametrize(
    ("wrong", "complaint"),
    [
        ({"tags": (("time", "1"),)}, "reserved tag key"),
        ({"tags": (("a", "1"), ("a", "2"))}, "twice"),
        ({"tags": (("a", "line\nbreak"),)}, "cannot be written"),
        ({"measurements": ("",)}, "a name or a pattern"),
        ({"lines_per_second": 0.0}, "greater than 0"),
        ({"lines_per_second": float("nan")}, "greater than 0"),
        ({"burst": 5}, "goes with lines per second"),
        ({"series": 0}, "at least 1"),
    ],
)
def test_what_no_line_could_satisfy_is_refused(wrong: dict[str, object], complaint: str):
    """Before a token is made, in words for who types it."""
    with pytest.raises(ValueError, match=complaint):
        Allowance(**wrong)  # type: ignore[arg-type]  # wrong on purpose


def test_a_reading_token_cannot_be_bound(book: TokenBook):
    """A measurement would bind nothing there, and whoever typed it believes that it does."""
    with pytest.raises(TokenError, match="bind writing"):
        book.create("board", frozenset({Scope.READ}), allowance=Allowance(measurements=("cpu",)))
    with pytest.raises(TokenError, match="longer than any token lasts"):
        book.create("board", frozenset({Scope.READ}), lasts=timedelta(days=999_999_999))
