"""The collector's front door, from outside: where the history of alerts is written, like anybody's telemetry.

`events` calls it. The invariant: what it raises says whether trying again could help, and never holds the token.
"""

from __future__ import annotations

from http import HTTPStatus

import aiohttp

from foundation.errors import Permanent, Transient
from foundation.secret import Secret

_TIMEOUT_S = 5.0
_BUCKET = "telemetry"


class CollectorAway(Transient):
    """The collector could not be reached or cannot take lines now."""


class LinesRefused(Permanent):
    """The collector refused the lines."""


class FrontDoor:
    """Posts lines to a collector's `/api/v2/write`."""

    def __init__(self, url: str, token: Secret | None, session: aiohttp.ClientSession) -> None:
        self._session = session
        self.point_at(url, token)

    def point_at(self, url: str, token: Secret | None) -> None:
        """Write to the collector at `url` from now on."""
        self._url = f"{url.rstrip('/')}/api/v2/write"
        self._token = token

    async def publish(self, lines: bytes) -> None:
        """Write lines with nanosecond timestamps. Raises CollectorAway or LinesRefused."""
        headers = {"Authorization": f"Token {self._token.reveal()}"} if self._token else {}
        params = {"bucket": _BUCKET, "precision": "ns"}
        timeout = aiohttp.ClientTimeout(total=_TIMEOUT_S)
        try:
            async with self._session.post(
                self._url, params=params, data=lines, headers=headers, timeout=timeout
            ) as response:
                status = response.status
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise CollectorAway(f"{self._url} cannot be reached: {type(error).__name__}") from error
        if status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            raise CollectorAway(f"{self._url} answered {status}")
        if status >= HTTPStatus.BAD_REQUEST:
            raise LinesRefused(f"{self._url} answered {status}; does alerting.token hold a token that may write?")
