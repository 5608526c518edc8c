"""Readings as JSON: both forms, the mapping, times, and what is said about faults."""

import json
from typing import Any

import pytest

from collector.decode.contract import Arrival, DecodeError
from collector.decode.json_telemetry import JsonTelemetry, JsonTelemetryConfig
from foundation.line_protocol.precision import Precision
from tests.contract.test_decoder import NOW_NS, Sceptic

CONFIG = JsonTelemetryConfig(integers=("count",))


def decode(data: Any, **arrival: Any) -> list[str]:
    decoded = JsonTelemetry(CONFIG).decode(Arrival(json.dumps(data).encode(), NOW_NS, **arrival), Sceptic())
    assert decoded.listed == ()
    return decoded.body.decode().splitlines()


def fault(data: Any) -> str:
    decoded = JsonTelemetry(CONFIG).decode(Arrival(json.dumps(data).encode(), NOW_NS), Sceptic())
    assert decoded.lines == 0
    assert len(decoded.listed) == 1
    return decoded.listed[0].objection.reason


@pytest.mark.parametrize(
    ("reading", "line"),
    [
        ({"device": "d7", "temp": 21.4, "time": 1}, "device_reading,device=d7 temp=21.4 1000000"),
        ({"host": "h", "service": "s", "site": "x", "sensor": "y", "v": 1, "time": 1},
         "device_reading,host=h,sensor=y,service=s,site=x v=1.0 1000000"),
        ({"measurement": "room", "on": True, "note": 'a "b"', "time": 1}, 'room on=true,note="a \\"b\\"" 1000000'),
        ({"a": {"b": 1, "c": {"d": 2}}, "e": [3, 4], "time": 1},
         "device_reading a_b=1.0,a_c_d=2.0,e_0=3.0,e_1=4.0 1000000"),
        ({"v": 1, "w": None, "device": None, "site": "", "time": 1}, "device_reading v=1.0 1000000"),
        ({"count": 3, "time": 1}, "device_reading count=3i 1000000"),
        ({"count": 3.0, "time": 1}, "device_reading count=3i 1000000"),
        ({"device": 7, "site": True, "v": 1, "time": 1}, "device_reading,device=7,site=true v=1.0 1000000"),
        ({"measurement": "m", "tags": {"a b": "c,d"}, "fields": {"v": 1}, "time": 1}, "m,a\\ b=c\\,d v=1.0 1000000"),
        ({"fields": {"v": 1}, "time": 1}, "device_reading v=1.0 1000000"),
    ],
)  # fmt: skip
def test_a_reading_becomes_a_line(reading: Any, line: str):
    """Both forms; tags by the mapping, floats unless it says integer, nulls left out, nesting joined."""
    assert decode(reading) == [line]


def test_items_without_a_time_stay_apart():
    """Each item of an array gets the time of receipt plus its index in nanoseconds."""
    assert decode([{"v": 1}, {"v": 1}]) == [f"device_reading v=1.0 {NOW_NS}", f"device_reading v=1.0 {NOW_NS + 1}"]


@pytest.mark.parametrize(
    ("time", "precision", "time_ns"),
    [
        (1_700_000_000_123, None, 1_700_000_000_123_000_000),
        (1_700_000_000, Precision.S, 1_700_000_000_000_000_000),
        (1_700_000_000.123456789, Precision.S, 1_700_000_000_123_456_700),
        (1, Precision.NS, 1),
        ("1970-01-01T00:00:01Z", None, 1_000_000_000),
        ("1970-01-01T01:00:01.123456789+01:00", None, 1_123_456_789),
        ("1969-12-31t23:59:59.5z", None, -500_000_000),
    ],
)
def test_time_is_rfc_3339_or_an_epoch(time: Any, precision: Precision | None, time_ns: int):
    """Milliseconds by default, the request's precision otherwise; no digit is lost."""
    assert decode({"v": 1, "time": time}, precision=precision) == [f"device_reading v=1.0 {time_ns}"]


def test_the_request_may_name_the_measurement():
    """The reading's own name wins over the request's, that over the configured one."""
    assert decode([{"v": 1, "time": 1}, {"measurement": "own", "v": 1, "time": 1}], measurement="asked") == [
        "asked v=1.0 1000000",
        "own v=1.0 1000000",
    ]


@pytest.mark.parametrize(
    ("reading", "words"),
    [
        (7, "a reading is a JSON object, not a number"),
        ({"device": "d"}, "no field"),
        ({"count": 1.5}, '"count" is 1.5, but the mapping says integer'),
        ({"device": {"id": 7}, "v": 1}, 'tag "device" is a text or a number, not an object'),
        ({"time": True, "v": 1}, '"time" is RFC 3339 or a number of ms, not true or false'),
        ({"time": "yesterday", "v": 1}, "is no RFC 3339 time"),
        ({"time": "2026-02-30T00:00:00Z", "v": 1}, "is no time"),
        ({"time": 1e30, "v": 1}, "time outside range"),
        ({"fields": {"v": 1}, "device": "d"}, '"device" stands beside "fields"'),
        ({"fields": {"v": 1}, "tags": [1]}, '"tags" is an object, not an array'),
        ({"measurement": 7, "v": 1}, '"measurement" is a text, not a number'),
        ({"measurement": "", "v": 1}, "the measurement is empty"),
        ({"a_b": 1, "a": {"b": 2}}, 'two values have the name "a_b"'),
        ({"v\n": 1}, "holds a newline"),
        ({"fields": {"time": 1}}, 'a field cannot be named "time"'),
    ],
)
def test_a_fault_is_told_with_what_to_mend(reading: Any, words: str):
    """Every refusal names the key and what was expected."""
    assert words in fault(reading)


def test_items_behind_one_with_newlines_keep_their_numbers():
    """A newline in a text does not shift the numbering."""
    body = json.dumps([{"note": "a\nb"}, {"x": None}, {"evil": 1}, {"v": 1}]).encode()
    decoded = JsonTelemetry(CONFIG).decode(Arrival(body, NOW_NS), Sceptic())
    assert [rejection.number for rejection in decoded.listed] == [2, 3]
    assert decoded.lines == 2


@pytest.mark.parametrize("body", [b"", b"{", b"{} {}", b'{"v": NaN}', b"\xff"])
def test_what_is_no_json_is_refused_whole(body: bytes):
    """With the place where it stops being JSON."""
    with pytest.raises(DecodeError, match="not JSON"):
        JsonTelemetry(CONFIG).decode(Arrival(body, NOW_NS), Sceptic())
