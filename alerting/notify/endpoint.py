"""One address of one service, spoken to in JSON over HTTP; what it answers is sorted into taken, later and never.

PagerDuty and Slack stand on this. The invariants: nothing secret (address, key, what the service echoes of them) gets
into an error; a redirect is not followed, so a key is never handed to another host; a call ends within its time.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any, NoReturn
from urllib.parse import urlsplit

import aiohttp
import orjson

from alerting.notify.contract import Refusal, Unanswered, Unreachable
from alerting.notify.render import one_line
from foundation.secret import Secret

_CONNECTIONS = 16
_ANSWER_BYTES = 64 * 1024
_TOLD_CHARACTERS = 200
_KEY_CHARACTERS = 8
_MOST_RETRY_AFTER_S = 3600.0
_LOST_BETWEEN = frozenset({HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT})
_LATER = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_EARLY, HTTPStatus.TOO_MANY_REQUESTS})


def check_url(url: str) -> None:
    """Raise ValueError, without telling the address, unless `url` is an http or https address."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise ValueError("the address is not a URL; write it with its scheme, as in https://host/path")


def retry_after_s(header: str | None, now: datetime) -> float | None:
    """What a Retry-After header asks for, in seconds from `now`, an hour at most; None if it cannot be read."""
    if header is None:
        return None
    if re.fullmatch(r"\s*\d{1,9}(\.\d+)?\s*", header):
        return min(float(header), _MOST_RETRY_AFTER_S)
    try:
        at = parsedate_to_datetime(header)
    except ValueError:
        return None
    wait = (at.replace(tzinfo=at.tzinfo or UTC) - now).total_seconds()
    return min(max(wait, 0.0), _MOST_RETRY_AFTER_S)


@dataclass(frozen=True, slots=True)
class Answer:
    """What came with a 2xx: the beginning of the body, and how long the service asks to be left alone."""

    text: str
    retry_after_s: float | None


class Endpoint:
    """Posts JSON to one address. `secrets` are taken out of whatever the service answers before it is told."""

    def __init__(self, service: str, url: Secret, *, timeout_s: float, secrets: tuple[Secret, ...] = ()) -> None:
        self._service = service
        self._url = url
        self._timeout_s = timeout_s
        self._hidden = (*_telling(url.reveal()), *(secret.reveal() for secret in secrets))
        self._http = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=_CONNECTIONS),
            timeout=aiohttp.ClientTimeout(total=timeout_s),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"Content-Type": "application/json"},
        )

    async def post(self, payload: Any, *, now: datetime) -> str:
        """Send `payload`; returns the body of a 2xx answer. Raises Unreachable or Refusal."""
        return await self.post_bytes(orjson.dumps(payload), headers={}, now=now)

    async def post_bytes(self, payload: bytes, *, headers: Mapping[str, str], now: datetime) -> str:
        """Send JSON as it is, with more headers; otherwise as `post`."""
        return (await self.exchange(payload, headers=headers, now=now)).text

    async def exchange(self, payload: bytes, *, headers: Mapping[str, str], now: datetime) -> Answer:
        """As `post_bytes`, for a service that says no with a 2xx, too."""
        try:
            async with self._http.post(
                self._url.reveal(),
                data=payload,
                headers=headers,
                allow_redirects=False,
            ) as answer:
                text = (await _beginning(answer.content)).decode("utf-8", "replace")
                status, header = answer.status, answer.headers.get("Retry-After")
        except TimeoutError:
            raise Unanswered(f"{self._service} did not answer within {self._timeout_s:g} s") from None
        except aiohttp.InvalidURL:
            raise Refusal(f"{self._service}: the address is not a URL") from None
        except aiohttp.ClientConnectorError as error:
            raise Unreachable(f"{self._service} cannot be reached: {_plainly(error)}") from None
        except (aiohttp.ClientError, OSError) as error:
            raise Unanswered(f"{self._service} broke the connection off: {_plainly(error)}") from None
        if not 200 <= status < 300:  # noqa: PLR2004 - 2xx is taken
            self._sort(status, text, retry_after_s(header, now))
        return Answer(text, retry_after_s(header, now))

    def _sort(self, status: int, text: str, wait_s: float | None) -> NoReturn:
        told = f"{self._service} answered {status}: {self.redact(text) or 'nothing'}"
        if status in _LOST_BETWEEN:
            raise Unanswered(told, retry_after_s=wait_s)
        if status in _LATER or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise Unreachable(told, retry_after_s=wait_s)
        raise Refusal(told)

    def redact(self, text: str) -> str:
        """The beginning of `text` in one line, without our secrets."""
        for hidden in self._hidden:
            text = text.replace(hidden, "***") if hidden else text
        return one_line(text, _TOLD_CHARACTERS)

    async def close(self) -> None:
        """Release connections."""
        await self._http.close()


async def _beginning(content: aiohttp.StreamReader) -> bytes:
    body = bytearray()
    while len(body) < _ANSWER_BYTES and not content.at_eof():
        body += await content.readany()
    return bytes(body[:_ANSWER_BYTES])


def _telling(url: str) -> list[str]:
    """The address and those of its parts that may be a key, longest first."""
    parts = urlsplit(url)
    inner = f"{parts.path}?{parts.query}" if parts.query else parts.path
    words = [word for word in re.split(r"[/?&=]", inner) if len(word) >= _KEY_CHARACTERS]
    return sorted({url, inner.rstrip("/"), *words}, key=len, reverse=True)


def _plainly(error: Exception) -> str:
    """The kind of failure; texts of network errors may hold the address, and the address may hold a secret."""
    reason = getattr(error, "os_error", None) or error
    return getattr(reason, "strerror", None) or type(error).__name__
