"""What every transform keeps to, whatever it makes of lines."""

import typing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.transform.catalog import CATALOG, TransformConfig
from collector.verdict import Origin
from foundation.decoding import members
from foundation.line_protocol.line import Line
from foundation.line_protocol.parse import parse_line
from foundation.line_protocol.split import split_lines
from tests.fakes.bodies import make_body, raw_lines
from tests.fakes.transforms import NOW_NS, pipeline_of, run, stored, transforms_of

EXAMPLES = {
    "rename": (
        "{kind: rename, measurement: m, to: m2}",
        "{kind: rename, tags: {host: machine}, fields: {f: f2, g: s}}",
        "{kind: rename, where: {t: a}, fields: {f: f2}}",
    ),
    "drop": (
        "{kind: drop, measurement: cpu}",
        "{kind: drop, where: {host: a}}",
        "{kind: drop, tags: [t], fields: [f, u*]}",
    ),
    "keep": (
        "{kind: keep, measurement: '[ml]*'}",
        "{kind: keep, where: {host: a}}",
        "{kind: keep, measurement: m, fields: [f], tags: []}",
    ),
    "add_tag": (
        "{kind: add_tag, tag: t, value: berlin}",
        "{kind: add_tag, measurement: m, tag: t, value: a, overwrite: true}",
    ),
    "convert_unit": (
        "{kind: convert_unit, field: f, from: f, to: c}",
        "{kind: convert_unit, field: usage, factor: 100, to_field: g}",
        "{kind: convert_unit, field: f, from_tag: region, to: s}",
    ),
    "hash": ("{kind: hash, key: sixteen bytes or more, tags: [host], fields: [f, s]}",),
    "mask": (
        "{kind: mask, tags: [host, t], fields: [f, s]}",
        "{kind: mask, where: {host: '*'}, tags: [host], fields: [s], text: x, keep_first: 1, keep_last: 1}",
    ),
    "derive": (
        "{kind: derive, field: sum, expression: f + g}",
        "{kind: derive, field: f, expression: 1 / f}",
    ),
    "dedupe": (
        "{kind: dedupe, measurement: m}",
        "{kind: dedupe, fields: [f, g], within: 1h}",
        "{kind: dedupe, tags: [host], ignore_time: true}",
    ),
}
ALL = [text for texts in EXAMPLES.values() for text in texts]
ORIGIN = Origin("telemetry", "test", NOW_NS)

TAGS, FIELDS = ("t", "host", "region"), ("f", "g", "s", "usage")
VALUES = (0.5, 41.0, 3, True, "x")
lines = st.builds(
    Line,
    st.sampled_from(["m", "cpu", "log"]),
    st.dictionaries(st.sampled_from(TAGS), st.sampled_from(["a", "b", "7"])).map(lambda tags: tuple(tags.items())),
    st.dictionaries(st.sampled_from(FIELDS), st.sampled_from(VALUES), min_size=1).map(lambda some: tuple(some.items())),
    st.sampled_from([None, NOW_NS, NOW_NS - 10**15]),
)


def test_every_transform_has_its_line_in_the_catalog_and_an_example_here():
    """What tocsin.yml can configure is what can be built, under the name that is counted."""
    assert set(CATALOG) == set(EXAMPLES)
    assert {config for config, _ in CATALOG.values()} == set(members(TransformConfig))
    for kind, (config, transform) in CATALOG.items():
        assert typing.get_args(typing.get_type_hints(config)["kind"]) == (kind,)
        assert transform.name == kind


@pytest.mark.parametrize("text", ALL)
@settings(max_examples=60, deadline=None)
@given(lines, lines)
def test_lines_left_for_good_are_left_whatever_their_values(text: str, line: Line, other: Line):
    """What `leaves` promises of a shape holds for other values, other times and a part of the fields."""
    (transform,) = transforms_of(f"[{text}]")
    transforming = transform.begin(ORIGIN)
    if transforming.apply(line) is not None or not transforming.leaves(line):
        return
    tags = tuple((key, "other") for key, _ in line.tags)
    values = dict(other.fields)
    fields = tuple((key, values.get(key, value)) for key, value in line.fields[-2:])
    assert transforming.apply(Line(line.measurement, tags, fields, other.time_ns)) is None


@pytest.mark.parametrize("text", ALL)
@settings(max_examples=60, deadline=None)
@given(lines)
def test_an_answer_is_the_same_until_the_line_is_durable(text: str, line: Line):
    """Two passes of which the first was never confirmed agree: lines sent again after a 503 are never lost."""
    (transform,) = transforms_of(f"[{text}]")
    assert transform.begin(ORIGIN).apply(line) == transform.begin(ORIGIN).apply(line)


@pytest.mark.parametrize("text", ALL)
@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32))
def test_a_whole_body_and_its_lines_one_by_one_become_the_same(text: str, seed: int):
    """The pass over runs of known lines stores, refuses and takes out what walking line by line does."""
    body = make_body(seed, most_lines=8)
    whole, single = pipeline_of(f"[{text}]"), pipeline_of(f"[{text}]")
    run(whole, body, confirm=False)
    fast = run(whole, body)
    slow = [(number, run(single, line)) for number, line in raw_lines(body)]

    assert stored(fast) == b"".join(stored(one) for _, one in slow)
    assert [(r.number, r.objection) for r in fast.listed] == [(n, r.objection) for n, one in slow for r in one.listed]
    assert sum(fast.taken_out.values()) == sum(sum(one.taken_out.values()) for _, one in slow)
    assert sum(fast.altered.values()) == sum(sum(one.altered.values()) for _, one in slow)
    assert all(parse_line(line).time_ns is not None for _, line in split_lines(stored(fast)))
