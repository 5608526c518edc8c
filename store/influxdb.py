"""InfluxDB 2 over HTTP, or any server that speaks its write API and InfluxQL at /query.

influxdb-client is transport and authentication; bodies are the buffer's own gzip members, sent as they are. Nothing is
batched or tried again here: every answer is classified once, and delivery alone decides what follows. Only words that
are InfluxDB's own condemn a line: a proxy, or a server of another kind at a mistyped address, never does.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal, TypeVar

import aiohttp
from influxdb_client.client.influxdb_client_async import InfluxDBClientAsync
from influxdb_client.rest import ApiException
from influxdb_client.service.write_service import WriteService

from foundation.batch import FieldType
from foundation.errors import ConfigError, Transient
from foundation.secret import Secret
from store.contract import Copied, FieldTypes, StatementResult, StoreStanding, Verdict
from store.errors import (
    BodyRefused,
    BucketForbidden,
    BucketMissing,
    CertificateRefused,
    ConnectionCut,
    CopyRefused,
    QueryLimitExceeded,
    StoreBusy,
    StoreTimedOut,
    StoreUnavailable,
    TokenRefused,
)
from store.wire import database_names, first_name, message_of, own_words, raise_query_error, read_results, retry_after

if TYPE_CHECKING:
    from foundation.batch import Position, Shipment

T = TypeVar("T")

_STORED: Final = 204
_REFUSED: Final = (400, 422)
_TOO_LARGE: Final = 413
_NOT_FOUND: Final = 404
_DONE: Final = 200
_FAULT: Final = 500
_ID: Final = re.compile(r"[0-9a-fA-F]{16}")
_ELSEWHERE: Final = range(300, 400)
_WAITS: Final = {
    401: TokenRefused,
    403: BucketForbidden,
    408: StoreTimedOut,
    429: StoreBusy,
    503: StoreBusy,
    504: StoreTimedOut,
}
"""Statuses with a meaning of their own for whoever tries again; all others are StoreUnavailable."""
_DROPPED_NOTHING: Final = re.compile(r"partial write: .* dropped=0\b", re.DOTALL)
_NOT_THE_LINES: Final = re.compile(r"\b(?:org|organization|precision)\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class InfluxConfig:
    """An InfluxDB 2 server. `bucket` is where lines go that name none; `token` must write and read.

    `timeout` bounds one write; `ca_file` holds the certificates to trust when the server's are not public.
    """

    kind: Literal["influxdb"]
    url: str
    org: str
    token: Secret
    bucket: str = "telemetry"
    timeout: timedelta = timedelta(seconds=30)
    connect_timeout: timedelta = timedelta(seconds=5)
    connections: int = 16
    ca_file: Path | None = None

    def __post_init__(self) -> None:
        if not self.url.startswith(("http://", "https://")):
            raise ValueError(f"url must begin with http:// or https://, not {self.url!r}")
        if self.timeout <= timedelta(0) or self.connections < 1:
            raise ValueError("timeout and connections must be positive")


def read_trust(config: InfluxConfig) -> ssl.SSLContext | None:
    """Whose certificates are trusted; None without TLS. Raises ConfigError for a file that cannot be used."""
    if not config.url.startswith("https://"):
        return None
    try:
        return ssl.create_default_context(cafile=config.ca_file)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(f"{config.ca_file}: holds no certificates that can be read: {error}; mend ca_file") from error


class InfluxStore:
    """The store contract on one InfluxDB 2. Writes are idempotent: the same lines twice leave one point each."""

    makes_buckets = False

    def __init__(self, config: InfluxConfig, name: str = "influxdb") -> None:
        self.name = name
        self._config = config
        self._client: Any = None
        self._write_service: Any = WriteService

    async def open(self) -> None:
        """Make the HTTP session; the server is not asked. Raises ConfigError where ca_file cannot be used.

        Redirects are not followed: they would take the lines to a server that nobody configured, or drop them.
        """
        config = self._config
        self._client = InfluxDBClientAsync(
            config.url.rstrip("/"),
            token=config.token.reveal(),
            org=config.org,
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=config.connect_timeout.total_seconds()),
            connection_pool_maxsize=config.connections,
            ssl_context=await asyncio.to_thread(read_trust, config),
            allow_redirects=False,
        )

    async def close(self) -> None:
        """Close the session."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    async def write(self, shipment: Shipment, position: Position) -> Verdict:
        """Post the members as one body.

        Raises BodyRefused (400, 413, and 422, after which the other lines are stored: halve and write again, it does no
        harm), BucketMissing (404), BucketForbidden (403), StoreUnavailable or one of its kinds (everything else).
        """
        del position
        request = self._write_service(self._api()).post_write_async(
            org=self._config.org,
            bucket=shipment.bucket,
            body=shipment.members,
            precision="ns",
            content_encoding="gzip",
            content_type="text/plain; charset=utf-8",
            async_req=False,
            _return_http_data_only=False,
        )
        try:
            _, status, _ = await self._within(request, self._config.timeout.total_seconds())
        except ApiException as error:
            return self._judge(shipment, error)
        except TimeoutError as error:
            raise StoreTimedOut(f"{self._config.url}: no answer within {self._config.timeout}") from error
        if status != _STORED:
            raise StoreUnavailable(f"{self._config.url}: answered {status} to a write; InfluxDB answers 204")
        return Verdict(stored=shipment.lines)

    async def make_bucket(self, bucket: str) -> None:
        """Raise BucketMissing where the server has none such: how long one keeps its lines is for its owner to say."""
        if bucket not in await self.buckets():
            raise BucketMissing(f'{self._config.url}: bucket "{bucket}" not found')

    async def copy(self) -> Copied:
        """See the contract: never."""
        raise CopyRefused("InfluxDB keeps its own lines; back it up with `influx backup`")

    def standing(self) -> StoreStanding:
        """Nothing: the server knows."""
        return StoreStanding()

    async def position(self, log: str, bucket: str) -> int | None:
        """None: InfluxDB keeps no positions."""
        del log, bucket
        return None

    async def field_types(self, bucket: str) -> FieldTypes:
        """Types of all fields, by SHOW FIELD KEYS. A field with several types (in several shards) has its first."""
        types: dict[str, dict[str, FieldType]] = {}
        for result in await self.query("SHOW FIELD KEYS", bucket):
            for series in result.series:
                fields = types.setdefault(series.name, {})
                for key, type_ in series.values:
                    fields.setdefault(str(key), FieldType(str(type_)))
        return types

    async def buckets(self) -> tuple[str, ...]:
        """Names of the buckets that the token may read, sorted."""
        return database_names(await self.query("SHOW DATABASES", ""))

    def query_at_once(self, influxql: str, db: str) -> None:
        """Nothing: the server has to be waited for."""

    async def query(self, influxql: str, db: str, *, deadline_s: float = 30.0) -> tuple[StatementResult, ...]:
        """Ask /query; of a bucket named `db/rp` as the policy `rp` of `db`, which is how the server knows it there.

        Raises QuerySyntaxError, QueryLimitExceeded after the deadline, StoreUnavailable.
        """
        database, _, policy = db.partition("/")
        params = [("db", database), ("epoch", "ns")] + ([("rp", policy)] if policy else [])
        try:
            async with asyncio.timeout(deadline_s):
                response, body = await self._ask("POST", "/query", params, [("q", influxql)])
        except TimeoutError as error:
            raise QueryLimitExceeded(f"{self._config.url}: no answer within {deadline_s:g} s") from error
        if response.status != _DONE:
            raise_query_error(self._config.url, response.status, response.headers, body)
        return read_results(body)

    async def find_bucket(self, text: str) -> str | None:
        """Ask /api/v2/buckets by id, where it could be one, then by name; a server that has no such path finds none."""
        ways = [("id", text.lower())] if _ID.fullmatch(text) else []
        for way in (*ways, ("name", text)):
            response, body = await self._ask("GET", "/api/v2/buckets", [way])
            if response.status >= _FAULT:
                raise StoreUnavailable(f"{self._config.url}: answered {response.status} to a question for a bucket")
            found = first_name(body) if response.status == _DONE else None
            if found is not None:
                return found
        return None

    async def _ask(
        self, method: str, path: str, params: list[tuple[str, str]], form: list[tuple[str, str]] | None = None
    ) -> tuple[aiohttp.ClientResponse, bytes]:
        request = self._api().call_api(
            path,
            method,
            header_params={"Accept": "application/json"}
            | ({"Content-Type": "application/x-www-form-urlencoded"} if form else {}),
            query_params=params,
            post_params=form or [],
            response_type=None,
            async_req=False,
            _preload_content=False,
        )
        response: aiohttp.ClientResponse = await self._connected(request)
        async with response:
            return response, await self._connected(response.read())

    def _judge(self, shipment: Shipment, error: ApiException) -> Verdict:
        """What a refused write means. Every branch but one raises."""
        headers: Mapping[str, str] = error.headers or {}
        status, body = error.status or 0, error.body or b""
        message = message_of(body)
        said = f"{self._config.url}: {message or error.reason} (status {status})"
        if status == _TOO_LARGE:
            raise BodyRefused(said, too_large=True) from error
        if status in _REFUSED and own_words(body) and not _names_the_request(message):
            if _DROPPED_NOTHING.search(message):
                return Verdict(stored=shipment.lines)
            raise BodyRefused(message) from error
        if status == _NOT_FOUND and "bucket" in message:
            raise BucketMissing(said) from error
        if status in _ELSEWHERE:
            said = f"{self._config.url}: sends us to {headers.get('Location', 'nowhere')} (status {status}); mend url"
        kind: type[Transient] = _WAITS.get(status, StoreUnavailable)
        raise kind(said, retry_after_s=retry_after(headers)) from error

    async def _within(self, request: Awaitable[T], seconds: float) -> T:
        async with asyncio.timeout(seconds):
            return await self._connected(request)

    async def _connected(self, request: Awaitable[T]) -> T:
        """The request, with what the connection may raise turned into a kind of StoreUnavailable."""
        try:
            return await request
        except aiohttp.ServerTimeoutError as error:
            raise StoreUnavailable(f"{self._config.url}: cannot be reached in time: {error}") from error
        except (aiohttp.ClientError, OSError) as error:
            if isinstance(error, TimeoutError):
                raise
            raise _kind_of(error)(f"{self._config.url}: {type(error).__name__}: {error}") from error

    def _api(self) -> Any:
        if self._client is None:
            raise StoreUnavailable("the InfluxDB store is not open")
        return self._client.api_client


def _kind_of(error: Exception) -> type[StoreUnavailable]:
    """What it is called when a connection fails: before it was made, or after."""
    if isinstance(error, aiohttp.ClientSSLError | ssl.SSLError):
        return CertificateRefused
    if isinstance(error, aiohttp.ClientConnectorError | aiohttp.InvalidURL):
        return StoreUnavailable
    return ConnectionCut


def _names_the_request(message: str) -> bool:
    """Whether a 400 is about the request's parameters, which are ours, rather than about its lines."""
    return _NOT_THE_LINES.search(message.split("'", 1)[0]) is not None
