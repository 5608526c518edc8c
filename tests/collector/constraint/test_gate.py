"""The gate: which measurements a token writes, and which tags its lines carry."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.constraint.forced_tags import ForcedTags
from collector.constraint.measurement_scope import MeasurementScope
from collector.constraint.series_quota import SeriesQuota
from collector.decode.contract import Arrival
from collector.pipeline import Constraint, Outcome, Pipeline
from collector.verdict import Cause
from tests.fakes.bodies import make_body, raw_lines
from tests.fakes.pins import ForgetfulPins
from tests.fakes.transforms import NOW_NS, pipeline_of, stored

D7 = Constraint(("device",), gate=(ForcedTags({"device": "d7"}, "gateway"),))


def sent(pipeline: Pipeline, body: bytes, constraint: Constraint = D7, kind: str = "line_protocol") -> Outcome:
    return pipeline.run(kind, Arrival(body, NOW_NS), bucket="telemetry", source="token:gateway", constraint=constraint)


@pytest.mark.parametrize("known", [False, True])
def test_a_device_cannot_claim_anothers_id(known: bool):
    """A missing tag is set, its own passes, another is refused by name; on the fast path as off it."""
    pipeline = ForgetfulPins.pipeline()
    if known:
        sent(pipeline, b"m,device=d7 f=1.5 1\n")
    outcome = sent(pipeline, b"m f=1.5 1\nm,device=d7 f=2.5 2\nm,device=d8 f=3.5 3\n")
    assert stored(outcome) == b"m,device=d7 f=1.5 1\nm,device=d7 f=2.5 2\n"
    assert [(one.number, one.objection.cause) for one in outcome.listed] == [(3, Cause.FORCED_TAG)]
    assert outcome.listed[0].objection.reason == 'tag "device" is "d8": token "gateway" writes "d7" alone'
    assert outcome.altered == {"forced_tag": 1}


FORGED = [
    b"m,device=d70 f=1.5 1\n",
    b"m,device=d f=1.5 1\n",
    b"m,device=d8,t=a\\,device\\=d7 f=1.5 1\n",
    b"m\\,device=d7,device=d8 f=1.5 1\n",
    b'm,device=d8 f=1.5,s=",device=d7," 1\n',
]


@pytest.mark.parametrize("line", FORGED)
def test_a_forged_head_is_seen_through_on_the_fast_path(line: bytes):
    """Longer values, escaped commas and texts that look like the tag are none, also where the line's shape is known."""
    pipeline = ForgetfulPins.pipeline()
    value = next(tag for tag in (b"d70", b"d8", b"d") if b"device=%b" % tag in line).decode()
    honest = Constraint(D7.key, gate=(ForcedTags({"device": value}, "other"),))
    for _ in range(2):
        assert sent(pipeline, line, honest).accepted == 1
        assert sent(pipeline, line).refused == {Cause.FORCED_TAG: 1}


@pytest.mark.parametrize("value", ["7", "7i", "7u", "true", "t", "1e3"])
def test_a_field_that_reads_like_the_tag_is_not_the_tag(value: str):
    """An id may be a number: a field of its name and value beside another device's tag deceives nobody."""
    pipeline = ForgetfulPins.pipeline()
    own = Constraint(("device",), gate=(ForcedTags({"device": value}, "gateway"),))
    other = Constraint(("device",), gate=(ForcedTags({"device": "d8"}, "other"),))
    forged = f"m,device=d8 a=1.5,device={value},z=1.5 1\nm,device=d8 a=1.5,device={value} 1\n".encode()
    for _ in range(2):
        assert sent(pipeline, forged, other).accepted == 2
        assert sent(pipeline, forged, own).refused == {Cause.FORCED_TAG: 2}
        assert sent(pipeline, forged.replace(b"d8", value.encode()), own).accepted == 2


def test_an_escaped_value_passes_where_it_is_the_tokens_own():
    """What is forced may need escapes; it is compared as it reads, not as it is written."""
    own = Constraint(("site",), gate=(ForcedTags({"site": "hall 1,a"}, "gateway"),))
    pipeline = ForgetfulPins.pipeline()
    for _ in range(2):
        assert stored(sent(pipeline, b"m,site=hall\\ 1\\,a f=1.5 1\n", own)) == b"m,site=hall\\ 1\\,a f=1.5 1\n"
        assert stored(sent(pipeline, b"m f=1.5 1\n", own)) == b"m,site=hall\\ 1\\,a f=1.5 1\n"
        assert sent(pipeline, b"m,site=hall\\ 1 f=1.5 1\n", own).refused == {Cause.FORCED_TAG: 1}


def test_json_readings_are_held_to_the_tags_too():
    """Items without the tag get it, those of another device are refused by their number."""
    body = b'[{"t": 1.5}, {"device": "d8", "t": 2.5}, {"device": "d7", "t": 3.5}]'
    outcome = sent(ForgetfulPins.pipeline(), body, kind="json_telemetry")
    assert stored(outcome).splitlines() == [
        b"device_reading,device=d7 t=1.5 %d" % NOW_NS,
        b"device_reading,device=d7 t=3.5 %d" % (NOW_NS + 2),
    ]
    assert [(one.number, one.objection.cause) for one in outcome.listed] == [(2, Cause.FORCED_TAG)]


def test_the_gate_judges_lines_as_they_were_sent():
    """A transform behind it may hash or rename the tag and the measurement; what its own word is, it does not judge."""
    pipeline = pipeline_of("[{kind: rename, measurement: m, to: n, tags: {device: unit}}]")
    gate = (MeasurementScope(["m"], "gateway"), ForcedTags({"device": "d7"}, "gateway"))
    both = Constraint("both", gate=gate)
    for _ in range(2):
        assert stored(sent(pipeline, b"m f=1.5 1\n", both)) == b"n,unit=d7 f=1.5 1\n"
        assert sent(pipeline, b"n f=1.5 1\n", both).refused == {Cause.MEASUREMENT_SCOPE: 1}
        assert sent(pipeline, b"m,device=d8 f=1.5 1\n", both).refused == {Cause.FORCED_TAG: 1}


def test_other_measurements_are_refused_wherever_they_stand():
    """Names may be patterns; the answer says which the token writes."""
    scope = Constraint("scope", gate=(MeasurementScope(["cpu", "device_*"], "gateway"),))
    pipeline = ForgetfulPins.pipeline()
    body = b"cpu f=1.5 1\nbilling f=1.5 1\ndevice_reading f=1.5 1\n"
    for _ in range(2):
        outcome = sent(pipeline, body, scope)
        assert stored(outcome) == b"cpu f=1.5 1\ndevice_reading f=1.5 1\n"
        assert [(one.number, one.objection.cause) for one in outcome.listed] == [(2, Cause.MEASUREMENT_SCOPE)]
    assert outcome.listed[0].objection.reason == 'measurement "billing": token "gateway" writes cpu, device_* alone'


@pytest.mark.parametrize("transforms", ["[]", "[{kind: rename, tags: {device: unit}}]"])
def test_tokens_of_one_kind_share_what_is_known_and_not_their_values(transforms: str):
    """Of a thousand devices each has its id: what one taught, of shapes and of changes, lets no other's through."""
    pipeline = pipeline_of(transforms)
    tag = b"unit" if "unit" in transforms else b"device"
    for number in (7, 8, 9, 7, 8, 9):
        own = Constraint(D7.key, gate=(ForcedTags({"device": f"d{number}"}, "gateway"),))
        outcome = sent(pipeline, b"m,device=d7 f=1.5 1\nm,device=d8 f=1.5 1\nm,device=d9 f=1.5 1\n", own)
        assert stored(outcome) == b"m,%b=d%d f=1.5 1\n" % (tag, number)
        assert outcome.refused == {Cause.FORCED_TAG: 2}
        assert stored(sent(pipeline, b"m f=2.5 2\n", own)) == b"m,%b=d%d f=2.5 2\n" % (tag, number)


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([{"host": "a"}, {"host": "b", "t": "a"}, {"region": "a b"}]))
def test_a_whole_body_and_its_lines_one_by_one_get_the_same_verdict(seed: int, tags: dict[str, str]):
    """Under all that binds a token, runs of known lines are stored, changed and refused as walking does it."""

    def bound() -> Constraint:
        gate = (MeasurementScope(["m", "c*"], "gateway"), ForcedTags(tags, "gateway"))
        return Constraint("kind", gate=gate, checks=(SeriesQuota(4),))

    body = make_body(seed, most_lines=8)
    whole, single, own, other = ForgetfulPins.pipeline(), ForgetfulPins.pipeline(), bound(), bound()
    for pipeline, constraint in ((whole, own), (single, other)):
        for _, line in raw_lines(body):
            sent(pipeline, line, constraint)
    fast = sent(whole, body, own)
    slow = [(number, sent(single, line, other)) for number, line in raw_lines(body)]

    assert stored(fast) == b"".join(stored(one) for _, one in slow)
    assert [(r.number, r.objection) for r in fast.listed] == [(n, r.objection) for n, one in slow for r in one.listed]
    assert sum(fast.altered.values()) == sum(sum(one.altered.values()) for _, one in slow)
