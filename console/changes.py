"""Who may change something through the console: only its own pages, and off loopback only where that was allowed.

`gateway` asks before it passes a change on. The invariant: no page of another site makes a browser change anything.
Not by a form, for a change is JSON; not by a script, for it comes from the console's own address; and not by a name
that was made to lead here, for a name is the console's own only where `public_url` says so.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from urllib.parse import urlsplit

from console.config import ConsoleConfig
from foundation.web import Address

_JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a change is refused: `reason` as it is counted, `words` for people."""

    reason: str
    status: HTTPStatus
    words: str


def closed(config: ConsoleConfig, name: str = "") -> Refusal | None:
    """Why whoever signed in as `name` (empty: nobody) may not change anything; None where they may."""
    asks = config.password is not None or config.proxy is not None
    is_local = bool(name) or (Address.parse(config.listen).loopback and not asks)
    if config.changes == "anyone" or (config.changes == "local" and is_local):
        return None
    words = "this console changes nothing: console.changes says so"
    if config.changes == "local":
        words = "others can reach this console, so only who signed in changes anything; console.changes may be `anyone`"
    return Refusal("closed", HTTPStatus.FORBIDDEN, f"{words}; `tocsin silence` and `tocsin ack` work where tocsin runs")


def refused(headers: Mapping[str, str], host: str, config: ConsoleConfig, name: str = "") -> Refusal | None:
    """Why a change with these headers, asked of `host` by `name`, is refused; None: it may pass."""
    return foreign(headers, host, config) or closed(config, name)


def foreign(headers: Mapping[str, str], host: str, config: ConsoleConfig) -> Refusal | None:
    """Why something asked of `host` (HOST or HOST:PORT) may come from a page of another site; None: it does not.

    A program that is no browser sends neither Origin nor Sec-Fetch-Site, and nobody else's page speaks through it.
    """
    if headers.get("Content-Type", "").partition(";")[0].strip().lower() != _JSON:
        words = f"a change is sent with Content-Type: {_JSON}"
        return Refusal("not-json", HTTPStatus.UNSUPPORTED_MEDIA_TYPE, words)
    origin, site = headers.get("Origin"), headers.get("Sec-Fetch-Site", "same-origin")
    if site != "same-origin" or (origin is not None and not _is_own(origin, host, config.public_url)):
        words = f"a page of {origin or 'another site'} may change nothing here"
        mend = "people who reach the console by that name need it as console.public_url"
        return Refusal("foreign", HTTPStatus.FORBIDDEN, f"{words}; {mend}")
    return None


def _is_own(origin: str, host: str, public_url: str) -> bool:
    told, public = urlsplit(origin), urlsplit(public_url)
    if public_url and (told.scheme, told.netloc) == (public.scheme, public.netloc):
        return True
    return told.netloc == host and _names_itself(told.hostname or "")


def _names_itself(host: str) -> bool:
    """Whether no name service has a say in where `host` leads."""
    if host == "localhost":
        return True
    try:
        _ = ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
