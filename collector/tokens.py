"""Who may write, read or administer: tokens kept as SHA-256 in `state/tokens.json`, read again when the file changes.

    {"format": 2, "tokens": [{"name", "sha256", "scopes", "buckets", "created", "expires",
                              "measurements", "tags", "lines_per_second", "burst", "series"}]}

What does not bind a token is left out. Format 1 had nothing behind `created`; it is read, and written as 2 by the next
edit. Any other is refused.

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
from collections.abc import Iterable, Iterator, Mapping, MutableSequence, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any

import orjson

from collector.allowance import FREE, Allowance, plain, read_allowance
from collector.allowance import KEYS as ALLOWANCE_KEYS
from foundation.clock import Clock
from foundation.errors import ConfigError, Permanent
from foundation.secret import Secret

OWN = "tocsin"
"""The name of the token with which the roles beside the collector speak to it; it says nothing about who else may."""
_FORMAT = 2
_READABLE = (1, _FORMAT)
_LOOK_EVERY_S = 0.5
_PREFIX = 8
_KEYS = frozenset({"name", "sha256", "scopes", "buckets", "created", "expires", *ALLOWANCE_KEYS})
_EVER = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


class Scope(StrEnum):
    """What a token allows."""

    WRITE = "write"
    READ = "read"
    BACKUP = "backup"
    """To copy the store as it is: everything in it, and nothing else of the collector."""
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


_Entries = Mapping[str, tuple[Mapping[str, Any], Grant]]
"""Hash -> a token as it stands in the file, and its grant."""


class TokenError(Permanent):
    """A token cannot be made or revoked as asked."""


class _Roll:
    """The tokens as they were read, by hash and by name, and when the next of them expires."""

    def __init__(self, read: Iterable[tuple[Mapping[str, Any], Grant]] = ()) -> None:
        self.entries = {grant.digest: (entry, grant) for entry, grant in read}
        self._by_prefix: dict[str, tuple[Grant, ...]] = {}
        self._by_name: dict[str, Grant] = {}
        for _, grant in self.entries.values():
            prefix = grant.digest[:_PREFIX]
            self._by_prefix[prefix] = (*self._by_prefix.get(prefix, ()), grant)
            self._by_name[grant.name] = grant
        self._mortal = tuple(grant for _, grant in self.entries.values() if grant.expires is not None)
        self._calm: tuple[datetime, datetime] | None = None
        self.over: frozenset[str] = frozenset()
        """Hashes of those that have expired, as of the last `age`."""

    def match(self, digest: str) -> Grant | None:
        """The token with this hash, expired or not, found without telling by the time it takes how much was right."""
        found = None
        for grant in self._by_prefix.get(digest[:_PREFIX], ()):
            if hmac.compare_digest(grant.digest, digest):
                found = grant
        return found

    def named(self, name: str) -> Grant | None:
        """The token with this name, expired or not."""
        return self._by_name.get(name)

    def age(self, now: datetime) -> bool:
        """Look who has expired by now, be it before or after the last time; whether that is somebody else."""
        if self._calm is not None and self._calm[0] <= now < self._calm[1]:
            return False
        before, ends = self.over, [(grant.expires, grant.digest) for grant in self._mortal if grant.expires]
        self.over = frozenset(digest for end, digest in ends if end <= now)
        first = max((end for end, _ in ends if end <= now), default=_EVER[0])
        self._calm = first, min((end for end, _ in ends if end > now), default=_EVER[1])
        return self.over != before


class TokenBook:
    """All tokens of one collector. Safe to use from several processes: edits are done under a lock, by rename."""

    def __init__(self, path: Path, clock: Clock) -> None:
        self._path = path
        self._clock = clock
        self._stamp: tuple[int, int, int] | None = None
        self._looked = -_LOOK_EVERY_S
        self._roll = _Roll()
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
        return None if grant is None or grant.digest in self._roll.over else grant

    def expired(self, token: str) -> bool:
        """Whether it was a token until its time was up. Raises as `verify` does."""
        grant = self._find(token)
        return grant is not None and grant.digest in self._roll.over

    def named(self, name: str) -> Grant | None:
        """The grant of the token with this name while it is worth something. Raises as `verify` does."""
        self._look()
        found = self._roll.named(name)
        return None if found is None or found.digest in self._roll.over else found

    @property
    def digests(self) -> AbstractSet[str]:
        """The hashes of all tokens as they were read last."""
        return self._roll.entries.keys()

    def _find(self, token: str) -> Grant | None:
        """The token's grant, expired or not; one that is unknown may have been made a moment ago."""
        self._refresh()
        digest = hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
        found = self._roll.match(digest)
        if found is None:
            self._look()
            found = self._roll.match(digest)
        return found

    def list(self) -> tuple[Grant, ...]:
        """Every token, oldest first."""
        grants = (grant for _, grant in self._read())
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
            raise TokenError("a token needs a name and at least one scope: write, read, backup or admin")
        if not name.isprintable():
            raise TokenError(f"the name of a token is printable, {name!r} is not")
        if allowance != FREE and scopes.isdisjoint({Scope.WRITE, Scope.ADMIN}):
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
        """See whether the file has changed, or a token expired. Raises ConfigError."""
        stamp = self._stamp_of_file()
        changed = stamp != self._stamp
        if changed:
            self._roll, self._stamp = _Roll(self._read(self._roll.entries)), stamp
        if self._roll.age(self._clock.now()) or changed:
            self._generation += 1
        self._looked = self._clock.monotonic()

    def _stamp_of_file(self) -> tuple[int, int, int] | None:
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size

    def _read(self, known: _Entries = MappingProxyType({})) -> Sequence[tuple[Mapping[str, Any], Grant]]:
        """Each token's entry with its grant; of an entry that is `known` the grant that it had. Raises ConfigError."""
        try:
            content = orjson.loads(self._path.read_bytes())
            if content["format"] not in _READABLE:
                raise ConfigError(
                    f"{self._path}: format {content['format']}, this version reads format 1 and {_FORMAT}"
                )
            return [(entry, _grant(entry, known)) for entry in content["tokens"]]
        except FileNotFoundError:
            return ()
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise ConfigError(f"{self._path}: cannot be read as tokens ({error}); nobody gets in") from error

    @contextmanager
    def _edited(self) -> Iterator[MutableSequence[Grant]]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            grants = [grant for _, grant in self._read()]
            yield grants
            content = {"format": _FORMAT, "tokens": [_entry(grant) for grant in grants]}
            _replace(self._path, orjson.dumps(content, option=orjson.OPT_INDENT_2))
        self._looked = -_LOOK_EVERY_S


def _grant(entry: Mapping[str, Any], known: _Entries) -> Grant:
    before = known.get(entry["sha256"])
    if before is not None and before[0] == entry:
        return before[1]
    unknown = sorted(entry.keys() - _KEYS)
    if unknown:
        raise ValueError(f"token {entry['name']!r}: unknown key {unknown[0]!r}")
    expires = entry.get("expires")
    return Grant(
        name=entry["name"],
        scopes=frozenset(Scope(scope) for scope in entry["scopes"]),
        buckets=frozenset(entry["buckets"]),
        created=_moment(entry["created"]),
        digest=entry["sha256"],
        allowance=read_allowance(entry),
        expires=None if expires is None else _moment(expires),
    )


def _moment(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} is a time without its zone")
    return moment


def _entry(grant: Grant) -> dict[str, Any]:
    return {
        "name": grant.name,
        "scopes": sorted(grant.scopes),
        "buckets": sorted(grant.buckets),
        "created": grant.created.isoformat(),
        "sha256": grant.digest,
        **({"expires": grant.expires.isoformat()} if grant.expires else {}),
        **{key: value for key, value in plain(grant.allowance).items() if value},
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
