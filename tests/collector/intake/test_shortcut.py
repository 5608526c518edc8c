"""The shortcut: whoever it answers is answered as aiohttp's path would, byte by byte, and nobody else is."""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.intake.http import IntakeConfig
from collector.tokens import Scope
from store.contract import Rows, Series, StatementResult
from tests.collector.intake.test_lane import LAST, POINT, SURELY_LAST, converse, counted, server_of
from tests.fakes.intake import RunningIntake, running_intake
from tests.fakes.line_in import LineIn
from tests.fakes.polling import until
from tests.fakes.requests import splits

SELECT = "SELECT f FROM m"
RESULTS = (StatementResult(0, (Series("m", ("time", "f"), Rows([list(range(99)), [0.5] * 99])),)),)
LONG = (StatementResult(0, (Series("m", ("time", "f"), Rows([list(range(30_000)), [0.5] * 30_000])),)),)
REQUIRED = IntakeConfig(listen="127.0.0.1:0")


def get(target: str, *headers: str) -> bytes:
    """A request, as most clients write it."""
    return "\r\n".join([f"GET {target} HTTP/1.1", "Host: x", *headers, "", ""]).encode()


PARAMS = st.lists(
    st.sampled_from(
        [
            f"q={quote_plus(SELECT)}",
            "q=SHOW+DATABASES",
            "q=CREATE+DATABASE+b",
            "q=%22long%22",
            "q=",
            "db=b",
            "db=",
            "epoch=ms",
            "epoch=s",
            "pretty=true",
            "chunked=true",
            "chunk_size=7",
            "rp=autogen",
            "rp=week",
            'params={"a":1}',
            "params=%7B%7D",
            "p=wrong",
            "x=%zz%ff",
        ]
    ),
    max_size=5,
)
HEADERS = st.lists(
    st.sampled_from(
        [
            "Accept: text/csv",
            "accept-encoding: gzip, br",
            "Accept-Encoding: gzip;q=0",
            "Connection: Keep-Alive",
            "Content-Length: 0",
            "Authorization: Token wrong",
            "Authorization: Basic eDp5",
            "Expect: 100-continue",
            "X: \t odd ",
        ]
    ),
    max_size=3,
    unique_by=lambda one: one.partition(":")[0].lower(),
)
PATHS = st.sampled_from(["/query", "/query", "/query", "/query/", "/ping", "/Query"])
GETS = st.builds(lambda path, params, headers: get(f"{path}?{'&'.join(params)}", *headers), PATHS, PARAMS, HEADERS)


def put_in_hand(intake: RunningIntake) -> None:
    """The store knows the answer to some texts at once, and gives the same when it is asked for longer."""
    intake.store.results = RESULTS
    for db in ("b", "telemetry"):
        intake.store.at_hand[SELECT, db] = intake.store.at_hand["SHOW DATABASES", db] = RESULTS


async def same_for_both(chunks: Sequence[bytes], config: IntakeConfig | None, *, hastily: bool) -> None:
    """The two paths say and count the same."""
    with TemporaryDirectory() as name:
        folders = [Path(name) / twin for twin in ("shortcut", "aiohttp")]
        for folder in folders:
            folder.mkdir()
        async with running_intake(folders[0], config) as fast, running_intake(folders[1], config) as slow:
            for one in (fast, slow):
                put_in_hand(one)
            said = [await converse(one, chunks, lane=one is fast, hastily=hastily) for one in (fast, slow)]
            assert said[0] == said[1]
            assert counted(fast) == counted(slow)


@settings(max_examples=20, deadline=None)
@given(st.data())
def test_both_paths_agree_on_every_question(data: st.DataObject):
    """Answers and counters are the same, in whatever pieces and however hastily requests come, and between writes."""
    parts = data.draw(st.lists(GETS | st.just(POINT), min_size=1, max_size=6))
    config = data.draw(st.sampled_from([None, REQUIRED]))
    chunks = data.draw(st.just([*parts, LAST]) | splits([*parts, LAST]))
    asyncio.run(same_for_both(chunks, config, hastily=data.draw(st.booleans())))


MALFORMED = [
    b"GET /query?q=SELECT+f+FROM+m HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
    b"GET /query?q=SELECT+f+FROM+m HTTP/1.1\r\n\r\n",
    b"GET /query?q=SELECT+f+FROM+m HTTP/1.0\r\nHost: x\r\n\r\n",
    b"GET /query?q=SELECT+f+FROM+m  HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /query?q=SELECT f FROM m HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /query?q=SELECT+f+FROM+m#x HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /query?q=SELECT+f+FROM+m HTTP/1.1\nHost: x\n\n",
    b"GET /query?q=SELECT+f+FROM+m HTTP/1.1\r\nHost: x\r\nX: a\r\n b\r\n\r\n",
    b"GET /query?q=\xff HTTP/1.1\r\nHost: x\r\n\r\n",
    get("/query?q=SELECT+f+FROM+m", "X : worse"),
    get("/query?q=SELECT+f+FROM+m", "Connection: close"),
    get("/query?q=SELECT+f+FROM+m", "Content-Length: 3"),
    get("/query?q=SELECT+f+FROM+m", "Transfer-Encoding: chunked") + b"0\r\n\r\n",
]


@pytest.mark.parametrize("malformed", MALFORMED)
@pytest.mark.parametrize("before", [0, 2], ids=["first", "third"])
async def test_malformed_questions_are_answered_as_by_aiohttp(malformed: bytes, before: int):
    """At first, and behind questions that the shortcut has answered."""
    known = get(f"/query?q={quote_plus(SELECT)}")
    await same_for_both([*[known] * before, malformed, SURELY_LAST], None, hastily=False)


@pytest.fixture
async def intake(tmp_path: Path) -> AsyncIterator[RunningIntake]:
    """One whose store has answers at hand."""
    async with running_intake(tmp_path) as running:
        put_in_hand(running)
        yield running


async def ask(intake: RunningIntake, *wires: bytes) -> bytes:
    """What is said to these requests on one connection, each chunk of them sent when those before are answered."""
    client = LineIn(server_of(intake))
    await asyncio.sleep(0)  # or its task would not wait for requests yet
    expected = 0
    for wire in wires:
        await client.send([wire])
        expected += wire.count(b" HTTP/1.1\r\n")
        await until(lambda: client.said.count(b"HTTP/1.1 ") >= expected)  # noqa: B023 - it is awaited here
    await client.hang_up()
    return client.said


async def test_what_is_at_hand_never_reaches_aiohttp(intake: RunningIntake):
    """Question behind question, also in one packet and behind one that aiohttp has answered."""
    known, other = get(f"/query?db=b&q={quote_plus(SELECT)}"), get("/query?q=SELECT+g+FROM+m")
    before = server_of(intake).requests_count
    said = await ask(intake, known, known + known, other, known, POINT, known)
    assert said.count(b"HTTP/1.1 200 OK") == 6
    assert server_of(intake).requests_count == before + 2  # the other, and a write of a shape that nobody knows yet
    assert [text for text, *_ in intake.store.queries] == ["SELECT g FROM m"]


async def test_a_fault_is_answered_by_the_other_path(intake: RunningIntake, monkeypatch: pytest.MonkeyPatch):
    """Whatever goes wrong here, the question is asked as if it had not been."""

    def fail(_text: str, _db: str) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(intake.intake._shortcut, "_at_once", fail)
    said = await ask(intake, get(f"/query?db=b&q={quote_plus(SELECT)}"))
    assert said.startswith(b"HTTP/1.1 200 OK")
    assert [text for text, *_ in intake.store.queries] == [SELECT]


async def test_a_long_answer_is_sent_piece_by_piece(intake: RunningIntake):
    """The other path does not hold its text whole."""
    intake.store.results = intake.store.at_hand[SELECT, "b"] = LONG
    said = await ask(intake, get(f"/query?db=b&q={quote_plus(SELECT)}"))
    assert b"Transfer-Encoding: chunked" in said
    assert len(intake.store.queries) == 1


async def test_a_full_house_is_told_so(intake: RunningIntake):
    """With as many requests under way as may be, one more is turned away here as well."""
    guard = server_of(intake)._guard
    guard._running = guard.limits.requests
    said = await ask(intake, get(f"/query?db=b&q={quote_plus(SELECT)}"))
    assert said.startswith(b"HTTP/1.1 503 ")


async def test_who_may_not_read_is_turned_away(tmp_path: Path):
    """The token has to be worth something now, allow reading, and hold for the bucket that is asked."""
    async with running_intake(tmp_path, REQUIRED) as intake:
        put_in_hand(intake)
        reader = intake.tokens.create("reader", frozenset({Scope.READ}), frozenset({"b"})).reveal()
        writer = intake.tokens.create("writer", frozenset({Scope.WRITE})).reveal()
        asked = f"/query?q={quote_plus(SELECT)}"
        said = [
            await ask(intake, get(f"{asked}&db={db}", f"Authorization: Token {token}"))
            for token, db in ((reader, "b"), (reader, "telemetry"), (writer, "b"), ("other", "b"))
        ]
        assert [re.findall(rb"HTTP/1.1 (\d+)", one) for one in said] == [[b"200"], [b"403"], [b"403"], [b"401"]]
        assert intake.store.queries == []
        intake.tokens.revoke("reader")
        (status,) = re.findall(rb"HTTP/1.1 (\d+)", await ask(intake, get(f"{asked}&db=b&p={reader}")))
        assert status == b"401"


async def test_a_silent_client_is_left(intake: RunningIntake):
    """Who was answered here alone is hung up on like others, once it has been silent for long enough."""
    client = LineIn(server_of(intake))
    await asyncio.sleep(0)
    await client.send([get(f"/query?db=b&q={quote_plus(SELECT)}")])
    assert not client.is_closing()
    client.let_idle_time_pass()
    assert client.is_closing()
