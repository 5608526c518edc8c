"""Long bodies judged in turns: what becomes of them is what becomes of them at once."""

import json

import pytest

from collector.decode.contract import Arrival
from collector.intake.turns import Turns
from collector.pipeline import BadLines, Outcome, Pipeline
from tests.fakes.transforms import NOW_NS, pipeline_of


def in_turns(pipeline: Pipeline, kind: str, body: bytes) -> tuple[Outcome, int]:
    turns, count = Turns(), 0
    for outcome in pipeline.turns(kind, Arrival(body, NOW_NS), bucket="telemetry", source="test"):
        turns.add(outcome)
        count += 1
    return turns.whole(), count


ROWS = [b"m%d,t=a f=%d" % (number % 300, number) for number in range(700)]
ODD_ROWS = [*ROWS[:250], b'm0 note="two\nrows"', b"no line", b"m1 f=1i", *ROWS[250:], b"m2 time=1", b"", b"# no line"]
READINGS = [{"measurement": f"m{number % 300}", "v": number} for number in range(500)]
LONG_BODIES = {
    "lines": ("line_protocol", b"\n".join(ROWS)),
    "lines and others": ("line_protocol", b"\n".join(ODD_ROWS)),
    "readings": ("json_telemetry", json.dumps(READINGS).encode()),
    "readings and others": ("json_telemetry", json.dumps([*READINGS[:333], 7, {"v": "x\ny"}, *READINGS]).encode()),
}
CHAINS = {
    "none": "[]",
    "changing": "[{kind: add_tag, tag: site, value: x}, {kind: drop, measurement: m7}]",
    "deduping": "[{kind: dedupe, tags: [t], ignore_time: true, fields: []}]",
}


@pytest.mark.parametrize("policy", list(BadLines))
@pytest.mark.parametrize("chain", list(CHAINS))
@pytest.mark.parametrize("body", list(LONG_BODIES))
def test_a_body_judged_in_turns_becomes_what_it_becomes_at_once(policy: BadLines, chain: str, body: str):
    """Whatever is decided over the whole of it: all or nothing, repetitions, numbers, counts."""
    kind, text = LONG_BODIES[body]
    expected = pipeline_of(CHAINS[chain], policy).run(kind, Arrival(text, NOW_NS), bucket="telemetry", source="test")
    pipeline = pipeline_of(CHAINS[chain], policy)
    outcome, count = in_turns(pipeline, kind, text)
    assert count > 3
    assert (outcome.batch, outcome.listed, outcome.refused) == (expected.batch, expected.listed, expected.refused)
    assert (outcome.taken_out, outcome.altered) == (expected.taken_out, expected.altered)


def test_what_a_long_body_brought_is_seen_once_it_is_durable():
    """The confirmation of a body judged in turns is for all of its parts, known lines at its end included."""
    pipeline = pipeline_of("[{kind: dedupe, measurement: 'm[1-9]*'}]")
    body = b"\n".join([b"m%d f=1 1" % number for number in range(400)] + [b"other f=1 1"] * 10)
    outcome, _ = in_turns(pipeline, "line_protocol", body)
    assert outcome.accepted == 410
    again, _ = in_turns(pipeline, "line_protocol", body)
    assert again.accepted == 410
    again.confirm()
    last, _ = in_turns(pipeline, "line_protocol", body)
    assert (last.accepted, last.taken_out) == (11, {"dedupe": 399})
