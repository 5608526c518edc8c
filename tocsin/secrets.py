"""`tocsin secrets`: the passwords and tokens of a compose stack, made on its first start and never twice; hashes.

Each is a file of its own. Tokens of the collector are also entered, as hashes, into its state folder. Files are
readable by every user of the containers that mount the volume (Grafana runs as another one), and by nobody outside.
"""

from __future__ import annotations

import argparse
import getpass
import os
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError

from collector.tokens import Scope
from foundation.errors import ConfigError
from tocsin.tokens import open_book

PASSWORDS = (
    *("influx_admin_password", "influx_admin_token", "grafana_admin_password", "grafana_read_password"),
    *("console_password", "alerting_admin_token"),
)
TOKENS: Mapping[str, tuple[Scope, ...]] = {
    "console": (Scope.READ,),
    "alerting": (Scope.WRITE,),
    "demo": (Scope.READ, Scope.WRITE),
    "push": (Scope.WRITE,),
}
"""Tokens of the collector that the stack itself uses, and one to push readings with: name -> scopes."""

_BITS = 256
_SHORTEST = 8


def run(arguments: argparse.Namespace) -> int:
    """Exit 0 when every secret is there."""
    if arguments.action == "show":
        return _show(arguments.into)
    if arguments.action == "hash":
        return _print_hash()
    folder: Path = arguments.into
    folder.mkdir(parents=True, exist_ok=True)
    for name in PASSWORDS:
        _keep(folder / name, secrets.token_hex(_BITS // 8))
    _keep_hash(folder / "console_password_hash", (folder / "console_password").read_text())
    book = open_book(arguments.state)
    entered = {grant.name for grant in book.list()}
    for name, scopes in TOKENS.items():
        file = folder / f"{name}_token"
        if not file.exists() or name not in entered:
            file.unlink(missing_ok=True)
            if name in entered:
                book.revoke(name)
            _keep(file, book.create(name, frozenset(scopes)).reveal())
    return 0


def _show(folder: Path) -> int:
    for name, purpose in (
        ("grafana_admin_password", "Grafana, user admin"),
        ("console_password", "the console"),
        ("push_token", "push readings: Authorization: Token ..."),
    ):
        try:
            print(f"{purpose}\n  {(folder / name).read_text()}")
        except OSError as error:
            raise ConfigError(f"{folder / name}: cannot be read: {error.strerror}; start the stack once") from error
    return 0


def _print_hash() -> int:
    """The hash of a password that is typed twice, or comes as a line of standard input."""
    if sys.stdin.isatty():
        password = getpass.getpass("Password: ")
        if getpass.getpass("Once more: ") != password:
            raise ConfigError("the two are not the same; nothing was made")
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    if len(password) < _SHORTEST:
        raise ConfigError(f"a password has at least {_SHORTEST} characters")
    print(PasswordHasher().hash(password))
    return 0


def _keep_hash(path: Path, password: str) -> None:
    """The hash is that of the password beside it, also where one of the two was deleted or put there by hand."""
    hasher = PasswordHasher()
    try:
        hasher.verify(path.read_text(), password)
    except (FileNotFoundError, Argon2Error, InvalidHashError):
        path.unlink(missing_ok=True)
        _keep(path, hasher.hash(password))


def _keep(path: Path, text: str) -> None:
    if path.exists():
        return
    part = path.with_suffix(".part")
    part.write_text(text)
    part.chmod(0o444)
    with part.open("rb") as file:
        os.fsync(file.fileno())
    part.rename(path)
