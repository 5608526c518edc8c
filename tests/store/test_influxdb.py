"""Every answer of an InfluxDB is classified once: stored, refused for good, bucket missing, or unavailable for now."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from foundation.batch import Position
from foundation.errors import ConfigError, Permanent, TocsinError, Transient
from foundation.secret import Secret
from store.contract import Verdict
from store.errors import (
    BodyRefused,
    BucketForbidden,
    BucketMissing,
    CertificateRefused,
    ConnectionCut,
    QueryLimitExceeded,
    QuerySyntaxError,
    StoreBusy,
    StoreTimedOut,
    StoreUnavailable,
    TokenRefused,
)
from store.influxdb import InfluxConfig, InfluxStore
from tests.fakes.shipping import shipment

BODY = b"m f=1 1\nm f=2 2\n"
WHERE = Position("log", "telemetry", 16)
TOKEN = "very-secret-token"


@dataclass
class Answering:
    """An HTTP server that answers everything as it is told and keeps what it got."""

    status: int = 204
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    hold: asyncio.Event | None = None
    url: str = ""
    seen: list[tuple[web.BaseRequest, bytes]] = field(default_factory=list)

    async def handle(self, request: web.BaseRequest) -> web.Response:
        self.seen.append((request, await request.content.read()))
        if self.hold is not None:
            await self.hold.wait()
        return web.Response(status=self.status, body=self.body, headers=self.headers)


@pytest.fixture
async def server() -> AsyncIterator[Answering]:
    answering = Answering()
    runner = web.ServerRunner(web.Server(answering.handle, auto_decompress=False), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    answering.url = f"http://{host}:{port}"
    yield answering
    if answering.hold is not None:
        answering.hold.set()
    await runner.cleanup()


@pytest.fixture
async def store(server: Answering) -> AsyncIterator[InfluxStore]:
    made = InfluxStore(config(server))
    await made.open()
    yield made
    await made.close()


def config(server: Answering, **changes: Any) -> InfluxConfig:
    given = {"kind": "influxdb", "url": server.url, "org": "acme", "token": Secret(TOKEN)}
    return InfluxConfig(**{**given, **changes})


async def test_members_are_sent_as_they_are(server: Answering, store: InfluxStore) -> None:
    """The buffer's gzip members go out unchanged, as one body with ns timestamps, under the token."""
    goods = shipment(BODY, members=2)
    assert await store.write(goods, WHERE) == Verdict(stored=2)
    ((request, body),) = server.seen
    assert body == goods.members
    assert request.path == "/api/v2/write"
    assert dict(request.query) == {"org": "acme", "bucket": "telemetry", "precision": "ns"}
    assert request.headers["Content-Encoding"] == "gzip"
    assert request.headers["Authorization"] == f"Token {TOKEN}"


@pytest.mark.parametrize(
    ("status", "message", "error"),
    [
        (400, "unable to parse 'nonsense': missing fields", BodyRefused),
        (400, "unable to parse 'org f': invalid field format", BodyRefused),
        (422, "failure writing points to database: partial write: field type conflict: ... dropped=1", BodyRefused),
        (413, "unable to read data: points batch is too large", BodyRefused),
        (404, 'bucket "telemetry" not found', BucketMissing),
        (404, 'organization name "acme" not found', StoreUnavailable),
        (404, "page not found", StoreUnavailable),
        (400, "precision is wrong", StoreUnavailable),
        (401, "unauthorized access", TokenRefused),
        (403, "insufficient permissions for write", BucketForbidden),
        (408, "request timeout", StoreTimedOut),
        (429, "slow down", StoreBusy),
        (500, "unexpected error writing points to database: timeout", StoreUnavailable),
        (502, "bad gateway", StoreUnavailable),
        (503, "starting", StoreBusy),
        (504, "gateway timeout", StoreTimedOut),
        (405, "method not allowed", StoreUnavailable),
        (415, "unsupported media type", StoreUnavailable),
        (200, "", StoreUnavailable),
        (202, "", StoreUnavailable),
    ],
)
async def test_answers_to_a_write(
    server: Answering, store: InfluxStore, status: int, message: str, error: type[TocsinError]
) -> None:
    """Refused lines are permanent, all else is worth another attempt; the message is told and the token is not."""
    server.status, server.body = status, b'{"code":"x","message":"%s"}' % message.replace('"', '\\"').encode()
    with pytest.raises(error) as caught:
        await store.write(shipment(BODY), WHERE)
    assert type(caught.value) is error
    assert isinstance(caught.value, Permanent if error is BodyRefused else Transient)
    assert message in str(caught.value)
    assert TOKEN not in str(caught.value)
    assert len(server.seen) == 1


async def test_too_large_is_told_apart(server: Answering, store: InfluxStore) -> None:
    """413 is about the size of the body, not about its lines."""
    for status, body, too_large in ((413, b"<html>413</html>", True), (400, b'{"message":"missing fields"}', False)):
        server.status, server.body = status, body
        with pytest.raises(BodyRefused) as caught:
            await store.write(shipment(BODY), WHERE)
        assert caught.value.too_large is too_large


@pytest.mark.parametrize("status", [400, 422])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"Client sent an HTTP request to an HTTPS server.",
        b"<html><h1>400 The plain HTTP request was sent to HTTPS port</h1></html>",
        b'{"detail":"not found"}',
        b'["message"]',
    ],
)
async def test_only_influxdbs_own_words_condemn_lines(
    server: Answering, store: InfluxStore, status: int, body: bytes
) -> None:
    """A proxy, or another server at a mistyped address, refuses everything: that must not end in the dead letters."""
    server.status, server.body = status, body
    with pytest.raises(StoreUnavailable):
        await store.write(shipment(BODY), WHERE)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_a_redirect_is_told_and_not_followed(server: Answering, store: InfluxStore, status: int) -> None:
    """Lines and token go where the configuration says and nowhere else; the error names the place to put there."""
    server.status, server.headers = status, {"Location": f"{server.url}/elsewhere"}
    with pytest.raises(StoreUnavailable, match=r"/elsewhere .*mend url"):
        await store.write(shipment(BODY), WHERE)
    assert len(server.seen) == 1


async def test_stripped_field_is_no_refusal(server: Answering, store: InfluxStore) -> None:
    """A 422 that dropped no point has stored them all."""
    server.status = 422
    server.body = (
        b'{"message":"failure writing points: partial write: invalid field name: x dropped=0 for database: d"}'
    )
    assert await store.write(shipment(BODY), WHERE) == Verdict(stored=2)


async def test_retry_after_is_passed_on(server: Answering, store: InfluxStore) -> None:
    """What the server asks for is told to whoever retries."""
    server.status, server.headers = 503, {"Retry-After": "17"}
    with pytest.raises(StoreUnavailable) as caught:
        await store.write(shipment(BODY), WHERE)
    assert caught.value.retry_after_s == 17


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Date": "Sun, 22 Nov 2026 10:00:00 GMT", "Retry-After": "Sun, 22 Nov 2026 10:01:30 GMT"}, 90),
        ({"Date": "Sun, 22 Nov 2026 10:00:00 GMT", "Retry-After": "Sun, 22 Nov 2026 09:00:00 GMT"}, 0),
        ({"Date": "Sun, 22 Nov 2026 10:00:00 GMT", "Retry-After": "soon"}, None),
        ({"Date": "Sun, 22 Nov 2026 10:00:00 GMT", "Retry-After": "-5"}, None),
        ({}, None),
    ],
)
async def test_a_date_to_come_back_is_counted_from_the_answers_own(
    server: Answering, store: InfluxStore, headers: dict[str, str], seconds: float | None
) -> None:
    """A server whose clock is wrong is wrong in both headers alike."""
    server.status, server.headers = 429, headers
    with pytest.raises(StoreBusy) as caught:
        await store.write(shipment(BODY), WHERE)
    assert caught.value.retry_after_s == seconds


async def test_a_connection_that_breaks_is_told_from_one_that_was_never_made() -> None:
    """The first may be the body's size, the second cannot."""

    async def breaking(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.transport.abort()

    async with await asyncio.start_server(breaking, "127.0.0.1", 0) as server:
        url = "http://{}:{}".format(*server.sockets[0].getsockname())
        store = InfluxStore(InfluxConfig(kind="influxdb", url=url, org="acme", token=Secret(TOKEN)))
        await store.open()
        with pytest.raises(ConnectionCut):
            await store.write(shipment(BODY), WHERE)
    with pytest.raises(StoreUnavailable) as caught:
        await store.write(shipment(BODY), WHERE)
    await store.close()
    assert type(caught.value) is StoreUnavailable


async def test_no_tls_is_told_apart(server: Answering) -> None:
    """With https where the server speaks plain HTTP: somebody has to mend that, and is told so."""
    store = InfluxStore(config(server, url=server.url.replace("http://", "https://")))
    await store.open()
    with pytest.raises(CertificateRefused):
        await store.write(shipment(BODY), WHERE)
    await store.close()


async def test_certificates_that_cannot_be_read_stop_the_start(server: Answering, tmp_path: Path) -> None:
    """No file, or one that holds something else, is found out at open and names the key to mend."""
    wrong = tmp_path / "wrong.pem"
    wrong.write_text("no certificate")
    for ca_file in (wrong, tmp_path / "none.pem"):
        store = InfluxStore(config(server, url="https://127.0.0.1:1", ca_file=ca_file))
        with pytest.raises(ConfigError, match=r"\.pem: .*mend ca_file"):
            await store.open()


async def test_write_without_answer_ends(server: Answering) -> None:
    """A server that accepts and never answers is unavailable after the configured time."""
    server.hold = asyncio.Event()
    store = InfluxStore(config(server, timeout=timedelta(milliseconds=50)))
    await store.open()
    with pytest.raises(StoreTimedOut, match="no answer within"):
        await store.write(shipment(BODY), WHERE)
    await store.close()


async def test_query_without_answer_ends(server: Answering, store: InfluxStore) -> None:
    """A query ends at its own deadline."""
    server.hold = asyncio.Event()
    with pytest.raises(QueryLimitExceeded):
        await store.query("SHOW DATABASES", "telemetry", deadline_s=0.05)


async def test_server_that_is_away() -> None:
    """A refused connection is unavailable, for writes and queries, and no error at open."""
    store = InfluxStore(InfluxConfig(kind="influxdb", url="http://127.0.0.1:1", org="acme", token=Secret(TOKEN)))
    await store.open()
    with pytest.raises(StoreUnavailable):
        await store.write(shipment(BODY), WHERE)
    with pytest.raises(StoreUnavailable):
        await store.buckets()
    await store.close()


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (400, b'{"code":"invalid","message":"failed to parse query: found X"}', QuerySyntaxError),
        (400, b'{"error":"error parsing query: found X"}', QuerySyntaxError),
        (401, b"Unauthorized", StoreUnavailable),
        (503, b'{"status":"starting"}', StoreUnavailable),
        (200, b"<html>a proxy's page</html>", StoreUnavailable),
    ],
)
async def test_answers_to_a_query(
    server: Answering, store: InfluxStore, status: int, body: bytes, error: type[TocsinError]
) -> None:
    """Only a 400 blames the text of the query; a page that is no InfluxDB JSON is no answer."""
    server.status, server.body = status, body
    with pytest.raises(error):
        await store.query("X", "telemetry")


def test_configuration_is_checked() -> None:
    """An address without scheme is an error that says what is expected."""
    with pytest.raises(ValueError, match="http:// or https://"):
        InfluxConfig(kind="influxdb", url="influxdb:8086", org="acme", token=Secret(TOKEN))
