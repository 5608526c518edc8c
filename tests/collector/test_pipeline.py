"""The pipeline as a whole: fast and slow path agree, and what one body teaches holds for the next."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.decode.contract import Arrival
from collector.decode.tally import MOST_LISTED
from collector.pipeline import BadLines, Constraint
from collector.verdict import Cause
from foundation.batch import FieldType
from foundation.line_protocol.parse import parse_line
from foundation.line_protocol.precision import Precision
from foundation.line_protocol.split import split_lines
from tests.fakes.agreement import NOW_NS, assert_paths_agree, run, stored
from tests.fakes.bodies import make_body
from tests.fakes.clock import ManualClock
from tests.fakes.intake import AskedStore, open_pipeline
from tests.fakes.pins import ForgetfulPins
from tests.fakes.transforms import pipeline_of, transforms_of


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([Precision.NS, Precision.MS, Precision.M]), st.booleans())
def test_a_whole_body_and_its_lines_one_by_one_get_the_same_verdict(seed: int, precision: Precision, forgive_cr: bool):
    """The pass over runs of known lines stores and refuses what walking line by line stores and refuses."""
    assert_paths_agree(make_body(seed, most_lines=8), precision, forgive_cr=forgive_cr)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32))
def test_what_is_stored_reads_as_it_was_sent(seed: int):
    """Every stored line has a timestamp and ends in a newline, and means what its original meant."""
    body = make_body(seed, most_mutations=1)
    outcome = run(ForgetfulPins.pipeline(), body, Precision.S)
    lines = [parse_line(line) for _, line in split_lines(stored(outcome))]
    assert all(line.time_ns is not None for line in lines)
    assert len(lines) == outcome.accepted
    assert not stored(outcome) or stored(outcome).endswith(b"\n")


def test_only_the_first_bad_lines_are_listed_but_all_are_counted():
    """A body of rubbish costs no more memory than its first hundred lines."""
    outcome = run(ForgetfulPins.pipeline(), b"rubbish\n" * (MOST_LISTED + 50))
    assert len(outcome.listed) == MOST_LISTED
    assert outcome.refused == {Cause.SYNTAX: MOST_LISTED + 50}
    assert outcome.dropped == MOST_LISTED + 50


def test_a_known_shape_with_another_type_is_still_refused():
    """Knowing a line's shape never lets a wrong type through, wherever it stands in the body."""
    pipeline = ForgetfulPins.pipeline()
    run(pipeline, b"m,t=a f=1,g=1i 1\n" * 3)
    outcome = run(pipeline, b"m,t=a f=1,g=1i 1\nm,t=a f=1,g=1 1\nm,t=b g=2i,f=2 2\n")
    assert stored(outcome) == b"m,t=a f=1,g=1i 1\nm,t=b g=2i,f=2 2\n"
    assert [(r.number, r.objection.cause) for r in outcome.listed] == [(2, Cause.FIELD_TYPE)]


def test_duplicate_tags_are_refused_whatever_is_known():
    """A pattern knows the tag keys of a shape, so a doubled one never matches it."""
    pipeline = ForgetfulPins.pipeline()
    for _ in range(3):
        outcome = run(pipeline, b"m,t=a f=1 1\nm,t=a,t=b f=1 1\n")
        assert [r.objection.reason for r in outcome.listed] == ["duplicate tags"]


def test_more_shapes_than_a_pattern_holds_are_walked():
    """Beyond the bound lines are judged one by one, and the verdict stays right."""
    pipeline = ForgetfulPins.pipeline()
    body = b"".join(b"m%d f=1 1\n" % number for number in range(600))
    for _ in range(2):
        outcome = run(pipeline, body)
        assert stored(outcome) == body


async def test_pins_outlive_a_restart(tmp_path: Path):
    """The type of a field is kept in the state folder, per bucket."""
    first = await open_pipeline(tmp_path, ManualClock())
    run(first, b"m f=1 1")
    assert first.unsettled
    await first.settle()
    assert not first.unsettled
    second = await open_pipeline(tmp_path, ManualClock())
    assert run(second, b"m f=1i 1").refused == {Cause.FIELD_TYPE: 1}
    other = second.run("line_protocol", Arrival(b"m f=1i 1", NOW_NS), bucket="other", source="test")
    assert other.accepted == 1


async def test_types_that_the_store_holds_are_pinned(tmp_path: Path):
    """Before a bucket's first body the store is asked; what it holds counts as the first value written."""
    store = AskedStore()
    store.types = {"telemetry": {"m": {"f": FieldType.INTEGER}}}
    pipeline = await open_pipeline(tmp_path, ManualClock(), store)
    assert not pipeline.ready("telemetry")
    await pipeline.prepare("telemetry")
    assert pipeline.ready("telemetry")
    assert run(pipeline, b"m f=1 1").refused == {Cause.FIELD_TYPE: 1}


@pytest.mark.parametrize("policy", list(BadLines))
def test_every_line_is_accounted_for(policy: BadLines):
    """Accepted and dropped lines make up the body, whatever the policy."""
    pipeline = ForgetfulPins.pipeline(policy)
    outcome = run(pipeline, b"m f=1 1\nm f=1i 1\nbad\nm f=2 2\nm time=1 1\n", forgive_cr=policy is BadLines.KEEP)
    assert outcome.accepted + outcome.dropped == 5
    assert outcome.accepted == (2 if policy is BadLines.KEEP else 0)


def test_lines_that_were_transformed_before_are_not_transformed_again():
    """A line that comes back is stored as it is, and what it teaches does not let others past the transforms."""
    pipeline = pipeline_of("[{kind: rename, measurement: m, to: n}]")
    again = Arrival(b"m f=1.5 1\n", NOW_NS, transformed=True)
    for _ in range(2):
        outcome = pipeline.run("line_protocol", again, bucket="telemetry", source="test")
        assert stored(outcome) == b"m f=1.5 1\n"

    assert stored(run(pipeline, b"m f=1.5 1\n")) == b"n f=1.5 1\n"


def test_a_constraint_holds_for_its_senders_alone():
    """Its transforms come first, on what came; what its lines teach lets no other sender's lines past them."""
    pipeline = pipeline_of("[{kind: rename, tags: {device: unit}}]")
    bound = Constraint("d7", transforms_of("[{kind: add_tag, tag: device, value: d7, overwrite: true}]"))

    def sent(constraint: Constraint | None) -> bytes:
        arrival = Arrival(b"m,device=d1 f=1.5 1\n", NOW_NS)
        return stored(pipeline.run("line_protocol", arrival, bucket="telemetry", source="test", constraint=constraint))

    for _ in range(2):
        assert sent(bound) == b"m,unit=d7 f=1.5 1\n"
        assert sent(None) == b"m,unit=d1 f=1.5 1\n"
