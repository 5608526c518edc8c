"""Who has signed in, kept by the browser: a name and an end, signed. Pure.

`entrance` makes one when somebody signs in, and reads it with every request. The invariant: only what was made with
this key is read, and only until its end. The key comes from the password's hash, so a new password ends every session,
and a restart ends none.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import datetime, timedelta

_PURPOSE = b"tocsin console session"


class Sessions:
    """Makes and reads cookie values. `secret` is the password's hash, `lasts` how long somebody stays signed in."""

    def __init__(self, secret: str, lasts: timedelta) -> None:
        self._key = hmac.digest(secret.encode(), _PURPOSE, hashlib.sha256)
        self._lasts = lasts

    def begin(self, name: str, now: datetime) -> str:
        """The cookie's value for somebody who has just signed in."""
        until = int((now + self._lasts).timestamp())
        return self._sign(f"{until}.{_encode(name.encode())}")

    def whose(self, value: str, now: datetime) -> str | None:
        """The name of whoever holds this value; None where it is not ours, or over."""
        claim, _, _ = value.rpartition(".")
        if not value.isascii() or not hmac.compare_digest(value.encode(), self._sign(claim).encode()):
            return None
        until, _, name = claim.partition(".")
        return _decode(name).decode() if now.timestamp() < int(until) else None

    def _sign(self, claim: str) -> str:
        return f"{claim}.{_encode(hmac.digest(self._key, claim.encode(), hashlib.sha256))}"


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
