"""`/query` of a collector with the embedded store beside InfluxDB's own, request by request: status, headers, body.

Grafana's requests are as its InfluxDB data source sends them in InfluxQL mode: the query in a form, `db` and `epoch=ms`
in the address, packed answers accepted.
"""

# ruff: noqa: S608 - InfluxQL of our own making, for stores that hold nothing else

import asyncio
import base64
import gzip
import http.client
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from collector.tokens import Scope, TokenBook
from foundation.clock import SystemClock
from store.embedded.store import EmbeddedConfig, EmbeddedStore
from tests.fakes.collector import QUIET, running_collector
from tests.fakes.influxd import Influxd
from tests.fakes.polling import until

LINES = b"""cpu,host=a,dc=eu load=0.5,n=3i,u=7u,ok=true,s="x" 1767225600000000000
cpu,host=b,dc=eu load=1,n=4i 1767225610000000000
cpu,host=a,dc=eu load=2.25,n=-5i 1767225630000000001
mem used=1 1767225600000000000
events,service=shop text="deployed, \\"again\\"",title="Deploy" 1767225620000000000
"""
LONG = b"".join(b'long,k=%d text="some words that repeat" %d\n' % (n % 7, n) for n in range(2_000))
HEADERS = ("Content-Type", "Content-Encoding", "Vary", "X-Influxdb-Version", "X-Influxdb-Build")
FORM, JSON = "application/x-www-form-urlencoded", "application/json"
FROM, TO = "time >= 1767225600000ms and time <= 1767225660000ms", "time >= 1767225600s and time < 1767225660s"


@dataclass(frozen=True)
class Server:
    """Where one of the two listens, and a token that may do everything with its one bucket."""

    address: str
    token: str
    bucket: str

    def ask(self, request: "Request") -> tuple[int, dict[str, str | None], bytes]:
        connection = http.client.HTTPConnection(self.address, timeout=60)
        params = {"db": self.bucket, **request.params}
        given = {"Authorization": request.authorization.format(token=self.token, basic=self.basic), **request.headers}
        told = {key: self.token if value == "{token}" else value for key, value in params.items()}
        query = urlencode(told, doseq=True)
        headers = {key: value for key, value in given.items() if value}
        connection.request(request.method, f"{request.path}?{query}", request.body, headers)
        answer = connection.getresponse()
        said = answer.status, {name: answer.headers[name] for name in HEADERS}, answer.read()
        connection.close()
        return said

    @property
    def basic(self) -> str:
        return base64.b64encode(b"anyone:" + self.token.encode()).decode()


@dataclass(frozen=True)
class Request:
    """One request; `{token}` and `{basic}` are each server's own. A parameter may have several values."""

    params: Mapping[str, Any] = field(default_factory=dict)
    method: str = "GET"
    path: str = "/query"
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    authorization: str = "Token {token}"


@asynccontextmanager
async def both(influxd: Influxd, bucket: str, state: Path) -> AsyncIterator[tuple[Server, Server]]:
    """InfluxDB and a collector that wants tokens, each with the lines."""
    clock = SystemClock()
    token = TokenBook(state / "tokens.json", clock).create("all", frozenset(Scope)).reveal()
    store = EmbeddedStore(EmbeddedConfig(), state=state, clock=clock)
    async with running_collector(store, state, config=replace(QUIET, tokens="required")) as running:
        theirs = Server(influxd.url.removeprefix("http://"), influxd.token, bucket)
        ours = Server(running.url.removeprefix("http://"), token, bucket)
        write = Request({"bucket": bucket, "org": influxd.org}, "POST", "/api/v2/write", LINES + LONG)
        for server in (theirs, ours):
            assert (await asyncio.to_thread(server.ask, write))[0] == 204

        async def stored() -> bool:
            return bool((await running.get("/ready"))["buffered_lines"] == 0)

        await until(stored, what="an empty buffer")
        yield theirs, ours


async def differences(theirs: Server, ours: Server, requests: Iterator[Request]) -> list[str]:
    """The requests that are not answered alike, with both answers."""
    found = []
    for request in requests:
        there, here = [await asyncio.to_thread(server.ask, request) for server in (theirs, ours)]
        if unpacked(there) != unpacked(here):
            found.append(f"{request}\n    influxd {there}\n    tocsin  {here}")
    return found


def unpacked(answer: tuple[int, dict[str, str | None], bytes]) -> tuple[int, dict[str, str | None], Any]:
    """An answer whose body can be compared; of an error its status and message alone, where there is one message."""
    status, headers, body = answer
    if headers["Content-Encoding"] == "gzip":
        body = gzip.decompress(body)
    if status == 401:
        return status, {}, None
    if status >= 400:
        return status, {}, json.loads(body)["message"] if body else None
    if status == 204:
        return status, {**headers, "Vary": None}, body
    return status, headers, body


def asked(**params: Any) -> Iterator[Request]:
    """The same question in the ways in which it can be put."""
    form = urlencode(params).encode()
    yield Request(params)
    yield Request(params, "HEAD")
    yield Request(params, "POST")
    yield Request({}, "POST", body=form, headers={"Content-Type": FORM})
    yield Request({**params, "q": "SHOW MEASUREMENTS"}, "POST", body=form, headers={"Content-Type": FORM})


def forms() -> Iterator[Request]:
    """Ways to ask, to be let in and to be answered."""
    select = "SELECT * FROM cpu"
    yield from asked(q=select)
    yield from asked(q=select, epoch="ms")
    yield Request({}, "POST", body=select.encode(), headers={"Content-Type": "application/vnd.influxql"})
    part = f'--x\r\nContent-Disposition: form-data; name="q"\r\n\r\n{select}\r\n--x--\r\n'.encode()
    yield Request({}, "POST", body=part, headers={"Content-Type": "multipart/form-data; boundary=x"})
    for unit in ("ns", "n", "u", "us", "µ", "ms", "s", "m", "h", "d", "years", ""):
        yield Request({"q": select, "epoch": unit})
    for accepted in ("text/csv", "application/csv", JSON, "*/*", "text/html"):
        yield Request({"q": f"{select}; SHOW MEASUREMENTS"}, headers={"Accept": accepted})
        yield Request({"q": "SELECT load, s FROM cpu GROUP BY host", "epoch": "s"}, headers={"Accept": accepted})
    for packing in ("gzip", "gzip, deflate", "identity", ""):
        yield Request({"q": select}, headers={"Accept-Encoding": packing})
        yield Request({"q": "SELECT * FROM long"}, headers={"Accept-Encoding": packing})
        yield Request({"q": "SELECT * FROM long", "chunked": "true"}, headers={"Accept-Encoding": packing})
    for size in ("2", "700", "x", "-1"):
        yield Request({"q": "SELECT * FROM long; SELECT * FROM cpu", "chunked": "true", "chunk_size": size})
        yield Request({"q": "SELECT text FROM long GROUP BY k", "chunked": "true", "chunk_size": size})
    for authorization in ("Token anyone:{token}", "Basic {basic}", "", "Token wrong", "Digest x"):
        yield Request({"q": "SELECT load FROM cpu"}, authorization=authorization)
    yield Request({"q": "SELECT load FROM cpu", "u": "anyone", "p": "{token}"}, authorization="")
    yield Request(path="/ping")
    yield Request(method="HEAD", path="/ping")


def statements() -> Iterator[Request]:
    """Answers, empty answers, and errors in their places."""
    for text in (
        "SELECT load FROM cpu; SELECT nosuch(load) FROM cpu; SELECT load FROM cpu",
        "SELECT load FROM cpu; SELECT nosuch(load) FROM cpu",
        "SELECT x FROM nosuch",
        "SELEC",
        "SELECT load FROM cpu LIMIT x",
        "SELECT load FROM nowhere..cpu",
        "SELECT load FROM nowhere.autogen.cpu",
        "SHOW RETENTION POLICIES ON nowhere",
        "SHOW TAG KEYS ON nowhere",
        "SHOW SERIES CARDINALITY",
        "SHOW TAG VALUES CARDINALITY WITH KEY = host",
        "SELECT load FROM cpu LIMIT 1; SHOW USERS; SELECT load FROM cpu",
        "SHOW GRANTS FOR anyone",
        "SHOW QUERIES",
        "SELECT load INTO other FROM cpu",
        "DROP DATABASE other",
        "ALTER RETENTION POLICY autogen ON home DURATION 2d",
        "SHOW SHARD",
        "CREATE USER",
    ):
        yield Request({"q": text})
        if text.count(";") < 2:  # in documents InfluxDB names a fault twice where statements behind it are left out
            yield Request({"q": text, "chunked": "true"})
    for values in ('{"h": "a"}', '{"h": {"regex": "a|b"}}', "{}", '{"h": null}', ""):
        sign = "=~" if "regex" in values else "="
        yield Request({"q": f"SELECT load FROM cpu WHERE host {sign} $h", "params": values})
    yield Request({"q": "SELECT load FROM cpu", "db": "nowhere"})
    yield Request({"q": "SELECT load FROM cpu", "rp": "autogen"})


def grafana() -> Iterator[Request]:
    """What its data source sends: save & test, editor, variables, ad hoc filters, panels, annotations."""
    for text in (
        "SHOW MEASUREMENTS",
        "SHOW DATABASES WHERE x = 1",
        "SHOW MEASUREMENTS WITH MEASUREMENT =~ /(?i)cp/ LIMIT 100",
        'SHOW FIELD KEYS FROM "cpu"',
        'SHOW FIELD KEYS FROM "autogen"."cpu"',
        'SHOW TAG KEYS FROM "cpu"',
        'SHOW TAG KEYS FROM "autogen"."cpu"',
        "SHOW TAG KEYS",
        'SHOW TAG VALUES WITH KEY = "host"',
        'SHOW TAG VALUES FROM "cpu" WITH KEY = "host" WHERE "dc" =~ /^eu$/',
        'SHOW TAG VALUES FROM "cpu" WITH KEY IN ("host", "dc") LIMIT 1',
        f'SELECT mean("load") FROM "cpu" WHERE {FROM} GROUP BY time(10s) fill(null)',
        f'SELECT mean("load") AS "p" FROM "cpu" WHERE ("host"::tag =~ /^(a|b)$/) AND {FROM} GROUP BY time(30s), "host"',
        f'SELECT sum("n") FROM "cpu" WHERE {FROM} GROUP BY time(30s), "host"::tag fill(none) ORDER BY time ASC',
        f'SELECT "load"::field FROM "autogen"."cpu" WHERE ("host" = \'a\' AND "dc" != \'us\') AND {FROM} LIMIT 1000',
        f'SELECT max("load") - min("load"), last("n") FROM "cpu" WHERE {TO} GROUP BY *',
        f'SELECT non_negative_derivative(mean("load"), 1s) FROM "cpu" WHERE {FROM} GROUP BY time(10s) fill(previous)',
        f'SELECT "title", "text", "service" FROM "events" WHERE {FROM} ORDER BY time ASC LIMIT 1000',
        f'SELECT mean("load") FROM "cpu" WHERE {TO} GROUP BY time(1d) fill(0) tz(\'Europe/Berlin\')',
        f'SELECT top("load", "host", 2) FROM "cpu" WHERE {FROM}; SELECT percentile("load", 95) FROM "cpu" WHERE {FROM}',
    ):
        headers = {"Accept-Encoding": "gzip", "User-Agent": "Grafana/13.1.4"}
        yield Request({"epoch": "ms", "q": text}, headers=headers)
        body = urlencode({"q": text}).encode()
        yield Request({"epoch": "ms"}, "POST", body=body, headers={**headers, "Content-Type": FORM})


async def test_answers_are_influxdbs(influxd: Influxd, influx_bucket: str, tmp_path: Path) -> None:
    """Whatever is asked however, both say the same."""
    async with both(influxd, influx_bucket, tmp_path) as (theirs, ours):
        for kind in (forms(), statements(), grafana()):
            found = await differences(theirs, ours, kind)
            assert not found, "\n".join(found)
