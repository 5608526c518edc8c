"""A collector's /query: for processes that may not open the embedded file themselves. Reads only."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

import aiohttp

from foundation.secret import Secret
from foundation.tls import Trust
from store.contract import StatementResult
from store.errors import QueryLimitExceeded, StoreUnavailable
from store.wire import database_names, raise_query_error, read_results


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteConfig:
    """Another process's /query. `token` needs the scope `read`; leave it out where the collector is open."""

    kind: Literal["remote"]
    url: str
    token: Secret | None = None
    connect_timeout: timedelta = timedelta(seconds=5)

    def __post_init__(self) -> None:
        if not self.url.startswith(("http://", "https://")):
            raise ValueError(f"url must begin with http:// or https://, not {self.url!r}")


class RemoteReader:
    """The reader contract over HTTP. The session is made with the first query, so `open` may be left out.

    `trust`: whose certificate the collector's may be.
    """

    name = "remote"

    def __init__(self, config: RemoteConfig, trust: Trust = True) -> None:
        self._session: aiohttp.ClientSession | None = None
        self._trust = trust
        self.adopt(config)

    def adopt(self, config: RemoteConfig) -> None:
        """Ask by `config` from the next query on."""
        self._config = config
        self._url = config.url.rstrip("/") + "/query"
        self._headers = {"Authorization": f"Token {config.token.reveal()}"} if config.token else {}
        self._timeout = aiohttp.ClientTimeout(total=None, sock_connect=config.connect_timeout.total_seconds())

    async def open(self) -> None:
        """Make the HTTP session; the collector is not asked."""
        self._connection()

    async def close(self) -> None:
        """Close the session."""
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    async def query(self, influxql: str, db: str, *, deadline_s: float = 30.0) -> tuple[StatementResult, ...]:
        """Ask the collector. Raises QuerySyntaxError, QueryLimitExceeded after the deadline, StoreUnavailable."""
        params, form = {"db": db, "epoch": "ns"}, {"q": influxql}
        try:
            async with (
                asyncio.timeout(deadline_s),
                self._connection().post(
                    self._url, params=params, data=form, headers=self._headers, timeout=self._timeout
                ) as response,
            ):
                status, headers, body = response.status, response.headers, await response.read()
        except aiohttp.ServerTimeoutError as error:
            raise StoreUnavailable(f"{self._config.url}: cannot be reached in time") from error
        except TimeoutError as error:
            raise QueryLimitExceeded(f"{self._config.url}: no answer within {deadline_s:g} s") from error
        except (aiohttp.ClientError, OSError) as error:
            raise StoreUnavailable(f"{self._config.url}: {type(error).__name__}: {error}") from error
        if status != 200:  # noqa: PLR2004 - the one status that carries results
            raise_query_error(self._config.url, status, headers, body)
        return read_results(body)

    async def buckets(self) -> tuple[str, ...]:
        """Names of the buckets that the collector's store has, sorted."""
        return database_names(await self.query("SHOW DATABASES", ""))

    def _connection(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=self._trust))
        return self._session
