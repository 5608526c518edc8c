"""What every check keeps to, whatever it looks at."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.check.catalog import CATALOG, ChecksConfig, build
from collector.check.contract import Check
from collector.check.field_types import FieldTypes, FieldTypesConfig
from collector.check.run import Run
from collector.constraint.forced_tags import ForcedTags
from collector.constraint.measurement_scope import MeasurementScope
from collector.constraint.series_quota import SeriesQuota
from collector.decode.contract import Arrival
from collector.pipeline import Outcome, Pipeline
from collector.verdict import Cause, Objection, Origin
from foundation.line_protocol.parse import parse_line
from foundation.line_protocol.precision import Precision
from tests.fakes.bodies import make_body, raw_lines
from tests.fakes.checks import checked, checks_of, holds_nothing
from tests.fakes.clock import ManualClock
from tests.fakes.pins import ForgetfulPins
from tests.fakes.transforms import NOW_NS, stored

ORIGIN = Origin("telemetry", "test", 0)
GOOD = parse_line(b'm,t=a f=1,s="x" 1')
BAD = {
    "clock_skew": parse_line(b"m,t=a f=1 200000000000"),
    "required_tags": parse_line(b"m f=1 1"),
    "value_range": parse_line(b"m,t=a f=-1 1"),
    "string_size": parse_line(b'm,t=a s="' + b"x" * 1_048_577 + b'" 1'),
    "cardinality": parse_line(b"m,t=another f=1 1"),
    "field_types": parse_line(b"m,t=a f=1i 1"),
    "forced_tag": parse_line(b"m,t=another f=1 1"),
    "measurement_scope": parse_line(b"another,t=a f=1 1"),
    "series_quota": parse_line(b"m,t=another f=1 1"),
}
OF_TOKENS: dict[str, Callable[[], Check]] = {
    "forced_tag": lambda: ForcedTags({"t": "a"}, "token"),
    "measurement_scope": lambda: MeasurementScope(["m"], "token"),
    "series_quota": lambda: SeriesQuota(1),
}
"""Checks that a token brings: no configuration names them."""
CONFIG = """
clock_skew: {rules: [{max_future: 1m}]}
required_tags: {measurements: {m: [t]}}
value_range: {ranges: [{field: f, min: 0}]}
cardinality: {per_measurement: 1}
"""


@pytest.fixture(params=sorted(BAD))
def check(request: pytest.FixtureRequest, clock: ManualClock) -> Check:
    if request.param in OF_TOKENS:
        return OF_TOKENS[request.param]()
    guard = FieldTypes(FieldTypesConfig(), ForgetfulPins(), holds_nothing, clock)
    return {one.name: one for one in build(checks_of(CONFIG), guard)}[request.param]


def test_every_check_has_its_line_in_the_catalog():
    """What is built is what the catalog names, and what tocsin.yml can configure."""
    assert set(CATALOG) == set(BAD) - set(OF_TOKENS) == set(ChecksConfig.__dataclass_fields__)


async def test_a_prepared_check_is_ready(check: Check):
    """After `prepare` nothing is left to do for the bucket."""
    await check.prepare("telemetry")
    assert check.ready("telemetry")


def test_a_good_line_passes_and_a_bad_one_gets_a_cause_and_a_reason(check: Check):
    """Each judges by its own rule alone, and goes on judging behind a refusal."""
    checking = check.begin(ORIGIN)
    assert checking.judge(GOOD) is None
    objection = checking.judge(BAD[check.name])
    assert isinstance(objection, Objection)
    assert objection.cause not in (Cause.SYNTAX, Cause.TRANSFORM, Cause.WHOLE_BODY)
    assert objection.reason
    assert checking.judge(GOOD) is None


def test_what_is_settled_passes_again(check: Check):
    """A line like one that was settled passes in every later body."""
    checking = check.begin(ORIGIN)
    assert checking.judge(GOOD) is None
    settled = checking.settles(GOOD)
    checking.commit()
    later = check.begin(ORIGIN)
    alike = b'm,t=a s="y",f=-2 2'
    if settled and later.survey(Run(alike + b"\n", Precision.NS, stamped=True)):
        assert later.judge(parse_line(alike)) is None


def test_a_survey_never_passes_what_would_be_refused(check: Check):
    """A run is taken as a whole only if every line of it would be."""
    checking = check.begin(ORIGIN)
    assert checking.judge(GOOD) is None
    other = b"m,t=another f=1 1"
    late = b"m,t=a f=1 200000000000"
    bad = {"clock_skew": late, "cardinality": other, "forced_tag": other, "series_quota": other}.get(check.name)
    assert checking.surveys == (bad is not None)
    assert checking.survey(Run(b"m,t=a f=1 1\n" * 3, Precision.NS, stamped=True))
    if bad:
        assert not checking.survey(Run(b"m,t=a f=1 1\n%b\n" % bad, Precision.NS, stamped=True))


async def test_what_was_learnt_can_be_settled(check: Check):
    """After `settle` nothing waits to be written."""
    checking = check.begin(ORIGIN)
    checking.judge(GOOD)
    checking.commit()
    await check.settle()
    assert not check.unsettled


MENDING = """
clock_skew: {rules: [{max_past: 1s, max_future: 1s, then: stamp}]}
value_range: {ranges: [{field: f, max: 2, then: clamp}, {field: usage, max: 0.4, then: drop_field}]}
cardinality: {per_measurement: 2}
field_types: {conflicts: {m: convert, log: rename}}
"""


@pytest.mark.parametrize("text", [CONFIG, MENDING])
@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([Precision.NS, Precision.S]))
def test_a_whole_body_and_its_lines_one_by_one_get_the_same_verdict(text: str, seed: int, precision: Precision):
    """All checks together: the pass over runs of known lines stores, mends and refuses what walking does."""
    body = make_body(seed, most_lines=8)
    whole, single = checked(text), checked(text)
    for pipeline in (whole, single):
        for _, line in raw_lines(body):
            sent(pipeline, line, precision)
    fast = sent(whole, body, precision)
    slow = [(number, sent(single, line, precision)) for number, line in raw_lines(body)]

    assert stored(fast) == b"".join(stored(one) for _, one in slow)
    assert [(r.number, r.objection) for r in fast.listed] == [(n, r.objection) for n, one in slow for r in one.listed]
    assert sum(fast.altered.values()) == sum(sum(one.altered.values()) for _, one in slow)
    assert sum(fast.taken_out.values()) == sum(sum(one.taken_out.values()) for _, one in slow)


def sent(pipeline: Pipeline, body: bytes, precision: Precision) -> Outcome:
    return pipeline.run("line_protocol", Arrival(body, NOW_NS, precision), bucket="telemetry", source="test")
