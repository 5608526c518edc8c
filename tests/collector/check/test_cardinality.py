"""The budget of series: known ones pass, new ones need room, and the tag that explodes is named."""

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from collector.check.cardinality import Cardinality, CardinalityConfig
from collector.check.sketch import Sketch
from collector.decode.contract import Arrival
from collector.metrics import SeriesGauge
from collector.pipeline import BadLines, Outcome, Pipeline
from collector.verdict import Origin
from foundation.line_protocol.parse import parse_line
from tests.fakes.checks import checked
from tests.fakes.transforms import NOW_NS, run, stored

HOUR = 3600 * 1_000_000_000


def series(count: int, first: int = 0, measurement: str = "m") -> bytes:
    return b"".join(b"%b,site=s,id=%d f=1 1\n" % (measurement.encode(), at) for at in range(first, first + count))


def sent_by(source: str, pipeline: Pipeline, body: bytes, bucket: str = "telemetry") -> Outcome:
    return pipeline.run("line_protocol", Arrival(body, NOW_NS), bucket=bucket, source=source)


def test_known_series_pass_and_new_ones_need_room():
    """Whatever the order of their tags; the answer names the tag with the most values."""
    pipeline = checked("{cardinality: {per_measurement: 3}}")
    assert run(pipeline, series(3)).accepted == 3
    for _ in range(2):
        outcome = run(pipeline, series(4) + b"m,id=0,site=s f=2 1\n" + series(3, measurement="n"))
        assert outcome.accepted == 3 + 1 + 3
        assert [(entry.number, entry.objection.reason) for entry in outcome.listed] == [
            (4, 'the budget of 3 series of measurement "m" is spent; tag "id" of measurement "m" has about 3 values')
        ]
        assert outcome.refused == {"cardinality": 1}


def test_the_budget_holds_within_one_body():
    """A body of new series gets as many in as there is room, whether lines are walked or taken in runs."""
    pipeline = checked("{cardinality: {per_measurement: 100}}")
    run(pipeline, series(1))
    outcome = run(pipeline, series(500))
    assert (outcome.accepted, outcome.refused) == (100, {"cardinality": 400})


def test_sources_and_patterns_have_budgets_of_their_own():
    """A series that two sources write counts for both; buckets have their own measurements."""
    pipeline = checked("{cardinality: {per_source: 5, sources: {'token:gate*': 2}, measurements: {big: 9}}}")
    assert sent_by("host:a", pipeline, series(6, measurement="big")).accepted == 5
    assert sent_by("token:gateway", pipeline, series(6, measurement="big")).accepted == 2
    limited = checked("{cardinality: {measurements: {'b*': 2}}}")
    assert sent_by("host:a", limited, series(6, measurement="big")).accepted == 2
    assert sent_by("host:a", limited, series(6, measurement="big"), "other").accepted == 2
    assert sent_by("host:a", limited, series(6, measurement="small")).accepted == 6


def test_all_series_together_have_a_budget():
    """It bounds the memory, whatever measurements and sources somebody invents."""
    pipeline = checked("{cardinality: {most: 4}}")
    accepted = [sent_by(f"host:{at}", pipeline, series(1, measurement=f"m{at}")).accepted for at in range(6)]
    assert accepted == [1, 1, 1, 1, 0, 0]


def test_a_series_that_is_not_written_leaves_the_budget():
    """After `forget` to twice that; one that is written stays."""
    pipeline = checked("{cardinality: {per_measurement: 2, forget: 1h}}")
    seen = []
    for at, body in enumerate([series(2), series(1), series(1), series(2, first=1), series(1)]):
        seen.append(run(pipeline, body, NOW_NS + at * HOUR).accepted)
    assert seen == [2, 1, 1, 1, 1]


def test_a_body_refused_as_a_whole_takes_no_room():
    """What was not committed was never there."""
    pipeline = checked("{cardinality: {per_measurement: 2}}", BadLines.REJECT)
    assert run(pipeline, series(2) + b"rubbish\n").accepted == 0
    assert run(pipeline, series(2, first=2)).accepted == 2


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 12), min_size=1, max_size=30), st.integers(1, 8))
def test_runs_and_single_lines_get_the_same_verdict(ids: list[int], limit: int):
    """A survey of a run admits and refuses what walking it does."""
    body = b"".join(b"m,id=%d,t=a\\ b f=1 1\n" % at for at in ids)
    whole, single = (checked(f"{{cardinality: {{per_measurement: {limit}}}}}") for _ in range(2))
    run(whole, b"m,id=0,t=x f=1 1\n")
    run(single, b"m,id=0,t=x f=1 1\n")
    slow = b"".join(stored(run(single, line)) for line in body.splitlines(keepends=True))
    assert stored(run(whole, body)) == slow


def test_a_sketch_counts_about_right():
    """Exactly up to 64 values, within a half beyond, and not twice what it saw twice."""
    sketch = Sketch()
    for value in range(60):
        sketch.add(hash(f"v{value}"))
        sketch.add(hash(f"v{value}"))
    assert sketch.count == 60
    for value in range(10_000):
        sketch.add(hash(f"v{value}"))
    assert 5_000 < sketch.count < 20_000


def test_the_census_counts_series_by_bucket_and_measurement():
    """What is alive; what has left the budget is no longer counted."""
    check = Cardinality(CardinalityConfig(per_measurement=10, forget=timedelta(hours=1)))

    def write(line: bytes, bucket: str, hour: int) -> None:
        checking = check.begin(Origin(bucket, "test", hour * 3600 * 10**9))
        checking.judge(parse_line(line))
        checking.commit()

    for line in (b"m,t=a f=1", b"m,t=b f=1", b"m,t=b f=2", b"n f=1"):
        write(line, "telemetry", 1)
    write(b"m f=1", "other", 1)
    assert sorted(check.census()) == [("other", "m", 1), ("telemetry", "m", 2), ("telemetry", "n", 1)]
    for hour in (2, 3):
        write(b"m,t=a f=1", "telemetry", hour)
    assert check.census() == [("telemetry", "m", 1)]


def test_the_gauge_of_series_is_bounded():
    """The largest measurements have a sample each, the rest of a bucket share one."""
    registry = CollectorRegistry()
    SeriesGauge(registry, lambda: [("b", f"m{number}", number) for number in range(1, 104)])
    (family,) = registry.collect()
    shown = {sample.labels["measurement"]: sample.value for sample in family.samples}
    assert len(shown) == 101
    assert (shown["m103"], shown["m4"], shown["(others)"]) == (103, 4, 6)
