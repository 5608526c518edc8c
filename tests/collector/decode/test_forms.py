"""Readings of a form seen before are written as if each were the first that ever came."""

import json
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from collector.decode.contract import Arrival, Decoded, DecodeError
from collector.decode.forms import Forms
from collector.decode.json_telemetry import JsonTelemetry, JsonTelemetryConfig
from foundation.line_protocol.precision import Precision
from tests.contract.test_decoder import NOW_NS, Sceptic

CONFIG = JsonTelemetryConfig(tags=("device", "site"), integers=("c", "n%d"))
texts = st.sampled_from(["d1", "d2", "", "a b", 'say "x"', "back\\", "two\nrows", "ü", "%s", "1", "#", "evil"])
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from([0, 1, -1, 2**53 + 1, 2**63 - 1, 2**63, -(2**63), 2**64 - 1, 10**30, -0.0, 0.0, 1e300, 5e-324]),
    st.floats(allow_nan=False, allow_infinity=False),
    st.integers(-5, 5),
    texts,
)
values = st.one_of(scalars, scalars, scalars, st.lists(scalars, max_size=2), st.fixed_dictionaries({"x": scalars}))
keys = st.sampled_from(["device", "site", "temp", "c", "n%d", "a b", "evil", "x=y", "measurement", "time", "temp_x"])
times = st.one_of(
    st.integers(0, 3), st.sampled_from([2**63, -(2**62), 1.5, "1970-01-01T00:00:01Z", "soon", True, None])
)
flat = st.dictionaries(keys, values, min_size=1, max_size=4)
full = st.fixed_dictionaries(
    {"fields": st.dictionaries(keys, values, max_size=3)},
    optional={"tags": st.dictionaries(keys, values, max_size=2), "measurement": texts, "time": times, "more": scalars},
)
timed = st.builds(lambda item, time: {**item, "time": time}, flat, times)
items = st.one_of(flat, timed, full, scalars)


TEXTS = ("d1", "d2", "", "a b", 'say "x"', "back\\", "two\nrows", "ü", "%s", "#", "1970-01-01T00:00:02.5Z")
NUMBERS = (0, 1, -1, 2**53 + 1, 2**63 - 1, 2**63, -(2**63), 2**64 - 1)


def other(value: Any, luck: Random) -> Any:
    """A value of the same type, so that the reading keeps its form."""
    match value:
        case bool():
            return not value
        case str():
            return luck.choice(TEXTS)
        case int():
            return luck.choice(NUMBERS)
        case float():
            return luck.choice((0.0, -0.0, luck.uniform(-1e9, 1e9), 1e22, 5e-324))
        case dict():
            return {key: other(inner, luck) for key, inner in value.items()}
        case _:
            return value


def decode(decoder: JsonTelemetry, data: Any, now_ns: int, precision: Precision | None) -> Decoded:
    return decoder.decode(Arrival(json.dumps(data).encode(), now_ns, precision), Sceptic())


@settings(max_examples=100, deadline=None)
@given(
    st.lists(items, min_size=1, max_size=6), st.integers(0, 2**32), st.sampled_from([None, Precision.NS, Precision.H])
)
def test_a_reading_is_written_as_if_it_were_the_first(data: list[Any], seed: int, precision: Precision | None):
    """Same lines, same refusals under the same numbers, whether forms are remembered or every decoder is new."""
    known = JsonTelemetry(CONFIG)
    decode(known, data, NOW_NS, precision)
    luck = Random(seed)  # noqa: S311 - values that a failing run can name again
    again = [other(item, luck) for item in data * 3]
    fast = decode(known, again, NOW_NS, precision)
    slow = [decode(JsonTelemetry(CONFIG), [item], NOW_NS + at, precision) for at, item in enumerate(again)]

    assert fast.body == b"".join(one.body for one in slow)
    assert fast.lines == sum(one.lines for one in slow)
    assert [(one.number, one.line, one.objection, one.as_sent) for one in fast.listed] == [
        (at, one.line, one.objection, one.as_sent) for at, single in enumerate(slow, 1) for one in single.listed
    ]
    assert fast.refused == sum((one.refused for one in slow), start=type(slow[0].refused)())


@pytest.mark.parametrize(("most_forms", "most_head_bytes"), [(2, 1 << 20), (100, 500)])
def test_what_is_remembered_is_bounded(most_forms: int, most_head_bytes: int):
    """At the bound all is forgotten: a reading is left to the decoder until its form is learnt anew."""

    def head_of(item: dict[str, Any], default: str) -> tuple[str, dict[str, str]]:
        return default, {"device": item["device"]}

    known = Forms(frozenset({"device"}), frozenset(), head_of, most_forms=most_forms, most_head_bytes=most_head_bytes)
    data = [{"device": f"d{number}", f"f{number % 5}": number} for number in range(40)]
    unknown = 0
    for number, item in enumerate(data):
        line = known.write(item, "m", 1, number)
        if line is None:
            unknown += 1
            known.learn(item, "m")
            line = known.write(item, "m", 1, number)
        assert line in (None, f"m,device=d{number} f{number % 5}={number}.0 {number}\n")
    assert unknown > 5


def test_infinity_is_no_json():
    """So no template ever has to write one."""
    with pytest.raises(DecodeError, match="not JSON"):
        JsonTelemetry(CONFIG).decode(Arrival(b'[{"temp": 1e400}]', NOW_NS), Sceptic())
