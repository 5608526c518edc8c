"""`tocsin token create|list|revoke`: the collector's tokens, kept as hashes in the state folder."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from rich.console import Console as Terminal
from rich.table import Table

from collector.allowance import Allowance, plain
from collector.tokens import OWN, Grant, Scope, TokenBook, TokenError
from foundation import durations
from foundation.clock import SystemClock
from foundation.errors import ConfigError
from foundation.secret import Secret
from tocsin import config as configuration

FILE = "tokens.json"
_OWN_FILE = "own.token"
_MINUTE = "%Y-%m-%d %H:%M"
_OWN_SCOPES = frozenset({Scope.READ, Scope.WRITE, Scope.ADMIN})
"""Admin too: whoever may read its file may edit the tokens' file beside it."""


def open_book(state: Path) -> TokenBook:
    """The tokens of the collector whose state is in this folder."""
    return TokenBook(state / FILE, SystemClock())


def arrange_own_token(state: Path, *, needed: bool) -> None:
    """See that the token with which our own roles speak to their collector exists if it is needed, and else does not.

    A token that nobody needs is not left lying in a file.
    """
    book = open_book(state)
    token = own_token(state)
    grant = book.verify(token.reveal()) if token is not None else None
    if needed and grant is not None and grant.scopes == _OWN_SCOPES:
        return
    if any(grant.name == OWN for grant in book.list()):
        book.revoke(OWN)
    file = state / _OWN_FILE
    file.unlink(missing_ok=True)
    if not needed:
        return
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
        opened.write(book.create(OWN, _OWN_SCOPES).reveal())


def own_token(state: Path) -> Secret | None:
    """The token that `arrange_own_token` made in this state folder, if this user may read it."""
    try:
        return Secret((state / _OWN_FILE).read_text().strip())
    except (FileNotFoundError, PermissionError):
        return None


def run(arguments: argparse.Namespace) -> int:
    """Exit 0 when done, 1 when the name is taken or unknown. Raises ConfigError for what no token can be."""
    book = open_book(configuration.load(arguments.config).state)
    try:
        if arguments.action == "create":
            token = _create(book, arguments)
            print(json.dumps({"name": arguments.name, "token": token}) if arguments.json else token)
        elif arguments.action == "revoke":
            book.revoke(arguments.name)
        else:
            _show(book, as_json=arguments.json)
    except TokenError as error:
        print(f"tocsin token: {error}", file=sys.stderr)
        return 1
    return 0


def _create(book: TokenBook, arguments: argparse.Namespace) -> str:
    if arguments.name == OWN:
        raise TokenError(f"{OWN!r} is the name of the stack's own token; choose another")
    scopes = frozenset(Scope(scope) for scope in arguments.scope or ["write"])
    lasts = None if arguments.expires is None else _span(arguments.expires)
    try:
        allowance = Allowance(
            measurements=tuple(dict.fromkeys(arguments.measurement or ())),
            tags=tuple(sorted(_pair(text) for text in arguments.tag or ())),
            lines_per_second=arguments.lines_per_second,
            burst=arguments.burst,
            series=arguments.series,
        )
    except ValueError as error:
        raise ConfigError(f"token create: {error}") from error
    return book.create(arguments.name, scopes, frozenset(arguments.bucket or ()), allowance, lasts=lasts).reveal()


def _span(text: str) -> timedelta:
    try:
        span = durations.parse(text)
    except OverflowError as error:
        raise ConfigError("--expires: that is longer than any token lasts; leave it out") from error
    except ValueError as error:
        raise ConfigError(f"--expires: {error}") from error
    if not span:
        raise ConfigError("--expires: a token that has expired when it is made is none")
    return span


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals:
        raise ConfigError(f"--tag: {text!r} is no tag; write KEY=VALUE, as in device=d7")
    return key, value


def _show(book: TokenBook, *, as_json: bool) -> None:
    grants = book.list()
    now = SystemClock().now()
    if as_json:
        print(json.dumps({"tokens": [_entry(grant, now) for grant in grants]}))
        return
    table = Table(
        "name", "scopes", "buckets", "measurements", "tags", "lines/s", "series", "made (UTC)", "expires (UTC)"
    )
    for grant in grants:
        table.add_row(*_cells(grant, now))
    Terminal().print(table)


def _entry(grant: Grant, now: datetime) -> dict[str, object]:
    return {
        "name": grant.name,
        "scopes": sorted(grant.scopes),
        "buckets": sorted(grant.buckets),
        **plain(grant.allowance),
        "created": grant.created.isoformat(timespec="seconds"),
        "expires": grant.expires.isoformat(timespec="seconds") if grant.expires else None,
        "expired": grant.expired(now),
    }


def _cells(grant: Grant, now: datetime) -> Sequence[str]:
    allowance = grant.allowance
    rate = f"{allowance.lines_per_second:g}, {allowance.most_at_once:g} at once" if allowance.lines_per_second else ""
    expires = f"{grant.expires:{_MINUTE}}" if grant.expires else "never"
    return (
        grant.name,
        ", ".join(sorted(grant.scopes)),
        ", ".join(sorted(grant.buckets)) or "all",
        ", ".join(allowance.measurements) or "all",
        ", ".join(f"{key}={value}" for key, value in allowance.tags),
        rate,
        "" if allowance.series is None else str(allowance.series),
        f"{grant.created:{_MINUTE}}",
        f"{expires}, is over" if grant.expired(now) else expires,
    )
