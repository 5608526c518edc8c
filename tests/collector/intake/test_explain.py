"""What /explain says is what a write then does, and it changes nothing."""

import json
import urllib.parse
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from collector.decode.contract import Arrival
from collector.intake.http import IntakeConfig
from collector.intake.witness import Step, watched
from collector.tokens import Scope
from collector.verdict import Objection, Removal
from foundation.line_protocol.split import split_lines
from store.contract import RollupStanding, StoreStanding
from tests.fakes.bodies import make_body
from tests.fakes.intake import NOW_NS, RunningIntake, running_intake
from tests.fakes.pins import ForgetfulPins
from tests.fakes.transforms import pipeline_of


@pytest.fixture
async def running(tmp_path: Path) -> AsyncIterator[RunningIntake]:
    async with running_intake(tmp_path) as one:
        yield one


async def explain(running: RunningIntake, line: str, **params: str) -> dict[str, Any]:
    answer = await running.ask("GET", f"/explain?{urllib.parse.urlencode({'line': line, **params})}")
    assert answer.status == 200, answer.body
    explained: dict[str, Any] = json.loads(answer.body)
    return explained


def did(explained: dict[str, Any]) -> dict[str, str]:
    return {step["room"]: step["did"] for step in explained["steps"]}


async def test_a_good_line_is_shown_as_it_would_be_stored(running: RunningIntake):
    """Every room passes it; the stamp that it lacks is added, and its fields are not pinned yet."""
    explained = await explain(running, '  m,t=a f=1,s="x"', source="token:d")

    assert (explained["verdict"], explained["stored"]) == ("stored", f'm,t=a f=1,s="x" {NOW_NS}')
    assert explained["stamp_added"] is True
    assert did(explained) == {"decode": "passed", "string_size": "passed", "field_types": "passed"}
    assert explained["fields"] == [
        {"field": "f", "type": "float", "pinned": None},
        {"field": "s", "type": "string", "pinned": None},
    ]
    assert (explained["source"], explained["bucket"], explained["bucket_taken"]) == ("token:d", "telemetry", True)


async def test_a_type_conflict_names_the_pinned_type(running: RunningIntake):
    """The room that refuses says why, as the write does; what was pinned stands beside what came."""
    assert (await running.post("/api/v2/write", b"m f=1 1\n")).status == 204
    refused = await running.post("/api/v2/write", b"m f=1i 2\n")

    explained = await explain(running, "m f=1i 2")
    assert (explained["verdict"], explained["cause"], explained["stored"]) == ("refused", "field_type", None)
    assert explained["reason"] in json.loads(refused.body)["message"]
    assert did(explained)["field_types"] == "refused"
    assert explained["fields"] == [{"field": "f", "type": "integer", "pinned": "float"}]
    assert explained["destinations"] == [{"name": "memory", "waiting_lines": 1, "waiting_s": 0.0}]


async def test_explaining_changes_nothing(running: RunningIntake):
    """No type is pinned, nothing is buffered, no line is counted, no dead letter is written."""
    await explain(running, "m f=1 1")
    await explain(running, "not a line at all")

    assert (await running.post("/api/v2/write", b"m f=1i 1\n")).status == 204
    assert running.buffer.lines() == ["m f=1i 1"]
    assert running.count("tocsin_received_lines_total", bucket="telemetry") == 1
    await running.refusals.stop()
    assert json.loads((await running.ask("GET", "/api/v1/dead")).body)["letters"] == []


VERDICTS = [
    ("# nothing", {}, "nothing", "skipped"),
    ("rubbish", {}, "refused", "refused"),
    ("m time=1,f=2 3", {}, "stored", "changed"),
    ('{"device": "d7", "t": 21.4}', {"protocol": "json_telemetry"}, "stored", "passed"),
    ('{"device": "d7"}', {"protocol": "json_telemetry"}, "refused", "refused"),
    ("{", {"protocol": "json_telemetry"}, "refused", "refused"),
]


@pytest.mark.parametrize(("line", "params", "verdict", "decoded"), VERDICTS)
async def test_every_verdict_has_its_word(
    running: RunningIntake, line: str, params: dict[str, str], verdict: str, decoded: str
):
    """Stored, refused or nothing at all; and what decoding made of it."""
    explained = await explain(running, line, **params)

    assert (explained["verdict"], explained["steps"][0]["did"]) == (verdict, decoded)


async def test_precision_is_that_of_a_write(running: RunningIntake):
    """A stamp in milliseconds is shown in nanoseconds, and is not called added."""
    explained = await explain(running, "m f=1 7", precision="ms")

    assert (explained["stored"], explained["stamp_added"]) == ("m f=1 7000000", False)


async def test_a_bucket_that_is_not_there_is_told(tmp_path: Path):
    """The line may be fine and its bucket not; then a write gets 404."""
    async with running_intake(tmp_path, makes_buckets=False) as running:
        explained = await explain(running, "m f=1", bucket="nowhere")

        assert (explained["verdict"], explained["bucket_taken"]) == ("stored", False)
        assert 'bucket "nowhere" not found' in explained["bucket_problem"]


@pytest.mark.parametrize(
    ("query", "complaint"),
    [
        ("", "which line"),
        ("line=m+f%3D1%0Am+f%3D2", "more than one line"),
        ("line=m+f%3D1&precision=weeks", "invalid precision"),
        ("line=m+f%3D1&protocol=xml", "protocol is one of"),
    ],
)
async def test_a_question_that_is_none_is_told(running: RunningIntake, query: str, complaint: str):
    """400, with what to ask instead."""
    answer = await running.ask("GET", f"/explain?{query}")

    assert answer.status == 400
    assert complaint in json.loads(answer.body)["message"]


async def test_explaining_takes_scope_read(tmp_path: Path):
    """Pinned types are data: a device that may only write does not see them."""
    async with running_intake(tmp_path, IntakeConfig(listen="127.0.0.1:0", tokens="required")) as running:
        device = running.tokens.create("d", frozenset({Scope.WRITE})).reveal()
        reader = running.tokens.create("r", frozenset({Scope.READ}), frozenset({"other"})).reveal()

        async def status(token: str, bucket: str) -> int:
            path = f"/explain?line=m+f%3D1&bucket={bucket}"
            return (await running.ask("GET", path, Authorization=f"Token {token}")).status

        assert await status(device, "other") == 403
        assert await status(reader, "telemetry") == 403
        assert await status(reader, "other") == 200


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2**32))
def test_a_watched_pipeline_rules_as_the_pipeline_does(seed: int):
    """For any lines: the same are stored and refused, whether someone watches or not."""
    pipeline = ForgetfulPins.pipeline()
    for _, line in split_lines(make_body(seed, most_lines=6)):
        arrival = Arrival(line, NOW_NS)
        steps: list[Step] = []
        seen = watched(pipeline, steps.append).run("line_protocol", arrival, bucket="b", source="s")
        real = pipeline.run("line_protocol", arrival, bucket="b", source="s")
        assert (seen.batch, seen.refused) == (real.batch, real.refused)


def test_a_transform_is_seen_to_change_and_the_next_room_gets_its_line():
    """Steps follow each other: each has the line as it came to that room."""
    steps: list[Step] = []
    pipeline = pipeline_of("[{kind: rename, measurement: m, to: n}]")
    watched(pipeline, steps.append).run("line_protocol", Arrival(b"m f=1.5 1", 1), bucket="b", source="s")

    assert [(step.room, step.line.measurement) for step in steps][:2] == [("rename", "m"), (steps[1].room, "n")]
    assert not any(isinstance(step.ruling, (Objection, Removal)) for step in steps)


async def test_the_rollups_that_a_line_feeds_are_named(running: RunningIntake):
    """Those of its measurement that read one of its fields, and those that read what these write; of a refused line
    none.
    """
    one = RollupStanding("a", "telemetry", "month/m", "its definition", 0, 0.0, 0, 0, 0, 0, 0, "", "m", ("f",))
    running.store.stands = StoreStanding(
        (
            one,
            replace(one, name="any", target="month/any", reads=()),
            replace(one, name="other field", target="month/b", reads=("g",)),
            replace(one, name="other measurement", target="month/c", measurement="n"),
            replace(one, name="other bucket", target="month/d", bucket="elsewhere"),
            replace(one, name="hours", bucket="month", target="year/m", reads=("mean",)),
        )
    )

    fed = (await explain(running, "m f=1"))["rollups"]
    assert [(rollup["name"], rollup["through"]) for rollup in fed] == [("a", ""), ("any", ""), ("hours", "a")]
    assert (fed[0]["target"], fed[0]["definition"]) == ("month/m", "its definition")
    assert (await explain(running, "m f=1x"))["rollups"] == []
