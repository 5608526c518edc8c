"""Beside a real influxd: with `bad_lines: reject` the same bodies get the same status and leave the same points."""

import json
import urllib.parse
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import pytest

from collector.decode.contract import Arrival
from collector.pipeline import BadLines, Outcome
from collector.verdict import Cause
from foundation.line_protocol.line import Line, LineError
from foundation.line_protocol.parse import parse_line
from foundation.line_protocol.precision import Precision
from foundation.line_protocol.split import split_lines
from tests.fakes.bodies import make_body
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


def judge(body: bytes) -> tuple[int, Outcome]:
    """Our status for the body."""
    arrival = Arrival(body, NOW_NS, Precision.NS, forgive_cr=False)
    outcome = ForgetfulPins.pipeline(BadLines.REJECT).run("line_protocol", arrival, bucket="b", source="test")
    if outcome.refused.get(Cause.SYNTAX):
        return 400, outcome
    return (422 if outcome.refused else 204), outcome


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


@pytest.mark.parametrize("block", range(6))
def test_status_and_points_are_influxds(influxd: Influxd, block: int):
    """Generated and mutated bodies, seeded, each into a bucket of its own."""
    judged = looked_at = 0
    for seed in range(block * 60, block * 60 + 60):
        body = make_body(seed)
        status, outcome = judge(body)
        if any(entry.objection.reason.startswith(OURS_ALONE) for entry in outcome.listed):
            continue
        made = influxd.make_bucket(f"agree-{seed}")
        answer, words = post(influxd, f"agree-{seed}", body)
        if answer == 400 or status == 400 or one_shard(body):
            assert (answer, body) == (status, body), words
            judged += 1
            if status != 400 and told_apart(body):
                assert theirs(influxd, f"agree-{seed}") == ours(outcome), body
                looked_at += 1
        influxd.drop_bucket(made)
    assert judged > 20
    assert looked_at > 2


@pytest.mark.parametrize(
    "body",
    [
        b"m f=1 10\nm f=2i 20\nm f=3 30\n",
        b"m time=1,f=2 10",
        b"m time=1 10",
        b'm s="' + b"x" * 1_048_577 + b'" 10',
        b"m f=1,f=2i 10",
    ],
)
def test_what_the_storage_refuses_is_answered_in_its_words(influxd: Influxd, influx_bucket: str, body: bytes):
    """422, the reason, how many were dropped, and the same points left."""
    status, outcome = judge(body)
    answer, words = post(influxd, influx_bucket, body)
    message = json.loads(words)["message"]
    assert (status, answer) == (422, 422)
    assert outcome.listed[0].objection.reason in message
    assert f"dropped={outcome.dropped}" in message
    assert theirs(influxd, influx_bucket) == ours(outcome)
