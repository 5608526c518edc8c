"""InfluxQL over HTTP, answered from whatever store is configured."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from store.contract import Series, StatementResult
from store.errors import BucketMissing, QueryLimitExceeded, QuerySyntaxError, StoreUnavailable
from tests.fakes.intake import RunningIntake, running_intake

SELECT = "/query?db=home&q=SELECT+f+FROM+m"
ROWS = (StatementResult(0, (Series("m", ("time", "f"), [[1_000_000_000, 2.5]]),)),)


@pytest.fixture
async def intake(tmp_path: Path) -> AsyncIterator[RunningIntake]:
    async with running_intake(tmp_path) as running:
        running.store.results = ROWS
        yield running


@pytest.mark.parametrize(("epoch", "time"), [("", "1970-01-01T00:00:01Z"), ("&epoch=ms", 1000), ("&epoch=s", 1)])
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


async def test_csv_for_who_accepts_it(intake: RunningIntake):
    """InfluxDB's CSV, by the Accept header."""
    answer = await intake.ask("GET", SELECT + "&epoch=ns", Accept="application/csv")
    assert answer.headers["Content-Type"].startswith("text/csv")
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


@pytest.mark.parametrize("query", ["", "?q=", "?q=SELECT+f+FROM+m&epoch=years"])
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
