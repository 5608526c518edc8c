"""What goes on purpose: counted, and a success."""

import pytest

from collector.pipeline import BadLines
from foundation.errors import ConfigError
from tests.fakes.transforms import made, pipeline_of, run, transforms_of

BODY = b"debug,host=a f=1 1\ncpu,host=a,env=test f=1,g=2i 2\ncpu,host=b,env=live f=3,g=4i 3\n"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("[{kind: drop, measurement: de*}]", [2, 3]),
        ("[{kind: drop, where: {env: test}}]", [1, 3]),
        ("[{kind: drop, measurement: cpu, where: {host: '[ab]', env: 'l*'}}]", [1, 2]),
        ("[{kind: drop, fields: [g, f]}]", []),
        ("[{kind: keep, measurement: cpu}]", [2, 3]),
        ("[{kind: keep, where: {env: '*'}}]", [2, 3]),
        ("[{kind: keep, fields: [g]}]", []),
    ],
)
def test_whole_lines_go(text: str, left: list[int]):
    """A line is taken out by its measurement and tags, or when no field of it is left."""
    rows = BODY.splitlines(keepends=True)
    if left:
        assert made(text, BODY) == b"".join(rows[number - 1] for number in left)
    outcome = run(pipeline_of(text), rows[0] if "keep" in text else rows[1])
    assert outcome.dropped == 0


def test_what_was_taken_out_is_counted_and_not_refused():
    """Accepted and taken out make up the body."""
    outcome = run(pipeline_of("[{kind: drop, measurement: cpu}]"), BODY)
    assert (outcome.accepted, outcome.taken_out, outcome.refused) == (1, {"drop": 2}, {})


def test_parts_of_a_line_go():
    """Tags and fields are named by patterns; the rest stays as it was."""
    assert made("[{kind: drop, measurement: cpu, tags: [e*], fields: [g]}]", BODY) == (
        b"debug,host=a f=1 1\ncpu,host=a f=1 2\ncpu,host=b f=3 3\n"
    )
    assert made("[{kind: keep, measurement: cpu, tags: [env], fields: [g]}]", BODY) == (
        b"debug,host=a f=1 1\ncpu,env=test g=2i 2\ncpu,env=live g=4i 3\n"
    )


def test_a_refused_body_counts_its_dropped_lines_as_refused():
    """With `bad_lines: reject` nothing of a body is taken, and every line of it has one reason."""
    outcome = run(pipeline_of("[{kind: drop, measurement: cpu}]", BadLines.REJECT), BODY + b"rubbish\n")
    assert outcome.batch is None
    assert outcome.refused == {"syntax": 1, "whole_body": 3}
    assert outcome.taken_out == {}


def test_a_dropped_line_teaches_no_type():
    """Checks never see it."""
    pipeline = pipeline_of("[{kind: drop, where: {env: test}}]")
    run(pipeline, b"m,env=test f=1i 1\n")
    assert run(pipeline, b"m,env=live f=1 1\n").accepted == 1


@pytest.mark.parametrize("text", ["[{kind: drop}]", "[{kind: keep}]", "[{kind: keep, measurement: m, fields: []}]"])
def test_nobody_drops_everything_by_accident(text: str):
    """A policy without a selection is an error."""
    with pytest.raises(ConfigError):
        transforms_of(text)
