"""Who may write, read or administer: tokens kept as SHA-256 in `state/tokens.json`, read again when the file changes.

    {"format": 2, "tokens": [{"name", "sha256", "scopes", "buckets", "created", "expires",
                              "measurements", "tags", "lines_per_second", "burst", "series"}]}

Format 1 had nothing behind `created`; it is read, and written as 2 by the next edit. Any other is refused.

Intake asks `verify` for every request; `tocsin token` makes and revokes. A token is 256 random bits, shown once when it
is made and never again; the file alone gives nobody access. Revoking works within a second, without a restart.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import os
import secrets
import tempfile
from collections.abc import Iterator, Mapping, MutableSequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

import orjson

from collector.allowance import FREE, Allowance, plain, read_allowance
from foundation.clock import Clock
from foundation.errors import ConfigError, Permanent
from foundation.secret import Secret

OWN = "tocsin"
"""The name of the token with which the roles beside the collector speak to it; it says nothing about who else may."""
_FORMAT = 2
_READABLE = (1, _FORMAT)
_LOOK_EVERY_S = 0.5
_PREFIX = 8


class Scope(StrEnum):
    """What a token allows."""

    WRITE = "write"
    READ = "read"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Grant:
    """A token without its secret. `buckets` empty means every bucket; `admin` includes the other scopes.

    `expires` None means never; from then on it is worth nothing.
    """

    name: str
    scopes: frozenset[Scope]
    buckets: frozenset[str]
    created: datetime
    digest: str
    allowance: Allowance = FREE
    expires: datetime | None = None

    def expired(self, now: datetime) -> bool:
        """Whether its time is up."""
        return self.expires is not None and self.expires <= now

    def allows(self, scope: Scope) -> bool:
        """Whether the token has the scope."""
        return scope in self.scopes or Scope.ADMIN in self.scopes

    def covers(self, bucket: str) -> bool:
        """Whether the token holds for the bucket."""
        return not self.buckets or bucket in self.buckets


class TokenError(Permanent):
    """A token cannot be made or revoked as asked."""


class TokenBook:
    """All tokens of one collector. Safe to use from several processes: edits are done under a lock, by rename."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._stamp: tuple[int, int, int] | None = None
        self._looked = -_LOOK_EVERY_S
        self._grants: dict[str, tuple[Grant, ...]] = {}
        self._mortal: tuple[Grant, ...] = ()
        self._over: frozenset[str] = frozenset()
        self._generation = 0

    @property
    def generation(self) -> int:
        """Another number whenever another verdict on some token is possible: what was verified under this one holds.

        Raises ConfigError when the file is unreadable.
        """
        self._refresh()
        return self._generation

    def verify(self, token: str) -> Grant | None:
        """The grant of this token, or None. Raises ConfigError when the file is unreadable: then nobody gets in."""
        grant = self._find(token)
        return None if grant is None or grant.digest in self._over else grant

    def expired(self, token: str) -> bool:
        """Whether it was a token until its time was up. Raises as `verify` does."""
        grant = self._find(token)
        return grant is not None and grant.digest in self._over

    def named(self, name: str) -> Grant | None:
        """The grant of the token with this name while it is worth something. Raises as `verify` does."""
        self._look()
        found = (one for some in self._grants.values() for one in some if one.name == name)
        return next((one for one in found if one.digest not in self._over), None)

    @property
    def digests(self) -> frozenset[str]:
        """The hashes of all tokens as they were read last."""
        return frozenset(grant.digest for some in self._grants.values() for grant in some)

    def _find(self, token: str) -> Grant | None:
        """The token's grant, expired or not; one that is unknown may have been made a moment ago."""
        self._refresh()
        digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
        found = self._match(digest)
        if found is None:
            self._look()
            found = self._match(digest)
        return found

    def _match(self, digest: str) -> Grant | None:
        found = None
        for grant in self._grants.get(digest[:_PREFIX], ()):
            if hmac.compare_digest(grant.digest, digest):
                found = grant
        return found

    def list(self) -> tuple[Grant, ...]:
        """Every token, oldest first."""
        grants = self._read()
        return tuple(sorted(grants, key=lambda grant: (grant.created, grant.name)))

    def create(
        self,
        name: str,
        scopes: frozenset[Scope],
        buckets: frozenset[str] = frozenset(),
        allowance: Allowance = FREE,
        *,
        lasts: timedelta | None = None,
    ) -> Secret:
        """Make a token and return its secret, which nothing can show again. Raises TokenError."""
        if not name or not scopes:
            raise TokenError("a token needs a name and at least one scope: write, read or admin")
        if not name.isprintable():
            raise TokenError(f"the name of a token is printable, {name!r} is not")
        if allowance != FREE and scopes == {Scope.READ}:
            raise TokenError("measurements, tags and quotas bind writing, and this token cannot write")
        secret = secrets.token_urlsafe(32)
        digest = hashlib.sha256(secret.encode()).hexdigest()
        now = self._clock.now()
        try:
            expires = None if lasts is None else now + lasts
        except OverflowError as error:
            raise TokenError("that is longer than any token lasts; leave the expiry out") from error
        with self._edited() as grants:
            if any(grant.name == name for grant in grants):
                raise TokenError(f"there is a token named {name!r}; revoke it first or choose another name")
            grants.append(Grant(name, scopes, buckets, now, digest, allowance, expires))
        return Secret(secret)

    def revoke(self, name: str) -> None:
        """Take the token away. Raises TokenError when there is none of that name."""
        with self._edited() as grants:
            kept = [grant for grant in grants if grant.name != name]
            if len(kept) == len(grants):
                raise TokenError(f"there is no token named {name!r}; `tocsin token list` shows all")
            grants[:] = kept

    def _refresh(self) -> None:
        if self._clock.monotonic() - self._looked >= _LOOK_EVERY_S:
            self._look()

    def _look(self) -> None:
        stamp = self._stamp_of_file()
        if stamp != self._stamp:
            grants: dict[str, tuple[Grant, ...]] = {}
            for grant in self._read():
                prefix = grant.digest[:_PREFIX]
                grants[prefix] = (*grants.get(prefix, ()), grant)
            self._grants, self._stamp = grants, stamp
            self._mortal = tuple(one for some in grants.values() for one in some if one.expires is not None)
            self._generation += 1
        self._bury()
        self._looked = self._clock.monotonic()

    def _bury(self) -> None:
        if not self._mortal and not self._over:
            return
        now = self._clock.now()
        over = frozenset(grant.digest for grant in self._mortal if grant.expired(now))
        if over != self._over:
            self._over = over
            self._generation += 1

    def _stamp_of_file(self) -> tuple[int, int, int] | None:
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size

    def _read(self) -> tuple[Grant, ...]:
        try:
            content = orjson.loads(self._path.read_bytes())
            if content["format"] not in _READABLE:
                raise ConfigError(
                    f"{self._path}: format {content['format']}, this version reads format 1 and {_FORMAT}"
                )
            return tuple(_grant(entry) for entry in content["tokens"])
        except FileNotFoundError:
            return ()
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ConfigError(f"{self._path}: cannot be read as tokens ({error}); nobody gets in") from error

    @contextmanager
    def _edited(self) -> Iterator[MutableSequence[Grant]]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            grants = [*self._read()]
            yield grants
            content = {"format": _FORMAT, "tokens": [_entry(grant) for grant in grants]}
            _replace(self._path, orjson.dumps(content, option=orjson.OPT_INDENT_2))
        self._looked = -_LOOK_EVERY_S


def _grant(entry: Mapping[str, Any]) -> Grant:
    return Grant(
        name=entry["name"],
        scopes=frozenset(Scope(scope) for scope in entry["scopes"]),
        buckets=frozenset(entry["buckets"]),
        created=datetime.fromisoformat(entry["created"]),
        digest=entry["sha256"],
        allowance=read_allowance(entry),
        expires=datetime.fromisoformat(entry["expires"]) if entry.get("expires") else None,
    )


def _entry(grant: Grant) -> dict[str, Any]:
    return {
        "name": grant.name,
        "scopes": sorted(grant.scopes),
        "buckets": sorted(grant.buckets),
        "created": grant.created.isoformat(),
        "sha256": grant.digest,
        "expires": grant.expires.isoformat() if grant.expires else None,
        **plain(grant.allowance),
    }


def _replace(path: Path, content: bytes) -> None:
    """Write the file whole, durably, readable by its owner alone."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
