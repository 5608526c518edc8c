"""Repetitions: only of what was stored, only within the span, in bounded memory."""

import pytest

from foundation.errors import ConfigError
from tests.fakes.transforms import NOW_NS, pipeline_of, run, transforms_of

S = 1_000_000_000


def test_a_repetition_goes_within_the_span_and_not_behind_it():
    """The first line starts the span; repetitions do not lengthen it."""
    pipeline = pipeline_of("[{kind: dedupe, within: 10s}]")
    seen = [run(pipeline, b"m f=1 1\n", NOW_NS + at * S).accepted for at in (0, 6, 9, 10, 12)]
    assert seen == [1, 0, 0, 1, 0]


def test_a_repetition_in_the_same_body_goes():
    """Two equal lines of one body are one; it counts as taken out on purpose."""
    outcome = run(pipeline_of("[{kind: dedupe}]"), b"m,a=1,b=2 f=1 1\nm,b=2,a=1 f=1 1\nm,a=1,b=2 f=2 1\n")
    assert (outcome.accepted, outcome.taken_out) == (2, {"dedupe": 1})


def test_lines_that_did_not_become_durable_are_taken_again():
    """A body answered with 503 is sent again, and must not be taken for a repetition."""
    pipeline = pipeline_of("[{kind: dedupe}]")
    assert run(pipeline, b"m f=1 1\n", confirm=False).accepted == 1
    assert run(pipeline, b"m f=1 1\n").accepted == 1
    assert run(pipeline, b"m f=1 1\n").accepted == 0


def test_a_line_that_is_refused_is_no_first_one():
    """Sent again it is refused again, not taken for a repetition and acknowledged."""
    pipeline = pipeline_of("[{kind: dedupe}]")
    run(pipeline, b"m f=1 1\n")
    for _ in range(2):
        assert run(pipeline, b"m f=2i 1\n").refused == {"field_type": 1}


def test_the_key_may_be_a_part_of_the_line():
    """An event is known by its id, of its type; lines without one stay."""
    pipeline = pipeline_of("[{kind: dedupe, fields: [id]}]")
    assert run(pipeline, b"m id=7i,f=1 1\nm id=7i,f=2 2\nm f=3 3\nm f=3 3\nn id=7i 4\n").accepted == 4


def test_the_time_may_be_left_out():
    """A sensor that repeats its value is heard once in a span."""
    pipeline = pipeline_of("[{kind: dedupe, ignore_time: true}]")
    assert run(pipeline, b"m f=1 1\nm f=1 2\nm f=2 3\nm f=1 4\n").accepted == 2


def test_a_clock_that_steps_back_forgets_nothing():
    """Nor does it keep a key longer than a span on either side."""
    pipeline = pipeline_of("[{kind: dedupe, within: 10s}]")
    assert [run(pipeline, b"m f=1 1\n", NOW_NS + at * S).accepted for at in (0, -5, -3600)] == [1, 0, 1]


def test_memory_is_bounded():
    """The oldest key makes room; its line is taken again."""
    pipeline = pipeline_of("[{kind: dedupe, most: 2}]")
    run(pipeline, b"m f=1 1\nm f=2 1\nm f=3 1\n")
    assert [run(pipeline, b"m f=%d 1\n" % value, confirm=False).accepted for value in (3, 2, 1)] == [0, 0, 1]


@pytest.mark.parametrize("text", ["[{kind: dedupe, within: 0s}]", "[{kind: dedupe, most: 0}]"])
def test_a_memory_that_holds_nothing_is_an_error(text: str):
    """It would take nothing out, and nobody would notice."""
    with pytest.raises(ConfigError):
        transforms_of(text)
