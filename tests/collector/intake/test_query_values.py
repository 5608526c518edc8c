"""What a query brings along: values bound by name, JSON bodies; and who may delete."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

import pytest

from collector.intake.http import IntakeConfig
from collector.tokens import Scope
from store.contract import StatementResult
from tests.fakes.intake import RunningIntake, running_intake
from tests.fakes.polling import until

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
ASK = {"q": "SELECT f FROM m WHERE h = $h AND f > $f", "db": "home", "params": '{"h": "it\'s", "f": 1.5}'}
TOLD = [("SELECT f FROM m WHERE h = 'it\\'s' AND f > 1.5", "home", 30.0)]


@pytest.fixture
async def intake(tmp_path: Path) -> AsyncIterator[RunningIntake]:
    async with running_intake(tmp_path) as running:
        yield running


async def test_values_come_in_the_query_string_a_form_or_a_json_body(intake: RunningIntake):
    """However they come, the store is asked with the values in their places, as the literals that they are."""
    body = json.dumps({**ASK, "params": json.loads(ASK["params"])}).encode()
    requests = [
        ("GET", "/query?" + urlencode(ASK), None, FORM),
        ("POST", "/query", urlencode(ASK).encode(), FORM),
        ("POST", "/query", body, "application/json"),
    ]
    for method, path, sent, kind in requests:
        assert (await intake.ask(method, path, sent, Content_Type=kind)).status == 200
    assert intake.store.queries == TOLD * 3


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ("{", "error parsing query parameters"),
        ("[1]", "error parsing query parameters"),
        ('{"h": "x"}', "failed to parse query: missing parameter: f"),
        ('{"h": null, "f": 1}', "failed to parse query: missing parameter: unable to bind parameter with type <nil>"),
    ],
)
async def test_values_that_do_not_fit(intake: RunningIntake, params: str, words: str):
    """400 with InfluxDB's words; the store is not asked."""
    answer = await intake.ask("GET", "/query?" + urlencode({**ASK, "params": params}))
    assert answer.status == 400
    assert json.loads(answer.body)["error"].startswith(words)
    assert intake.store.queries == []


@pytest.mark.parametrize(
    ("query", "params", "scope"),
    [
        ("DELETE FROM m WHERE h = 'a'", "", Scope.WRITE),
        ("SELECT f FROM m; drop measurement m", "", Scope.WRITE),
        ("DELETE FROM $m", '{"m": {"identifier": "x"}}', Scope.WRITE),
        ("EXPLAIN SELECT f FROM m; DELETE FROM m", "", Scope.WRITE),
        ("SELECT f INTO other FROM m", "", Scope.WRITE),
        ("CREATE DATABASE other; SELECT f FROM m", "", Scope.WRITE),
        ("SHOW USERS", "", Scope.READ),
        ("SELECT \"delete\" FROM m WHERE h = 'drop'", "", Scope.READ),
        ("SELECT f FROM m WHERE h = $h", '{"h": "DELETE"}', Scope.READ),
    ],
)
async def test_who_may_delete(tmp_path: Path, query: str, params: str, scope: Scope):
    """Deleting needs a token that may write; a word in a name or a value deletes nothing."""
    async with running_intake(tmp_path, IntakeConfig(listen="127.0.0.1:0", tokens="required")) as intake:
        path = "/query?" + urlencode({"q": query, "params": params})
        other = Scope.READ if scope is Scope.WRITE else Scope.WRITE
        create = intake.tokens.create
        secrets = [create(held.value, frozenset({held}), frozenset()).reveal() for held in (scope, Scope.ADMIN, other)]
        intake.clock.advance(timedelta(seconds=1))
        answers = [await intake.post(path, Authorization=f"Token {secret}") for secret in secrets]
        assert [answer.status for answer in answers] == [200, 200, 403]
        assert len(intake.store.queries) == 2


async def test_who_goes_away_takes_the_question_back(intake: RunningIntake):
    """A query whose client closed the connection is cancelled in the store."""
    begun, gone = asyncio.Event(), asyncio.Event()

    async def wait_for_ever(influxql: str, db: str, *, deadline_s: float = 30.0) -> tuple[StatementResult, ...]:
        begun.set()
        try:
            return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]  # it never is
        finally:
            gone.set()

    intake.store.query = wait_for_ever  # type: ignore[method-assign]  # a store that never answers
    asking = asyncio.create_task(intake.ask("GET", "/query?q=SELECT+f+FROM+m"))
    async with asyncio.timeout(30):
        await begun.wait()
        asking.cancel()
        await gone.wait()
    await asyncio.gather(asking, return_exceptions=True)
    await until(
        lambda: intake.count("tocsin_requests_total", path="/query", status="499") == 1, what="it to be counted"
    )


async def test_boards_that_ask_the_same_ask_the_store_together(intake: RunningIntake):
    """While a question is answered all equal ones wait for one run, also when one of them gives up."""
    released, asked = asyncio.Event(), list[str]()

    async def answer_when_told(influxql: str, db: str, *, deadline_s: float = 30.0) -> tuple[StatementResult, ...]:
        asked.append(influxql)
        await released.wait()
        return (StatementResult(0, error=f"run {len(asked)}"),)

    intake.store.query = answer_when_told  # type: ignore[method-assign]  # a store that waits
    first = asyncio.create_task(intake.ask("GET", "/query?q=SELECT+f+FROM+m"))
    await until(lambda: asked, what="the first run")
    others = [
        asyncio.create_task(intake.post("/query", b'{"q": "SELECT f FROM m"}', Content_Type=JSON)) for _ in range(5)
    ]
    await until(lambda: intake.count("tocsin_shared_queries_total") == 4, what="the others to wait")
    others.pop().cancel()
    released.set()
    answers = [json.loads((await one).body)["results"][0]["error"] for one in (first, *others)]
    assert answers == ["run 1", *["run 2"] * 4]
    assert asked == ["SELECT f FROM m"] * 2
