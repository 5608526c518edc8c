"""Which token a request carries, whether it suffices, and what its holder is bound by.

What was admitted holds while `TokenBook.generation` stays: who remembers a grant compares that.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal, Protocol, cast

from aiohttp import web

from collector.constraint.binding import Binding, Bindings
from collector.intake.answers import Refusal
from collector.intake.metrics import IntakeMetrics
from collector.tokens import OWN, Grant, Scope, TokenBook
from foundation.errors import ConfigError, Permanent
from foundation.web import Address

TokenMode = Literal["open", "required"]
_BY_TOKEN = "token:"  # noqa: S105 - a prefix of names


class WrongToken(Refusal):
    """A token that is none, or none any more: the answer is held back where an address brings many."""


class SenderGone(Permanent):
    """The token under which a line came is revoked or has expired."""


class Known(Protocol):
    """A connection whose client is known."""

    sender: str


def sender_of(request: web.BaseRequest) -> str:
    """Who sends a request, where no token says it: `cert:NAME` by the client's certificate, else `host:ADDRESS`."""
    return cast("Known", request.protocol).sender


def source_of(grant: Grant | None, sender: str) -> str:
    """Who sent a line, as ledger, dead letters and rules name it: `token:NAME`, or the `sender` where all is open."""
    return f"{_BY_TOKEN}{grant.name}" if grant else sender


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


@dataclass(frozen=True, slots=True)
class Foreseen:
    """A write that would be let in while `Access.generation` is this. `source` is empty where the address is it."""

    source: str
    generation: int


class Access:
    """Lets a request pass or raises the Refusal that answers it."""

    def __init__(self, mode: TokenMode, tokens: TokenBook, bindings: Bindings, metrics: IntakeMetrics) -> None:
        self._open = mode == "open"
        self._tokens = tokens
        self._bindings = bindings
        self._metrics = metrics

    def admit(self, authorization: str | None, params: Mapping[str, str]) -> Grant | None:
        """The grant of the request's token, None where all is open. Raises Refusal (401), of a wrong one WrongToken."""
        if self._open:
            return None
        token = _token_of(authorization, params)
        if not token:
            raise self._unauthorized("missing", Refusal)
        grant = self._tokens.verify(token)
        if grant is None:
            raise self._unauthorized("expired" if self._tokens.expired(token) else "unknown", WrongToken)
        return grant

    @property
    def generation(self) -> int:
        """Another number whenever a grant may have changed. Raises ConfigError as `admit` does."""
        return 0 if self._open else self._tokens.generation

    def foresee(self, authorization: str | None, params: Mapping[str, str], bucket: str) -> Foreseen | None:
        """What `admit`, `demand` and `demand_bucket` would say of a write to the bucket, counting nothing.

        None for who would be turned away, or is bound by more than that.
        """
        if self._open:
            return Foreseen("", 0)
        generation = self._tokens.generation
        grant = self._granted(authorization, params, Scope.WRITE, bucket)
        return None if grant is None or self.binding(grant) is not None else Foreseen(source_of(grant, ""), generation)

    def may_read(self, authorization: str | None, params: Mapping[str, str], bucket: str) -> bool:
        """Whether `admit`, `demand` and `demand_bucket` would let a question about the bucket pass; counts nothing."""
        return self._open or self._granted(authorization, params, Scope.READ, bucket) is not None

    def _granted(self, authorization: str | None, params: Mapping[str, str], scope: Scope, bucket: str) -> Grant | None:
        token = _token_of(authorization, params)
        grant = self._tokens.verify(token) if token else None
        return grant if grant is not None and grant.allows(scope) and grant.covers(bucket) else None

    def binding(self, grant: Grant | None) -> Binding | None:
        """What the holder of the grant is bound by in writing; None is nothing."""
        return self._bindings.of(grant)

    def named(self, name: str) -> Grant | None:
        """The grant of the token with this name, if there is one that is worth something."""
        return self._tokens.named(name)

    def binding_again(self, source: str) -> Binding | None:
        """What lines of a `source` are bound by when they come again from the dead letters: by no rate then.

        Raises SenderGone for lines of a token that is gone.
        """
        if not source.startswith(_BY_TOKEN):
            return None
        grant = self.named(source.removeprefix(_BY_TOKEN))
        if grant is None:
            raise SenderGone(f"{source} is gone, and nobody else answers for the line")
        binding = self._bindings.of(grant)
        return binding and replace(binding, rate=None)

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

    def _unauthorized(self, reason: str, kind: type[Refusal]) -> Refusal:
        self._metrics.auth_failures.labels(reason).inc()
        return kind(401, "unauthorized access", headers={"WWW-Authenticate": 'Basic realm="tocsin"'})


def _token_of(authorization: str | None, params: Mapping[str, str]) -> str:
    return _from_header(authorization) if authorization else params.get("p", "")


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
