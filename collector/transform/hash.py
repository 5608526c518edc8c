"""Personal data made unreadable: a keyed hash in place of a tag's or field's value.

Equal values have equal hashes, so people can still be counted; without the key nobody can try all e-mail addresses.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import Literal

from collector.transform.substitution import Substituted, Substitution
from foundation.line_protocol.encode import encode_value
from foundation.line_protocol.line import FieldValue
from foundation.secret import Secret

_LEAST_KEY = 16
_LENGTHS = range(8, 65)


@dataclass(frozen=True, slots=True, kw_only=True)
class HashConfig(Substituted):
    """HMAC-SHA256 under `key`, the first `length` hexadecimal digits, for each of `tags` and `fields`."""

    kind: Literal["hash"] = "hash"
    key: Secret
    length: int = 32

    def __post_init__(self) -> None:
        """Refuse a key that can be guessed."""
        self.demand_names("hash")
        if len(self.key.reveal().encode()) < _LEAST_KEY:
            raise ValueError(f"`key` has less than {_LEAST_KEY} bytes; make one with: openssl rand -hex 32")
        if self.length not in _LENGTHS:
            raise ValueError(f"`length` is from {_LENGTHS[0]} to {_LENGTHS[-1]} digits")


class Hash(Substitution):
    """Numbers are hashed as they are written."""

    name = "hash"

    def __init__(self, config: HashConfig) -> None:
        super().__init__(config)
        self._length = config.length
        self._keyed = hmac.new(config.key.reveal().encode(), digestmod=hashlib.sha256)

    def instead(self, value: FieldValue) -> str:
        """The hash."""
        digest = self._keyed.copy()
        digest.update(value.encode() if isinstance(value, str) else encode_value(value))
        return digest.hexdigest()[: self._length]
