"""Asking a running role: found by listen.json or named by --url, with the stack's own token or a given one."""

from __future__ import annotations

import argparse
import json
import ssl
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.error import HTTPError, URLError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from foundation import listen, tls
from foundation.errors import ConfigError, Permanent
from foundation.secret import Secret
from tocsin import config as configuration
from tocsin.config import TocsinConfig
from tocsin.reaching import tls_of, url_of
from tocsin.tokens import own_token

_PATIENCE_S = 60.0
_MOST_SHOWN = 500


class Refused(Permanent):
    """The role was reached and its answer is no; the message is its own."""


class Peer(ABC):
    """One running role. Raises ConfigError where none can be found."""

    role: ClassVar[str]
    token_hint: ClassVar[str]

    def __init__(self, arguments: argparse.Namespace) -> None:
        config = configuration.load(arguments.config)
        state = config.state
        self.trust: ssl.SSLContext | None = None
        if arguments.url:
            self.url = str(arguments.url).rstrip("/")
            if not self.url.startswith(("http://", "https://")):
                raise ConfigError(f"--url: {self.url!r} is not a URL; write http://HOST:PORT")
        else:
            where = listen.addresses(state).get(self.role)
            if where is None:
                raise ConfigError(f"no {self.role} runs on {state}; start one with `tocsin up`, or name one with --url")
            self.url = url_of(config, self.role, where)
            own = tls_of(config, self.role)
            if own is not None:
                self.trust = tls.trust(own, self.role)
        if arguments.token_file:
            self._token: Secret | None = Secret(arguments.token_file.read_text().strip())
        else:
            self._token = None if arguments.url else self._own_token(config)

    def headers(self) -> dict[str, str]:
        """What lets a request in."""
        return {"Authorization": f"Token {self._token.reveal()}"} if self._token else {}

    def ask(
        self,
        path: str,
        params: Mapping[str, object] | None = None,
        *,
        method: str = "GET",
        form: Mapping[str, object] | None = None,
        patience_s: float = _PATIENCE_S,
    ) -> Any:
        """The JSON that answers within `patience_s`. Raises Refused, and ConfigError where nobody answers."""
        query = f"?{urlencode({key: value for key, value in (params or {}).items() if value})}" if params else ""
        headers = self.headers()
        body = None
        if form is not None:
            body = json.dumps({key: value for key, value in form.items() if value}).encode()
            headers["Content-Type"] = "application/json"
        request = Request(self.url + path + query, body, headers, method=method)  # noqa: S310 - checked above
        try:
            with urlopen(request, timeout=patience_s, context=self.trust) as reply:  # noqa: S310 - checked above
                return json.load(reply)
        except HTTPError as error:
            raise Refused(self._said(error)) from error
        except (URLError, OSError) as error:
            raise ConfigError(f"{self.url}: the {self.role} does not answer ({error})") from error

    @abstractmethod
    def _own_token(self, config: TocsinConfig) -> Secret | None:
        """The one that a command on the role's own machine finds by itself."""

    def _said(self, error: HTTPError) -> str:
        text = error.read().decode("utf-8", "replace")
        try:
            answer = json.loads(text)
            message = str(answer["message"] if "message" in answer else answer["error"])
        except (ValueError, KeyError, TypeError):
            message = text[:_MOST_SHOWN]
        if error.code == 401:  # noqa: PLR2004 - unauthorized
            message += f"; {self.token_hint}"
        return f"{message} (HTTP {error.code})"


class Collector(Peer):
    """The running collector."""

    role = "collector"
    token_hint = "name a token with --token-file (`tocsin token create NAME --scope admin > FILE`)"  # noqa: S105 - a hint

    def _own_token(self, config: TocsinConfig) -> Secret | None:
        return own_token(config.state)


class Alerting(Peer):
    """The running alerting role."""

    role = "alerting"
    token_hint = "name a file that holds alerting.admin_token with --token-file"  # noqa: S105 - a hint

    def _own_token(self, config: TocsinConfig) -> Secret | None:
        return config.alerting.admin_token
