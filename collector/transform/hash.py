"""Personal data made unreadable: a keyed hash in place of a tag's or field's value.

Equal values have equal hashes, so people can still be counted; without the key nobody can try all e-mail addresses.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, replace
from typing import Literal

from collector.transform.contract import ALIKE, Effect
from collector.transform.selection import Selection, Unchanging
from collector.verdict import Ruling
from foundation.line_protocol.encode import encode_value
from foundation.line_protocol.line import FieldValue, Line
from foundation.secret import Secret

_LEAST_KEY = 16
_LENGTHS = range(8, 65)


@dataclass(frozen=True, slots=True, kw_only=True)
class HashConfig(Selection):
    """HMAC-SHA256 under `key`, the first `length` hexadecimal digits, for each of `tags` and `fields`."""

    kind: Literal["hash"] = "hash"
    key: Secret
    tags: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    length: int = 32

    def __post_init__(self) -> None:
        """Refuse a key that can be guessed."""
        if not self.tags and not self.fields:
            raise ValueError("hash what? give `tags` or `fields`")
        if len(self.key.reveal().encode()) < _LEAST_KEY:
            raise ValueError(f"`key` has less than {_LEAST_KEY} bytes; make one with: openssl rand -hex 32")
        if self.length not in _LENGTHS:
            raise ValueError(f"`length` is from {_LENGTHS[0]} to {_LENGTHS[-1]} digits")


class Hash(Unchanging):
    """A field of any type becomes a string; numbers are hashed as they are written."""

    name = "hash"

    def __init__(self, config: HashConfig) -> None:
        self._config = config
        self._keyed = hmac.new(config.key.reveal().encode(), digestmod=hashlib.sha256)

    def apply(self, line: Line) -> Ruling:
        """The line with hashes in place of values."""
        config = self._config
        if not config.selects(line) or not self._names(line):
            return None
        tags = tuple([(key, self._hash(value) if key in config.tags else value) for key, value in line.tags])
        fields = tuple([(key, self._hash(value) if key in config.fields else value) for key, value in line.fields])
        return replace(line, tags=tags, fields=fields)

    def effect(self, line: Line) -> Effect:
        """Equal values have equal hashes."""
        config = self._config
        if not config.fields or not config.selects(line):
            return ALIKE
        there = {key for key, _ in line.fields}
        return Effect(by_fields=True, values={key: (key, self._hash) for key in config.fields if key in there})

    def leaves(self, line: Line) -> bool:
        """Whether it cannot be meant, or has none of the keys."""
        return not (self._config.may_select(line) and self._names(line))

    def _names(self, line: Line) -> bool:
        config = self._config
        return any(key in config.tags for key, _ in line.tags) or any(key in config.fields for key, _ in line.fields)

    def _hash(self, value: FieldValue) -> str:
        digest = self._keyed.copy()
        digest.update(value.encode() if isinstance(value, str) else encode_value(value))
        return digest.hexdigest()[: self._config.length]
