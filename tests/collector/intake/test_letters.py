"""Refused lines become dead letters, and letters go back through the door, over HTTP."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from collector.buffer.contract import BufferFull
from collector.dead.letter import DeadLetter, Wanted
from collector.decode.contract import Arrival
from collector.decode.tally import MOST_LINE_BYTES
from collector.intake.http import IntakeConfig
from collector.tokens import Scope
from collector.verdict import Cause, Objection, Rejection
from tests.fakes.intake import NOW_NS, RunningIntake, running_intake

PATH = "/api/v1/dead"
JSON = "application/json"


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[RunningIntake]:
    async with running_intake(tmp_path) as one:
        yield one


async def letters(running: RunningIntake, query: str = "") -> list[dict[str, Any]]:
    await running.refusals.stop()
    answer = await running.ask("GET", f"{PATH}?{query}")
    assert answer.status == 200, answer.body
    return list(json.loads(answer.body)["letters"])


async def replay(running: RunningIntake, **form: object) -> dict[str, Any]:
    answer = await running.post(f"{PATH}/replay", json.dumps(form).encode(), Content_Type=JSON)
    assert answer.status == 200, answer.body
    done: dict[str, Any] = json.loads(answer.body)
    return done


def from_store(line: bytes, source: str = "token:a") -> DeadLetter:
    return DeadLetter(line, "unable to parse", "telemetry", source, "influxdb", 5)


async def test_every_refused_line_of_a_body_is_kept_as_it_came(running: RunningIntake):
    """More than an answer lists, each whole, with reason, source, time and the unit of its timestamps."""
    long = "x" * 2000
    body = "".join(f"bad {long} {number}\n" for number in range(150)) + "m f=1 7\nm f=1i 8\nm time=1,f=2 9\n"
    assert (await running.post("/api/v2/write?precision=ms", body.encode())).status == 400

    kept = await letters(running)
    assert [one["line"] for one in kept] == [f"bad {long} {number}" for number in range(150)] + ["m f=1i 8"]
    assert {one["kind"] for one in kept} == {"syntax", "field_type"}
    last = kept[-1]
    assert (last["source"], last["destination"], last["accepted_ns"]) == ("host:127.0.0.1", "intake", NOW_NS)
    assert (last["protocol"], last["precision"], last["measurement"]) == ("line_protocol", "ms", "m")


async def test_a_reading_that_is_refused_is_kept_as_json(running: RunningIntake):
    """An item that is no reading as it came; one that became a line as that line, with its time."""
    body = b'[{"f": 1.5, "time": 5}, {"device": "d"}, {"f": "text", "time": 6}]'
    assert (await running.post("/v1/telemetry?measurement=room", body)).status == 400

    broken, conflict = await letters(running)
    assert (broken["protocol"], broken["line"], broken["measurement"]) == ("json_telemetry", '{"device":"d"}', "room")
    assert broken["accepted_ns"] == NOW_NS + 1
    assert (conflict["protocol"], conflict["line"]) == ("line_protocol", 'room f="text" 6000000')


async def test_a_letter_goes_when_its_line_is_durable(running: RunningIntake):
    """It is in the buffer under its own source, and nowhere else any more."""
    await running.dead.add([from_store(b"m f=1 1"), from_store(b"m f=2 2", "token:b")])

    done = await replay(running)
    assert (done["replayed"], done["refused"], done["more"], done["stopped"]) == (2, 0, False, "")
    assert [(batch.source, batch.body) for batch in running.buffer.batches] == [
        ("token:a", b"m f=1 1\n"),
        ("token:b", b"m f=2 2\n"),
    ]
    assert await letters(running) == []


async def test_a_line_without_a_timestamp_gets_the_one_it_would_have_had(running: RunningIntake):
    """Replayed twice it is the same point: lines and JSON items alike."""
    arrival = Arrival(b"", NOW_NS - 1000)
    objection = Objection(Cause.STRING_SIZE, "too long")
    refuse = running.refusals.take
    refuse("line_protocol", arrival, [Rejection(4, b"m f=1", objection)], bucket="telemetry", source="s")
    refuse("json_telemetry", arrival, [Rejection(4, b'{"f":2.5}', objection)], bucket="telemetry", source="s")
    await running.refusals.stop()

    running.clock.advance(timedelta(hours=1))
    assert (await replay(running))["replayed"] == 2
    assert running.buffer.lines() == [f"m f=1 {NOW_NS - 1000}", f"device_reading f=2.5 {NOW_NS - 1000 + 3}"]


async def test_what_is_refused_again_stays_with_its_new_reason(running: RunningIntake):
    """The letter is not doubled; its count of replays grows."""
    assert (await running.post("/api/v2/write", b"m f=1 1\n")).status == 204
    await running.dead.add([from_store(b"m f=1i 2"), from_store(b"m f=3 3")])

    done = await replay(running)
    assert (done["replayed"], done["refused"]) == (1, 1)
    [kept] = await letters(running)
    assert (kept["line"], kept["kind"], kept["replays"]) == ("m f=1i 2", "field_type", 1)
    assert "already exists as type float" in kept["reason"]


async def test_a_full_buffer_stops_a_replay_and_keeps_the_rest(running: RunningIntake):
    """What was not taken stays as it is, and the answer says why it stopped."""
    await running.dead.add([from_store(b"m f=1 1"), from_store(b"m f=2 2")])
    running.buffer.failures.extend([BufferFull("the buffer is full"), BufferFull("the buffer is full")])

    done = await replay(running)
    assert (done["replayed"], done["refused"], done["stopped"]) == (0, 0, "the buffer is full")
    assert [(one["line"], one["replays"]) for one in await letters(running)] == [("m f=1 1", 0), ("m f=2 2", 0)]


async def test_batches_follow_each_other(running: RunningIntake):
    """`limit` letters at a time, `after` goes on behind what was refused again."""
    await running.dead.add([from_store(b"bad%d" % number) for number in range(3)])

    first = await replay(running, limit=2)
    second = await replay(running, limit=2, after=first["last"])
    assert [(done["refused"], done["more"]) for done in (first, second)] == [(2, True), (1, False)]


async def test_a_flood_is_sampled_and_counted(running: RunningIntake):
    """However many lines are refused, a bounded number waits; the rest and lines too long to keep are counted."""
    many = [Rejection(number, b"x", Objection(Cause.SYNTAX, "no")) for number in range(15_000)]
    long = Rejection(1, b"x" * MOST_LINE_BYTES, Objection(Cause.SYNTAX, "no"))
    running.refusals.take("line_protocol", Arrival(b"", 1), [long, *many], bucket="b", source="s")
    await running.refusals.stop()

    def missed(reason: str) -> float:
        return running.count("tocsin_dead_missed_lines_total", bucket="b", reason=reason)

    assert running.count("tocsin_dead_lines_total", bucket="b", reason="syntax") + missed("flood") == 15_000
    assert missed("flood") == 5_000
    assert missed("too_long") == 1


BAD_QUESTIONS = [
    ("DELETE", PATH, "no filter"),
    ("GET", f"{PATH}?bukket=a", 'unknown filter "bukket"'),
    ("GET", f"{PATH}?id=1,x", "id is up to"),
    ("GET", f"{PATH}?limit=-1", "limit is a whole number"),
    ("POST", f"{PATH}/replay", "Content-Type: application/json"),
]


@pytest.mark.parametrize(("method", "path", "complaint"), BAD_QUESTIONS)
async def test_a_question_that_cannot_be_meant_is_told(running: RunningIntake, method: str, path: str, complaint: str):
    """Nothing is shown, replayed or deleted by a mistyped filter."""
    await running.dead.add([from_store(b"m f=1 1")])

    answer = await running.ask(method, path)
    assert answer.status == 400
    assert complaint in json.loads(answer.body)["message"]
    assert len(await letters(running)) == 1


async def test_purging_takes_what_fits_and_no_more(running: RunningIntake):
    """The filters are those of the list."""
    await running.dead.add([from_store(b"m f=1 1"), from_store(b"n f=1 1")])

    answer = await running.ask("DELETE", f"{PATH}?measurement=m")
    assert json.loads(answer.body) == {"purged": 1}
    assert [one["line"] for one in await letters(running)] == ["n f=1 1"]


async def test_letters_take_scope_admin_and_the_tokens_buckets(tmp_path: Path):
    """Lines of other senders are nothing for a device, nor for an administrator of another bucket."""
    async with running_intake(tmp_path, IntakeConfig(listen="127.0.0.1:0", tokens="required")) as running:
        await running.dead.add([from_store(b"m f=1 1")])
        everyday = running.tokens.create("d", frozenset({Scope.READ, Scope.WRITE})).reveal()
        admin = running.tokens.create("a", frozenset({Scope.ADMIN}), frozenset({"other"})).reveal()

        async def status(token: str, query: str = "") -> int:
            return (await running.ask("GET", f"{PATH}?{query}", Authorization=f"Token {token}")).status

        assert (await running.ask("GET", PATH)).status == 401
        assert await status(everyday) == 403
        assert await status(admin) == 403
        assert await status(admin, "bucket=telemetry") == 403
        assert await status(admin, "bucket=other") == 200


async def test_letters_are_counted_by_the_same_filters(running: RunningIntake):
    """With the last id, up to which a replay goes: what is refused meanwhile is left to the next."""
    await running.dead.add([from_store(b"bad"), from_store(b"m f=1 1"), from_store(b"bad2")])
    answer = await running.ask("GET", f"{PATH}/count?measurement=m")
    assert json.loads(answer.body) == {"letters": 1, "last": 2}

    done = await replay(running, upto=2)
    assert (done["replayed"], done["refused"], done["last"]) == (1, 1, 2)
    assert [one["line"] for one in await letters(running)] == ["bad", "bad2"]


async def test_replaying_twice_stores_once(running: RunningIntake):
    """The second time nothing is left that fits: no letter goes through the door again."""
    await running.dead.add([from_store(b"m f=1 1"), from_store(b"bad")])
    first, second = await replay(running, measurement="m"), await replay(running, measurement="m")
    assert (first["replayed"], second["replayed"], second["refused"]) == (1, 0, 0)
    assert running.buffer.lines() == ["m f=1 1"]


async def test_accounts_show_a_token_its_own_buckets(tmp_path: Path):
    """What became of letters, by bucket and source."""
    async with running_intake(tmp_path, IntakeConfig(listen="127.0.0.1:0", tokens="required")) as running:
        await running.dead.add([from_store(b"m f=1 1"), from_store(b"n f=1 1")])
        await running.dead.purge(Wanted(measurement="n"))
        for buckets, expected in (((), {"held": 1, "purged": 1}), (("other",), {})):
            token = running.tokens.create(f"t{len(buckets)}", frozenset({Scope.ADMIN}), frozenset(buckets)).reveal()
            answer = await running.ask("GET", f"{PATH}/accounts", Authorization=f"Token {token}")
            assert {one["how"]: one["lines"] for one in json.loads(answer.body)["accounts"]} == expected
