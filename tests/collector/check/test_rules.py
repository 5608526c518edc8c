"""Value ranges, required tags and clock skew: what passes, what is mended, what is refused."""

import pytest

from collector.decode.contract import Arrival
from collector.pipeline import Outcome, Pipeline
from foundation.errors import ConfigError
from foundation.line_protocol.precision import Precision
from tests.fakes.checks import checked, checks_of
from tests.fakes.transforms import NOW_NS, run, stored

S = 1_000_000_000


def sent_by(source: str, pipeline: Pipeline, body: bytes, precision: Precision = Precision.NS) -> Outcome:
    return pipeline.run("line_protocol", Arrival(body, NOW_NS, precision), bucket="telemetry", source=source)


def reasons(outcome: Outcome) -> list[str]:
    return [entry.objection.reason for entry in outcome.listed]


RANGE = "{{value_range: {{ranges: [{{measurement: 'room*', field: t, min: -40, max: 85.5, then: {}}}]}}}}"


def test_a_value_out_of_range_is_refused():
    """Bounds are allowed themselves; other fields, other measurements and texts have no range."""
    pipeline = checked(RANGE.format("reject"))
    good = b"room t=85.5 1\nroom t=-40 2\nroom u=900 3\nhall t=900 4\n"
    for _ in range(2):
        outcome = run(pipeline, good + b"room u=1,t=85.6 5\nrooms t=-41i 6\n")
        assert stored(outcome) == good
        assert reasons(outcome) == [
            'input field "t" on measurement "room" is 85.6, outside its range (-40 to 85.5)',
            'input field "t" on measurement "rooms" is -41, outside its range (-40 to 85.5)',
        ]
        assert outcome.refused == {"value_range": 2}


def test_a_value_out_of_range_is_clamped():
    """To the nearest value of its own type that is allowed."""
    outcome = run(checked(RANGE.format("clamp")), b"room t=99 1\nrooms t=99i 2\nroom2 t=99u 3\nroom t=-99 4\n")
    assert stored(outcome) == b"room t=85.5 1\nrooms t=85i 2\nroom2 t=85u 3\nroom t=-40.0 4\n"
    assert (outcome.altered, outcome.refused) == ({"value_range": 4}, {})


def test_a_field_out_of_range_is_dropped():
    """The rest of the line stays; a line with no other field is taken out on purpose."""
    outcome = run(checked(RANGE.format("drop_field")), b"room t=99,u=1 1\nroom t=99 2\n")
    assert stored(outcome) == b"room u=1 1\n"
    assert (outcome.altered, outcome.taken_out, outcome.refused) == ({"value_range": 1}, {"value_range": 1}, {})


def test_the_first_range_that_fits_counts():
    """So an exception stands before the rule."""
    pipeline = checked("{value_range: {ranges: [{measurement: oven, field: t, max: 300}, {field: t, max: 50}]}}")
    assert run(pipeline, b"oven t=299 1\nroom t=51 1\n").accepted == 1


def test_a_tag_that_is_missing_is_named():
    """All patterns that fit a measurement count."""
    pipeline = checked("{required_tags: {measurements: {'device_*': [device, site], '*': [env]}}}")
    for _ in range(2):
        outcome = run(pipeline, b"device_reading,device=a,env=e f=1 1\nm f=1 1\nm,env=e f=1 1\n")
        assert stored(outcome) == b"m,env=e f=1 1\n"
        assert reasons(outcome) == [
            'tag "site" is missing on measurement "device_reading"',
            'tag "env" is missing on measurement "m"',
        ]
        assert outcome.refused == {"required_tag": 2}


SKEW = (
    "{{clock_skew: {{rules: [{{source: 'token:lab*', then: accept}}, {{max_future: 10s, max_past: 1h, then: {}}}]}}}}"
)


@pytest.mark.parametrize(
    ("then", "future", "past"),
    [("clamp", NOW_NS + 10 * S, NOW_NS - 3600 * S), ("stamp", NOW_NS, NOW_NS)],
)
def test_a_clock_that_is_off_is_mended(then: str, future: int, past: int):
    """The bounds are allowed themselves; every precision is measured alike, on the fast path and off it."""
    pipeline = checked(SKEW.format(then))
    now_s = NOW_NS // S
    good = b"m f=1 %d\nm f=1 %d\n" % (now_s + 10, now_s - 3600)
    sent_by("host:1.2.3.4", pipeline, good, Precision.S)
    outcome = sent_by("host:1.2.3.4", pipeline, good + b"m f=2 %d\nm f=3 0\n" % (now_s + 11), Precision.S)
    assert stored(outcome) == (
        b"m f=1 %d\nm f=1 %d\nm f=2 %d\nm f=3 %d\n" % (NOW_NS + 10 * S, NOW_NS - 3600 * S, future, past)
    )
    assert outcome.altered == {"clock_skew": 2}


def test_a_clock_that_is_off_is_refused_for_its_source_alone():
    """What one source taught the fast path lets no other source through; lines without a timestamp are on time."""
    pipeline = checked(SKEW.format("reject"))
    body = b"m f=1 1\nm f=1 %d\n" % (NOW_NS + 11 * S)
    for _ in range(2):
        assert sent_by("token:lab7", pipeline, body).accepted == 2
        outcome = sent_by("token:field", pipeline, body + b"m f=1\n")
        assert stored(outcome) == b"m f=1 %d\n" % NOW_NS
        assert reasons(outcome) == [
            "timestamp is 1700000000 s in the past; this source may be off by 1:00:00",
            "timestamp is 11 s in the future; this source may be off by 0:00:10",
        ]
        assert outcome.refused == {"clock_skew": 2}


@pytest.mark.parametrize(
    "text",
    [
        "{value_range: {ranges: [{field: t}]}}",
        "{value_range: {ranges: [{field: t, min: 2, max: 1}]}}",
        "{clock_skew: {rules: [{source: a}]}}",
        "{clock_skew: {rules: [{max_past: 1h, then: ignore}]}}",
        "{cardinality: {per_source: 5, forget: 0s}}",
    ],
)
def test_what_cannot_be_meant_is_refused(text: str):
    """A rule that does nothing, or everything, is an error."""
    with pytest.raises(ConfigError):
        checks_of(text)
