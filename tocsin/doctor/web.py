"""Asking over HTTP, bounded in time and size: one address, no proxy, no redirect, so nobody else is contacted."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode, urlsplit, urlunsplit
from urllib.request import HTTPRedirectHandler, HTTPSHandler, ProxyHandler, Request, build_opener

from foundation.clock import Clock
from foundation.errors import Permanent, Transient

PATIENCE_S: Final = 10.0
_MOST_BYTES: Final = 8 << 20
_MOST_SHOWN: Final = 300
_PIECE: Final = 1 << 16
_REFUSED: Final = 400


class Unreached(Transient):
    """Nobody answered in time."""


class Denied(Permanent):
    """The answer is no; the message is the other side's own."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, headers by their lower-case names, and a body."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def said(self) -> str:
        """Why it is a refusal, in one line, in the other side's words."""
        text = self.body.decode("utf-8", "replace")
        try:
            content = json.loads(text)
            text = str(content.get("message") or content.get("error") or text)
        except (ValueError, AttributeError):
            pass
        return f"{' '.join(text.split())[:_MOST_SHOWN]} (HTTP {self.status})".strip()


class Web(Protocol):
    """Asks a URL."""

    def ask(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None = None,
        trust: ssl.SSLContext | None = None,
    ) -> Answer:
        """The answer, whatever its status. Raises Unreached."""


class _Stay(HTTPRedirectHandler):
    """A redirect is an answer: what is behind it was never configured."""

    def redirect_request(self, *_: Any) -> None:
        """Nowhere."""


class Wire:
    """The real one. An answer that is not there whole within `patience_s` is none."""

    def __init__(self, clock: Clock, patience_s: float = PATIENCE_S) -> None:
        self._clock = clock
        self._patience_s = patience_s

    def ask(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None = None,
        trust: ssl.SSLContext | None = None,
    ) -> Answer:
        """See Web."""
        opener = build_opener(ProxyHandler({}), HTTPSHandler(context=trust), _Stay())
        request = Request(_bare(url), body, dict(headers), method=method)  # noqa: S310 - configuration demands http or https
        until = self._clock.monotonic() + self._patience_s
        try:
            try:
                reply = opener.open(request, timeout=self._patience_s)
            except HTTPError as refusal:
                reply = refusal
            with reply:
                names = {name.lower(): value for name, value in reply.headers.items()}
                return Answer(reply.status, names, self._read(reply, until))
        except (OSError, http.client.HTTPException, ValueError) as error:
            reason = error.reason if isinstance(error, URLError) else error
            raise Unreached(f"{shown(url)} does not answer: {reason}") from error

    def _read(self, reply: Any, until: float) -> bytes:
        pieces: list[bytes] = []
        size = 0
        while piece := reply.read(_PIECE):
            pieces.append(piece)
            size += len(piece)
            if size > _MOST_BYTES or self._clock.monotonic() > until:
                raise TimeoutError("its answer takes too long, or has no end")
        return b"".join(pieces)


@dataclass(frozen=True, slots=True)
class Door:
    """Where one role or server is asked. `headers` let a request in."""

    web: Web
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    trust: ssl.SSLContext | None = None

    def ask(
        self,
        path: str,
        params: Mapping[str, object] | None = None,
        *,
        method: str = "GET",
        body: bytes | None = None,
    ) -> Answer:
        """The answer, whatever its status. Raises Unreached."""
        query = f"?{urlencode(params)}" if params else ""
        return self.web.ask(method, self.url + path + query, headers=self.headers, body=body, trust=self.trust)

    def json(self, path: str, params: Mapping[str, object] | None = None) -> Any:
        """The JSON that answers. Raises Denied, Unreached."""
        answer = self.ask(path, params)
        if answer.status >= _REFUSED:
            raise Denied(f"{shown(self.url)}{path}: {answer.said}", answer.status)
        return read(answer, f"{shown(self.url)}{path}")


def read(answer: Answer, where: str) -> Any:
    """The body as JSON. Raises Denied where it is none: somebody else answers there."""
    try:
        return json.loads(answer.body)
    except ValueError as error:
        raise Denied(f"{where} does not answer in JSON (HTTP {answer.status}); is it ours?", answer.status) from error


def _bare(url: str) -> str:
    """Without a name and password, which would be taken for a host and its port, and be told when that fails."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def shown(url: str) -> str:
    """The URL without a name and password that may stand in it, and without its query."""
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))
