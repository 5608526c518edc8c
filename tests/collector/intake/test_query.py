"""InfluxQL over HTTP, answered from whatever store is configured."""

import asyncio
import csv
import gzip
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from store.contract import Series, StatementResult
from store.errors import BucketMissing, QueryLimitExceeded, QuerySyntaxError, StoreUnavailable
from tests.fakes.intake import RunningIntake, running_intake
from tests.fakes.polling import until

SELECT = "/query?db=home&q=SELECT+f+FROM+m"
ROWS = (StatementResult(0, (Series("m", ("time", "f"), [[1_000_000_000, 2.5]]),)),)


@pytest.fixture
async def intake(tmp_path: Path) -> AsyncIterator[RunningIntake]:
    async with running_intake(tmp_path) as running:
        running.store.results = ROWS
        yield running


@pytest.mark.parametrize(
    ("epoch", "time"),
    [("", "1970-01-01T00:00:01Z"), ("&epoch=ms", 1000), ("&epoch=s", 1), ("&epoch=years", 1_000_000_000)],
)
async def test_rows_come_in_influxdbs_json(intake: RunningIntake, epoch: str, time: object):
    """Times as RFC 3339, or in the unit asked for; the database and a deadline go to the store."""
    answer = await intake.ask("GET", SELECT + epoch)
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["X-Influxdb-Version"] == "v2.9.1"
    series = {"name": "m", "columns": ["time", "f"], "values": [[time, 2.5]]}
    assert json.loads(answer.body) == {"results": [{"statement_id": 0, "series": [series]}]}
    assert intake.store.queries == [("SELECT f FROM m", "home", 30.0)]


async def test_a_form_is_read_as_the_query_string_is(intake: RunningIntake):
    """POST carries the query in its body; without a database it is the default bucket's."""
    form = "application/x-www-form-urlencoded"
    answer = await intake.post("/query?epoch=ns", b"q=SELECT+%22f%22+FROM+m", Content_Type=form)
    assert json.loads(answer.body)["results"][0]["series"][0]["values"] == [[1_000_000_000, 2.5]]
    assert intake.store.queries == [('SELECT "f" FROM m', "telemetry", 30.0)]


async def test_of_several_values_the_first_counts(intake: RunningIntake):
    """In the address as in a form, as with InfluxDB."""
    form = "application/x-www-form-urlencoded"
    first = await intake.ask("GET", SELECT + "&epoch=s&epoch=ms")
    answer = await intake.post("/query?epoch=h", b"q=SELECT+f+FROM+m&q=SHOW+MEASUREMENTS&epoch=s", Content_Type=form)
    for one in (first, answer):
        assert json.loads(one.body)["results"][0]["series"][0]["values"] == [[1, 2.5]]
    assert intake.store.queries[-1][0] == "SELECT f FROM m"


async def test_csv_for_who_accepts_it(intake: RunningIntake):
    """InfluxDB's CSV, by the Accept header."""
    for kind in ("application/csv", "text/csv", "text/csv; charset=utf-8, */*"):
        answer = await intake.ask("GET", SELECT, Accept=kind)
        assert answer.headers["Content-Type"] == kind.partition(";")[0]
        assert answer.body.decode().splitlines() == ["name,tags,time,f", "m,,1000000000,2.5"]


async def test_pretty_is_the_same_with_lines(intake: RunningIntake):
    """Indented JSON for people."""
    plain = await intake.ask("GET", SELECT)
    pretty = await intake.ask("GET", SELECT + "&pretty=true")
    assert json.loads(pretty.body) == json.loads(plain.body)
    assert pretty.body.count(b"\n") > plain.body.count(b"\n")


async def test_creating_a_database_succeeds(intake: RunningIntake):
    """Old clients do it before they write; it never reaches the store."""
    for query in ("CREATE+DATABASE+home", "create%20database%20%22home%22%3B"):
        answer = await intake.post(f"/query?q={query}")
        assert (answer.status, json.loads(answer.body)) == (200, {"results": [{"statement_id": 0}]})
    assert intake.store.queries == []


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (QuerySyntaxError("found selec, expected SELECT at line 1, char 1"), 400, "found selec, expected SELECT"),
        (QueryLimitExceeded("more than 30 s"), 422, "more than 30 s"),
        (StoreUnavailable("no answer", retry_after_s=4), 503, "no answer"),
    ],
)
async def test_a_query_that_fails_as_a_whole(intake: RunningIntake, error: Exception, status: int, words: str):
    """The status says whose fault it is; the words are the store's."""
    intake.store.away = error
    answer = await intake.ask("GET", SELECT)
    assert answer.status == status
    assert words in json.loads(answer.body)["error"]
    assert answer.headers.get("Retry-After") == ("4" if status == 503 else None)


async def test_an_unknown_database_is_an_error_of_the_statement(intake: RunningIntake):
    """With status 200, as influxd answers."""
    intake.store.away = BucketMissing("bucket home")
    answer = await intake.ask("GET", SELECT)
    assert answer.status == 200
    assert json.loads(answer.body) == {"results": [{"statement_id": 0, "error": "database not found: home"}]}


@pytest.mark.parametrize("query", ["", "?q=", "?q=%20"])
async def test_a_request_without_a_query_is_400(intake: RunningIntake, query: str):
    """What is missing is named."""
    answer = await intake.ask("GET", "/query" + query)
    assert answer.status == 400
    assert json.loads(answer.body)["error"]


async def test_chunked_answers_are_documents_of_some_rows(intake: RunningIntake):
    """InfluxDB 1.x's form: a series that goes on and a statement that does are marked partial."""
    first = Series("m", ("time", "f"), [[1, 1.0], [2, 2.0], [3, 3.0]], {"a": "x"})
    second = Series("m", ("time", "f"), [[4, 4.0]], {"a": "y"})
    intake.store.results = (StatementResult(0, (first, second)), StatementResult(1))
    answer = await intake.ask("GET", SELECT + "&epoch=ns&chunked=true&chunk_size=2")
    documents = [json.loads(line)["results"][0] for line in answer.body.splitlines()]
    head = {"name": "m", "columns": ["time", "f"]}
    assert documents == [
        {
            "statement_id": 0,
            "series": [{**head, "tags": {"a": "x"}, "values": [[1, 1.0], [2, 2.0]], "partial": True}],
            "partial": True,
        },
        {"statement_id": 0, "series": [{**head, "tags": {"a": "x"}, "values": [[3, 3.0]]}], "partial": True},
        {"statement_id": 0, "series": [{**head, "tags": {"a": "y"}, "values": [[4, 4.0]]}]},
        {"statement_id": 1},
    ]
    whole = await intake.ask("GET", SELECT + "&epoch=ns&chunked=true&chunk_size=no")
    assert [len(json.loads(line)["results"][0].get("series", ())) for line in whole.body.splitlines()] == [1, 1, 0]


FORM = "application/x-www-form-urlencoded"
PARTS = b'--x\r\nContent-Disposition: form-data; name="q"%s\r\n\r\nSELECT f FROM m\r\n--x--\r\n'


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"q=SELECT+f+FROM+m", FORM),
        (b'{"q": "SELECT f FROM m"}', "application/json; charset=utf-8"),
        (b"SELECT f FROM m", "application/vnd.influxql"),
        (PARTS % b"", "multipart/form-data; boundary=x"),
        (PARTS % b'; filename="q.txt"', "multipart/form-data; boundary=x"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
async def test_whichever_body_the_query_comes_in(intake: RunningIntake, body: bytes, kind: str, packed: bool):
    """It counts before what stands in the address, packed or not."""
    headers = {"Content_Encoding": "gzip"} if packed else {}
    sent = gzip.compress(body) if packed else body
    answer = await intake.post("/query?db=home&q=SHOW+MEASUREMENTS", sent, Content_Type=kind, **headers)
    assert answer.status == 200
    assert intake.store.queries == [("SELECT f FROM m", "home", 30.0)]


async def test_a_body_that_is_not_sent_cannot_be_wrong(intake: RunningIntake):
    """A POST without one may call it packed: InfluxDB's 1.x client for Python does."""
    answer = await intake.post(SELECT, Content_Encoding="gzip", Content_Length="0")
    assert answer.status == 200


async def test_a_head_is_the_answer_without_its_body(intake: RunningIntake):
    """As from influxd."""
    whole = await intake.ask("GET", SELECT)
    head = await intake.ask("HEAD", SELECT)
    assert (head.status, head.body, head.headers["Content-Length"]) == (200, b"", str(len(whole.body)))


LONG = (StatementResult(0, (Series("m", ("time", "f"), [[n, n / 7] for n in range(40_000)]),)),)
FORMS = ["", "&pretty=true", "&chunked=true&chunk_size=7000", "&csv"]


@pytest.mark.parametrize("form", FORMS)
async def test_long_answers_come_in_pieces_and_packed(intake: RunningIntake, form: str):
    """They say what the same answer says in one piece, and are packed for who takes that, whatever their form."""
    intake.store.results = LONG
    for accepted, packing in (("identity", None), ("gzip;q=0", None), ("deflate, gzip;q=0.5", "gzip")):
        answer = await intake.ask(
            "GET",
            SELECT + "&epoch=ns" + form,
            Accept="text/csv" if form == "&csv" else "*/*",
            Accept_Encoding=accepted,
        )
        assert answer.headers.get("Content-Encoding") == packing
        assert answer.headers["Vary"] == "Accept-Encoding"
        assert answer.headers["Transfer-Encoding"] == "chunked"
        assert _values(answer.body, form) == LONG[0].series[0].values


def _values(body: bytes, form: str) -> list[list[float]]:
    """The rows of an answer, whatever its form."""
    if form == "&csv":
        return [[int(row[2]), float(row[3])] for row in csv.reader(body.decode().splitlines()[1:])]
    documents = [json.loads(line) for line in body.splitlines()] if "chunked" in form else [json.loads(body)]
    return [row for one in documents for row in one["results"][0]["series"][0]["values"]]


@pytest.mark.parametrize(("rows", "packed"), [(20, None), (200, "gzip")])
async def test_answers_that_fit_into_a_packet_are_not_packed(intake: RunningIntake, rows: int, packed: str | None):
    """From 1400 bytes on they are."""
    intake.store.results = (StatementResult(0, (Series("m", ("time", "f"), [[n, n / 7] for n in range(rows)]),)),)
    answer = await intake.ask("GET", SELECT, Accept_Encoding="gzip")
    assert answer.headers.get("Content-Encoding") == packed
    assert len(json.loads(answer.body)["results"][0]["series"][0]["values"]) == rows


async def test_who_leaves_in_the_middle_of_an_answer_harms_nobody(intake: RunningIntake):
    """The answer is given up, and the next question is answered."""
    intake.store.results = LONG * 50
    reader, writer = await asyncio.open_connection(*intake.url.removeprefix("http://").split(":"))
    writer.write(f"GET {SELECT} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
    assert await reader.readexactly(12) == b"HTTP/1.1 200"
    writer.transport.abort()

    async def ended() -> bool:
        return intake.count("tocsin_requests_total", path="/query", status="200") == 1

    await until(ended, what="the answer to be given up")
    intake.store.results = ROWS
    assert (await intake.ask("GET", SELECT)).status == 200


async def test_a_policy_may_have_a_bucket_of_its_own(intake: RunningIntake):
    """`rp` names it where the store has it; elsewhere lines written under a policy are in the database's own bucket."""
    intake.store.names = ("home", "home/5m")
    for policy in ("5m", "autogen", "weekly"):
        await intake.ask("GET", SELECT + f"&rp={policy}")
    assert [db for _, db, _ in intake.store.queries] == ["home/5m", "home", "home"]
