"""Which token a request carries and whether it suffices."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Literal

from collector.intake.answers import Refusal
from collector.intake.metrics import IntakeMetrics
from collector.tokens import OWN, Grant, Scope, TokenBook
from foundation.errors import ConfigError
from foundation.web import Address

TokenMode = Literal["open", "required"]


def check_mode(mode: TokenMode, address: Address, tokens: TokenBook) -> None:
    """Raise ConfigError where `tokens: open` would let strangers in or contradict the tokens that exist."""
    if mode != "open":
        return
    if not address.loopback:
        raise ConfigError(
            f"collector.tokens: open, but collector.listen is {address}, which others can reach; "
            "write tokens: required and make tokens with `tocsin token create`, or listen on 127.0.0.1"
        )
    if any(grant.name != OWN for grant in tokens.list()):
        raise ConfigError(
            "collector.tokens: open, but there are tokens; "
            "write tokens: required, or revoke them with `tocsin token revoke`"
        )


class Access:
    """Lets a request pass or raises the Refusal that answers it."""

    def __init__(self, mode: TokenMode, tokens: TokenBook, metrics: IntakeMetrics) -> None:
        self._open = mode == "open"
        self._tokens = tokens
        self._metrics = metrics

    def admit(self, authorization: str | None, params: Mapping[str, str]) -> Grant | None:
        """The grant of the request's token, None where all is open. Raises Refusal (401)."""
        if self._open:
            return None
        token = _from_header(authorization) if authorization else params.get("p", "")
        if not token:
            raise self._unauthorized("missing")
        grant = self._tokens.verify(token)
        if grant is None:
            raise self._unauthorized("unknown")
        return grant

    def demand(self, grant: Grant | None, scope: Scope) -> None:
        """Raise Refusal (403) where the token lacks the scope."""
        if grant is not None and not grant.allows(scope):
            self._metrics.auth_failures.labels("scope").inc()
            raise Refusal(403, f"insufficient permissions for {scope}")

    def demand_bucket(self, grant: Grant | None, bucket: str) -> None:
        """Raise Refusal (403) where the token does not hold for the bucket."""
        if grant is not None and not grant.covers(bucket):
            self._metrics.auth_failures.labels("bucket").inc()
            raise Refusal(403, f'insufficient permissions for bucket "{bucket}"')

    def _unauthorized(self, reason: str) -> Refusal:
        self._metrics.auth_failures.labels(reason).inc()
        return Refusal(401, "unauthorized access", headers={"WWW-Authenticate": 'Basic realm="tocsin"'})


def _from_header(authorization: str) -> str:
    """The token in `Token t`, `Token user:t`, `Bearer t` or Basic (any user, the token as password); else empty."""
    scheme, _, rest = authorization.partition(" ")
    rest = rest.strip()
    match scheme.lower():
        case "token" | "bearer":
            return rest.rpartition(":")[2]
        case "basic":
            try:
                return base64.b64decode(rest, validate=True).decode().partition(":")[2]
            except (binascii.Error, UnicodeDecodeError):
                return ""
        case _:
            return ""
