"""Settings: strict, typed, and every error says what, where and how to mend it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal

import pytest

from foundation import settings
from foundation.errors import ConfigError
from foundation.secret import Secret


class Policy(StrEnum):
    KEEP = "keep"
    REJECT = "reject"


@dataclass(frozen=True, slots=True, kw_only=True)
class Embedded:
    kind: Literal["embedded"] = "embedded"
    path: Path = Path("data")


@dataclass(frozen=True, slots=True, kw_only=True)
class Remote:
    kind: Literal["remote"] = "remote"
    url: str
    token: Secret | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Inner:
    for_: timedelta = timedelta(seconds=10)
    most: int = 5
    share: float = 0.5
    policy: Policy = Policy.KEEP
    tags: tuple[str, ...] = ("device",)
    labels: Mapping[str, str] = field(default_factory=dict)
    worked_out: str = field(init=False, default="")

    def __post_init__(self) -> None:
        if self.most < 1:
            raise ValueError("most must be at least 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hook:
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Receiver:
    name: str
    to: str | tuple[str, ...] = ()
    hooks: tuple[tuple[str, Any], ...] = settings.rest({"webhook": Hook})


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    state: Path = Path("var")
    on: bool = True
    inner: Inner = field(default_factory=Inner)
    store: Embedded | Remote = field(default_factory=Embedded)
    receivers: tuple[Receiver, ...] = ()


def decoded(text: str, env: Mapping[str, str] | None = None, prefix: str | None = "TOCSIN") -> Whole:
    return settings.decode(Whole, text, name="t.yml", folder=Path("/etc/t"), env=env or {}, prefix=prefix)


def problems(text: str, env: Mapping[str, str] | None = None) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        decoded(text, env)
    return caught.value.problems


def test_an_empty_file_gives_the_defaults() -> None:
    """Nothing is required of a user who is happy with the defaults."""
    assert decoded("") == Whole()


def test_every_kind_of_value_is_decoded() -> None:
    """Durations, enums, lists, mappings, paths relative to the file, unions and plugins arrive typed."""
    whole = decoded(
        """
        state: ./lib
        on: false
        inner: {for: 1m30s, most: 7, share: 1, policy: reject, tags: [a, b], labels: {team: x}}
        store: {kind: remote, url: "http://h", token: "${T}"}
        receivers:
          - name: n
            to: [a, b]
            webhook: [{url: u1}, {url: u2}]
        """,
        {"T": "s3cret"},
    )

    assert whole.state == Path("/etc/t/lib")
    assert whole.on is False
    assert whole.inner == Inner(
        for_=timedelta(seconds=90), most=7, share=1.0, policy=Policy.REJECT, tags=("a", "b"), labels={"team": "x"}
    )
    assert whole.store == Remote(url="http://h", token=Secret("s3cret"))
    assert whole.receivers[0].to == ("a", "b")
    assert whole.receivers[0].hooks == (("webhook", Hook(url="u1")), ("webhook", Hook(url="u2")))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("inner:\n  mots: 3", "t.yml:2: inner: unknown key 'mots'; did you mean most?"),
        (
            "inner: {for: soon}",
            (
                "t.yml:1: inner.for: 'soon' is not a duration; "
                "write a number and a unit, as in 500ms, 10s, 1m30s, 24h or 7d"
            ),
        ),
        ("inner: {most: many}", "t.yml:1: inner.most: 'many' is not a whole number"),
        ("inner: {most: 0}", "t.yml:1: inner: most must be at least 1"),
        ("inner: {most: true}", "t.yml:1: inner.most: 'true' is not a whole number"),
        ("inner: {policy: kep}", "t.yml:1: inner.policy: 'kep' is not one of keep, reject; did you mean keep?"),
        (
            "inner: {tags: device}",
            "t.yml:1: inner.tags: expected a list of text; found text; put it in brackets: [device]",
        ),
        ("inner: {tags: {a: b}}", "t.yml:1: inner.tags: expected a list of text; found a mapping; put it in brackets"),
        ("inner: {tags: }", "t.yml:1: inner.tags: expected a list of text; found nothing"),
        ("inner: {labels: [a]}", "t.yml:1: inner.labels: expected a mapping of names to text; found a list"),
        ("inner: {most: [1]}", "t.yml:1: inner.most: expected a whole number; found a list"),
        ("state: {a: b}", "t.yml:1: state: expected a path; found a mapping"),
        ("state: !!python/tuple [a]", "t.yml:1: state: expected a path; found a list"),
        ("store: remote", "t.yml:1: store: expected a mapping whose kind is one of embedded, remote; found text"),
        (
            "receivers: {name: n}",
            "t.yml:1: receivers: expected a list of mappings; found a mapping; put it in brackets",
        ),
        ("receivers: [n]", "t.yml:1: receivers[0]: expected a mapping of name, to, webhook; found text"),
        (
            "inner: 3",
            "t.yml:1: inner: expected a mapping of for, most, share, policy, tags, labels; found a whole number",
        ),
        ("store: {kind: remot, url: x}", "t.yml:1: store.kind: 'remot' is not known; did you mean remote?"),
        ("store: {kind: remote}", "t.yml:1: store: url is missing; expected text"),
        (
            "receivers: [{name: 12}]",
            "t.yml:1: receivers[0].name: expected text; found a whole number; put it in quotes: '12'",
        ),
        ("receivers: [{name: n, webhok: []}]", "t.yml:1: receivers[0]: unknown key 'webhok'; did you mean webhook?"),
        ("state: [", "t.yml:1: is not YAML: expected the node content, but found '<stream end>'"),
        ("on: true\non: false", "t.yml:2: on: is given twice; keep one"),
        (
            "state: ${NOPE}",
            "t.yml:1: state: the environment variable NOPE is not set; set it, or write ${NOPE:-default}",
        ),
        ("state: ${file:/nonexistent/x}", "t.yml:1: state: cannot read /nonexistent/x: No such file or directory"),
    ],
)
def test_a_fault_is_told_with_its_place_and_mend(text: str, expected: str) -> None:
    """An error names the file, the line, the path, what was expected and the nearest valid name."""
    assert problems(text) == (expected,)


def test_all_faults_are_told_at_once() -> None:
    """A user mends a file once, not once for each fault."""
    assert len(problems("inner: {most: x, share: y}\nstat: z")) == 3


def test_the_environment_wins_over_the_file() -> None:
    """A variable named after the path replaces the value, as YAML; whole sections too."""
    env = {"TOCSIN_INNER_FOR": "5s", "TOCSIN_STORE": "{kind: remote, url: u}", "TOCSIN_INNER_TAGS": "[x]"}

    whole = decoded("inner: {for: 1m, most: 2}", env)

    assert whole.inner == Inner(for_=timedelta(seconds=5), most=2, tags=("x",))
    assert whole.store == Remote(url="u")


def test_a_variable_that_names_no_setting_is_an_error() -> None:
    """A typing mistake in the environment is told, not ignored."""
    assert problems("", {"TOCSIN_INNER_MOTS": "1"}) == (
        "$TOCSIN_INNER_MOTS: names no setting; did you mean TOCSIN_INNER_MOST?",
    )


def test_a_fault_in_a_variable_names_the_variable() -> None:
    """The place of a fault is where it can be mended."""
    assert problems("", {"TOCSIN_INNER_MOST": "x"}) == ("$TOCSIN_INNER_MOST: inner.most: 'x' is not a whole number",)


def test_a_number_from_the_environment_may_be_text() -> None:
    """`TOCSIN_STATE=7` is a path called 7, since a variable cannot be quoted; it starts where the command was given."""
    assert decoded("", {"TOCSIN_STATE": "7"}).state == Path("7")


def test_secrets_come_from_files_and_never_show(tmp_path: Path) -> None:
    """${file:...} reads a secret, trimmed, and no repr or error shows it."""
    (tmp_path / "token").write_text("hush\n")

    store = decoded(f"store: {{kind: remote, url: u, token: '${{file:{tmp_path}/token}}'}}").store

    assert isinstance(store, Remote)
    assert store.token == Secret("hush")
    assert "hush" not in repr(store)


def test_a_missing_file_is_an_error_unless_it_may_lack(tmp_path: Path) -> None:
    """`--config` that points nowhere is told; the default file may be absent."""
    with pytest.raises(ConfigError, match="there is no such file"):
        settings.load(Whole, tmp_path / "no.yml", {})

    assert settings.load(Whole, tmp_path / "no.yml", {}, may_lack=True).on is True


def test_a_file_that_is_no_text_is_told_by_line(tmp_path: Path) -> None:
    """An editor that saves Latin-1 is named with the line to look at."""
    (tmp_path / "latin.yml").write_bytes(b"on: true\nstate: caf\xe9\n")

    with pytest.raises(ConfigError, match=r"latin\.yml:2: is not UTF-8: .*; save it in that encoding"):
        settings.load(Whole, tmp_path / "latin.yml", {})


def test_a_folder_in_the_place_of_a_file_is_told(tmp_path: Path) -> None:
    """The error says what the system said, without its number."""
    with pytest.raises(ConfigError, match=r": cannot be read: Is a directory$"):
        settings.load(Whole, tmp_path, {})
