"""What it means to agree: with a real influxd on a body, and of the fast path with the slow one; for tests and fuzz."""

import json
import urllib.parse
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from collector.decode.contract import Arrival
from collector.pipeline import BadLines, Outcome, Pipeline
from collector.verdict import Cause
from foundation.line_protocol.line import Line, LineError
from foundation.line_protocol.parse import parse_line
from foundation.line_protocol.precision import Precision
from foundation.line_protocol.split import split_lines
from tests.fakes.bodies import raw_lines
from tests.fakes.influxd import Influxd
from tests.fakes.pins import ForgetfulPins

NOW_NS = 1_700_000_000_000_000_000
SHARD_NS = 7 * 24 * 3600 * 1_000_000_000
OURS_ALONE = (
    "a name cannot be read back",
    "text after the closing quote",
    "not valid UTF-8",
    "missing field key",
)
"""Reasons for lines that influxd garbles, loses or dies of: such bodies never reach it, here as in the product."""

Points = Mapping[tuple[str, int], Mapping[str, object]]
SeriesKey = tuple[str, frozenset[tuple[str, str]]]
Series = dict[SeriesKey, dict[int, dict[str, object]]]
"""Measurement and tags -> time -> fields."""


def judge(body: bytes) -> tuple[int, Outcome]:
    """Our status for the body under `bad_lines: reject`."""
    arrival = Arrival(body, NOW_NS, Precision.NS, forgive_cr=False)
    outcome = ForgetfulPins.pipeline(BadLines.REJECT).run("line_protocol", arrival, bucket="b", source="test")
    return status_of(outcome), outcome


def status_of(outcome: Outcome) -> int:
    """The answer that goes with an outcome under `bad_lines: reject`."""
    if outcome.refused.get(Cause.SYNTAX):
        return 400
    return 422 if outcome.refused else 204


def ours_alone(outcome: Outcome) -> bool:
    """Whether it is one of the deviations on purpose: influxd is not asked."""
    return any(entry.objection.reason.startswith(OURS_ALONE) for entry in outcome.listed)


def coarse(cell: object) -> object:
    """A number as a float: influxd's JSON shows 1 for 1.0, and unsigned integers with 17 digits."""
    return cell if isinstance(cell, (str, bool)) or cell is None else float(str(cell))


def ours(outcome: Outcome) -> Points:
    """Our stored points as influxd's query shows them: by measurement and time, tags beside fields."""
    points: dict[tuple[str, int], dict[str, object]] = {}
    for _, line in split_lines(outcome.batch.body if outcome.batch else b""):
        point = parse_line(line)
        assert point.time_ns is not None
        cells = {**dict(point.tags), **{key: coarse(value) for key, value in point.fields}}
        points.setdefault((point.measurement, point.time_ns), {}).update(cells)
    return points


def theirs(influxd: Influxd, bucket: str) -> Points:
    """What influxd holds. One query a measurement: over several it merges columns of one name by type."""
    points: dict[tuple[str, int], dict[str, object]] = {}
    for listed in ask(influxd, bucket, "SHOW MEASUREMENTS"):
        for [name] in listed["values"]:
            quoted = name.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
            for series in ask(influxd, bucket, f'SELECT * FROM "{quoted}"'):  # noqa: S608 - a test's own server
                for row in series["values"]:
                    cells = zip(series["columns"][1:], row[1:], strict=True)
                    shown = {column: coarse(cell) for column, cell in cells if cell is not None}
                    points.setdefault((series["name"], row[0]), {}).update(shown)
    return points


def askable(measurement: str) -> bool:
    """Whether a query can name it: influxd stores names with control characters that its own language cannot say."""
    return measurement.replace("\n", "").isprintable()


def series_here(outcome: Outcome, known: Series) -> None:
    """Write what we store of an outcome to what is stored already."""
    for _, line in split_lines(outcome.batch.body if outcome.batch else b""):
        point = parse_line(line)
        assert point.time_ns is not None
        if not askable(point.measurement):
            continue
        points = known.setdefault((point.measurement, frozenset(point.tags)), {})
        points.setdefault(point.time_ns, {}).update({key: coarse(value) for key, value in point.fields})


def series_there(influxd: Influxd, bucket: str) -> Series:
    """All points that influxd holds, by series."""
    found: Series = {}
    for listed in ask(influxd, bucket, "SHOW MEASUREMENTS"):
        for [name] in listed["values"]:
            if not askable(name):
                continue
            quoted = name.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
            for series in ask(influxd, bucket, f'SELECT * FROM "{quoted}" GROUP BY *'):  # noqa: S608 - a test's own server
                tags = frozenset((key, value) for key, value in series.get("tags", {}).items() if value)
                points = found.setdefault((series["name"], tags), {})
                for row in series["values"]:
                    cells = zip(series["columns"][1:], row[1:], strict=True)
                    shown = {column: coarse(cell) for column, cell in cells if cell is not None}
                    points.setdefault(row[0], {}).update(shown)
    return found


def ask(influxd: Influxd, bucket: str, influxql: str) -> list[dict[str, Any]]:
    answer = influxd.call("GET", f"/query?db={bucket}&epoch=ns&q={urllib.parse.quote(influxql)}")[1]
    series: list[dict[str, Any]] = json.loads(answer)["results"][0].get("series", [])
    return series


def post(influxd: Influxd, bucket: str, body: bytes) -> tuple[int, bytes]:
    return influxd.call("POST", f"/api/v2/write?org={influxd.org}&bucket={bucket}&precision=ns", body)


def one_shard(body: bytes) -> bool:
    """Whether all lines fall into one shard of seven days: influxd keeps field types per shard, we for all time."""
    stamps = [point.time_ns for point in readable(body)]
    return None not in stamps and len({(stamp or 0) // SHARD_NS for stamp in stamps}) == 1


def told_apart(body: bytes) -> bool:
    """Whether every line has a timestamp and no two points share measurement and time, so that a query shows each."""
    keys = [(point.measurement, point.time_ns) for point in readable(body)]
    return len(keys) == len(set(keys)) and all(time_ns is not None for _, time_ns in keys)


def readable(body: bytes) -> list[Line]:
    points = []
    for _, line in split_lines(body):
        with suppress(LineError):
            points.append(parse_line(line))
    return points


def run(pipeline: Pipeline, body: bytes, precision: Precision = Precision.NS, *, forgive_cr: bool = True) -> Outcome:
    arrival = Arrival(body, NOW_NS, precision, forgive_cr)
    return pipeline.run("line_protocol", arrival, bucket="telemetry", source="test")


def stored(outcome: Outcome) -> bytes:
    return outcome.batch.body if outcome.batch else b""


def assert_paths_agree(body: bytes, precision: Precision, *, forgive_cr: bool) -> None:
    """The pass over runs of known lines stores and refuses what walking line by line stores and refuses."""
    whole, single = ForgetfulPins.pipeline(), ForgetfulPins.pipeline()
    run(whole, body, precision, forgive_cr=forgive_cr)
    fast = run(whole, body, precision, forgive_cr=forgive_cr)
    slow = [(number, run(single, line, precision, forgive_cr=forgive_cr)) for number, line in raw_lines(body)]

    assert stored(fast) == b"".join(stored(one) for _, one in slow)
    assert [(r.number, r.objection) for r in fast.listed] == [(n, r.objection) for n, one in slow for r in one.listed]
    assert fast.accepted == sum(one.accepted for _, one in slow)
    assert fast.dropped == sum(one.dropped for _, one in slow)
