"""`tocsin token create|list|revoke`: the collector's tokens, kept as hashes in the state folder."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from rich.console import Console as Terminal
from rich.table import Table

from collector.tokens import Scope, TokenBook, TokenError
from foundation.clock import SystemClock
from tocsin import config as configuration

FILE = "tokens.json"


def open_book(state: Path) -> TokenBook:
    """The tokens of the collector whose state is in this folder."""
    return TokenBook(state / FILE, SystemClock())


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
        table.add_row(*(", ".join(value) or "all" if isinstance(value, list) else value for value in token.values()))
    Terminal().print(table)
