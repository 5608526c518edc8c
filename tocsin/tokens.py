"""`tocsin token create|list|revoke`: the collector's tokens, kept as hashes in the state folder."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path

from rich.console import Console as Terminal
from rich.table import Table

from collector.tokens import OWN, Scope, TokenBook, TokenError
from foundation.clock import SystemClock
from foundation.secret import Secret
from tocsin import config as configuration

FILE = "tokens.json"
_OWN_FILE = "own.token"
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
    """Exit 0 when done, 1 when the name is taken or unknown."""
    book = open_book(configuration.load(arguments.config).state)
    try:
        if arguments.action == "create":
            scopes = frozenset(Scope(scope) for scope in arguments.scope or ["write"])
            token = book.create(arguments.name, scopes, frozenset(arguments.bucket or ())).reveal()
            print(json.dumps({"name": arguments.name, "token": token}) if arguments.json else token)
        elif arguments.action == "revoke":
            book.revoke(arguments.name)
        else:
            _show(book, as_json=arguments.json)
    except TokenError as error:
        print(f"tocsin token: {error}", file=sys.stderr)
        return 1
    return 0


def _show(book: TokenBook, *, as_json: bool) -> None:
    tokens = [
        {
            "name": grant.name,
            "scopes": sorted(grant.scopes),
            "buckets": sorted(grant.buckets),
            "created": grant.created.isoformat(timespec="seconds"),
        }
        for grant in book.list()
    ]
    if as_json:
        print(json.dumps({"tokens": tokens}))
        return
    table = Table("name", "scopes", "buckets", "created")
    for token in tokens:
        cells = [value if isinstance(value, str) else ", ".join(value) or "all" for value in token.values()]
        table.add_row(*cells)
    Terminal().print(table)
