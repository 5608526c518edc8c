"""The collector's HTTP as a patient client: what is not taken is tried again; what cannot be taken is counted.

`traffic` calls this. The invariants: a few connections at most, kept alive; waits grow while the collector is away; a
batch that the collector refuses for good is not sent twice.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from random import Random
from types import MappingProxyType
from typing import Any

import aiohttp
import orjson

from foundation.backoff import Backoff
from foundation.logs import logger
from foundation.secret import Secret
from foundation.tls import Trust

_CONNECTIONS = 8
_TIMEOUT_S = 10.0
_BACKOFF = Backoff(first_s=0.2, most_s=5.0)
_LINES = MappingProxyType({"Content-Type": "text/plain; charset=utf-8"})
_JSON = MappingProxyType({"Content-Type": "application/json"})
_PARTLY = 422
_LOOSE = "temperature_c"
"""What the collector names where it refuses the words of the fleet's loose probe: that is no fault of the demo."""

_log = logger("demo.push")


@dataclass(slots=True)
class Tally:
    """What became of the requests, by name."""

    taken: int = 0
    retried: int = 0
    refused: int = 0
    given_up: int = 0


class Push:
    """Speaks to the collector at `url`, with `token` where it wants one; `trust`: whose certificate it may show."""

    def __init__(self, url: str, luck: Random, token: Secret | None = None, trust: Trust = True) -> None:
        self._trust = trust
        self.tally = Tally()
        self._refused_with: set[int] = set()
        self.point_at(url, token)
        self._luck = luck
        self._http: aiohttp.ClientSession | None = None

    def point_at(self, url: str, token: Secret | None) -> None:
        """Speak to the collector at `url` from the next request on."""
        self._url = url.rstrip("/")
        self._credentials = {"Authorization": f"Token {token.reveal()}"} if token else {}

    async def open(self) -> None:
        """Make ready to connect."""
        self._http = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=_CONNECTIONS, ssl=self._trust),
            timeout=aiohttp.ClientTimeout(total=_TIMEOUT_S),
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def close(self) -> None:
        """Release connections."""
        if self._http is not None:
            await self._http.close()

    async def lines(self, lines: list[bytes]) -> None:
        """Write line protocol; returns when it is taken or refused for good."""
        await self._deliver("/api/v2/write?org=demo&bucket=telemetry&precision=ns", b"\n".join(lines), _LINES)

    async def telemetry(self, items: Any, *, attempts: int | None = None) -> None:
        """Post JSON readings; gives up after `attempts`, or never."""
        await self._deliver("/v1/telemetry?precision=ms", orjson.dumps(items), _JSON, attempts)

    async def last_event(self) -> int | None:
        """When the shop last served a request, in ns since 1970; None if it never did. Waits for the collector."""
        query = {"db": "telemetry", "epoch": "ns", "q": "SELECT last(duration_ms) FROM http_request"}
        attempt = 0
        while True:
            try:
                async with self._session().get(f"{self._url}/query", params=query, headers=self._credentials) as answer:
                    found = orjson.loads(await answer.read()) if answer.status == 200 else None  # noqa: PLR2004 - HTTP OK
            except (aiohttp.ClientError, OSError, TimeoutError, orjson.JSONDecodeError):
                found = None
            if found is not None:
                return _time_of(found)
            await self._wait(attempt, None)
            attempt += 1

    async def _deliver(
        self, path: str, body: bytes, headers: MappingProxyType[str, str], attempts: int | None = None
    ) -> None:
        attempt = 0
        while True:
            status, wait_s, told = await self._post(path, body, headers)
            if status is not None and status < 500 and status != 429:  # noqa: PLR2004 - HTTP: 5xx and 429 are for later
                self._book(status, told)
                return
            attempt += 1
            if attempts is not None and attempt >= attempts:
                self.tally.given_up += 1
                return
            self.tally.retried += 1
            await self._wait(attempt - 1, wait_s)

    async def _post(
        self, path: str, body: bytes, headers: MappingProxyType[str, str]
    ) -> tuple[int | None, float | None, str]:
        sent = {**headers, **self._credentials}
        try:
            async with self._session().post(f"{self._url}{path}", data=body, headers=sent) as answer:
                asked = answer.headers.get("Retry-After", "")
                told = "" if answer.status < 300 else (await answer.text())[:300]  # noqa: PLR2004 - 2xx
                return answer.status, float(asked) if asked.isdigit() else None, told
        except (aiohttp.ClientError, OSError, TimeoutError):
            return None, None, ""

    def _book(self, status: int, told: str) -> None:
        if status < 300:  # noqa: PLR2004 - 2xx
            self.tally.taken += 1
            return
        self.tally.refused += 1
        if status not in self._refused_with:
            self._refused_with.add(status)
            if status == _PARTLY and _LOOSE in told:
                _log.info("one device of the demo says words for numbers, as real ones do; `tocsin dead list` has them")
            else:
                _log.warning("the collector refuses demo traffic", status=status, answer=told)

    async def _wait(self, attempt: int, asked_s: float | None) -> None:
        await asyncio.sleep(_BACKOFF.delay_s(attempt, self._luck.random(), asked_s))

    def _session(self) -> aiohttp.ClientSession:
        if self._http is None:
            raise RuntimeError("open() comes first")
        return self._http


def _time_of(found: Any) -> int | None:
    try:
        return int(found["results"][0]["series"][0]["values"][0][0])
    except (KeyError, IndexError, TypeError):
        return None
