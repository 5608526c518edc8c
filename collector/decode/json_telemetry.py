"""Readings as JSON: one object or an array of them, for devices that can send nothing else.

Full form:  {"measurement": "m", "tags": {...}, "fields": {...}, "time": ...}
Flat form:  {"device": "d7", "temp": 21.4}: keys that the mapping names are tags, the rest fields

Every number is a float unless the mapping says integer: `1` and `1.0` from one device would be a type conflict. Null is
left out; nesting joins with `_`; `time` is RFC 3339 or an epoch. An item without a time gets the time of receipt plus
its index in nanoseconds, so that the items of one array stay apart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import orjson

from collector.decode.contract import Arrival, Decoded, DecodeError, Examiner, TooManyItems
from collector.decode.forms import Forms
from collector.decode.limits import ORDINARY, LineLimits
from collector.decode.tally import MOST_LISTED, Tally
from collector.decode.walk import Walk
from collector.verdict import Cause, Objection
from foundation.line_protocol.encode import encode
from foundation.line_protocol.line import FieldValue, LineError
from foundation.line_protocol.precision import Precision, scale
from foundation.line_protocol.rfc3339 import parse_rfc3339

_DEEPEST = 16
_FULL_KEYS = frozenset({"measurement", "tags", "fields", "time"})


@dataclass(frozen=True, slots=True)
class JsonTelemetryConfig:
    """`collector.json`: which keys of a flat object are tags, which fields are integers, how readings are named."""

    tags: tuple[str, ...] = ("device", "sensor", "site", "host", "service")
    integers: tuple[str, ...] = ()
    measurement: str = "device_reading"


class JsonTelemetry:
    """`POST /v1/telemetry`."""

    name = "json_telemetry"

    def __init__(self, config: JsonTelemetryConfig, limits: LineLimits = ORDINARY) -> None:
        self._limits = limits
        self._tags = frozenset(config.tags)
        self._integers = frozenset(config.integers)
        self._measurement = config.measurement
        self._forms = Forms(self._tags, self._integers, self._head)

    def decode(self, arrival: Arrival, examiner: Examiner) -> Decoded:
        """One line for each item; rejections are numbered by item. Raises DecodeError: no JSON, or too much."""
        items, first = self._items(arrival), arrival.number
        rest = None
        if 0 < arrival.patience < len(items):
            rest = replace(arrival, items=items[arrival.patience :], number=first + arrival.patience)
            items = items[: arrival.patience]
        default, unit_ns = arrival.measurement or self._measurement, (arrival.precision or Precision.MS).ns
        lines: list[str] = []
        numbers: list[int] = []
        tally = Tally()
        for number, item in enumerate(items, first):
            line = self._forms.write(item, default, unit_ns, arrival.received_ns + number - 1)
            if line is None:
                try:
                    line = self._line(item, arrival, number - 1).decode() + "\n"
                except LineError as error:
                    tally.add(number, orjson.dumps(item), Objection(Cause.SYNTAX, error.reason))
                    continue
                self._forms.learn(item, default)
            lines.append(line)
            numbers.append(number)
        walk = Walk(examiner, Precision.NS, arrival.received_ns, self._limits, forgive_cr=False)
        decoded = walk.decode("".join(lines).encode())
        if not tally.refused and not decoded.refused:
            return decoded if rest is None else replace(decoded, rest=rest)
        rows = [number for number, line in zip(numbers, lines, strict=True) for _ in range(line.count("\n"))]
        written = [replace(r, number=rows[r.number - 1], as_sent=False) for r in decoded.listed]
        listed = sorted(tally.listed + written, key=lambda rejection: rejection.number)[:MOST_LISTED]
        return Decoded(decoded.body, decoded.lines, tuple(listed), tally.refused + Counter(decoded.refused), rest)

    def _items(self, arrival: Arrival) -> Sequence[Any]:
        if arrival.items is not None:
            return arrival.items
        items, most = _items(arrival.body), self._limits.most_items
        if len(items) > most:
            raise TooManyItems(f"a body of more than {most} items; send less at once")
        return items

    def _head(self, item: dict[str, Any], default: str) -> tuple[str, dict[str, str]]:
        tags, _ = self._full(item) if isinstance(item.get("fields"), dict) else self._flat(item)
        return item.get("measurement", default), tags

    def _line(self, item: Any, arrival: Arrival, index: int) -> bytes:
        if not isinstance(item, dict):
            raise LineError(f"a reading is a JSON object, not {_kind(item)}")
        measurement = item.get("measurement", arrival.measurement or self._measurement)
        if not isinstance(measurement, str):
            raise LineError(f'"measurement" is a text, not {_kind(measurement)}')
        tags, fields = self._full(item) if isinstance(item.get("fields"), dict) else self._flat(item)
        if not fields:
            raise LineError("no field: every key is a tag, a name, a time or null")
        time_ns = arrival.received_ns + index if item.get("time") is None else _time_ns(item["time"], arrival.precision)
        return encode(measurement, tags, fields, time_ns)

    def _full(self, item: dict[str, Any]) -> tuple[dict[str, str], dict[str, FieldValue]]:
        unknown = sorted(item.keys() - _FULL_KEYS)
        if unknown:
            raise LineError(f'"{unknown[0]}" stands beside "fields"; put it into "fields" or "tags"')
        named = item.get("tags")
        if named is not None and not isinstance(named, dict):
            raise LineError(f'"tags" is an object, not {_kind(named)}')
        tags: dict[str, str] = {}
        for key, value in (named or {}).items():
            _put_tag(tags, key, value)
        fields: dict[str, FieldValue] = {}
        for key, value in item["fields"].items():
            self._put_field(fields, key, value, 0)
        return tags, fields

    def _flat(self, item: dict[str, Any]) -> tuple[dict[str, str], dict[str, FieldValue]]:
        tags: dict[str, str] = {}
        fields: dict[str, FieldValue] = {}
        for key, value in item.items():
            if key in self._tags:
                _put_tag(tags, key, value)
            elif key not in _NAMES:
                self._put_field(fields, key, value, 0)
        return tags, fields

    def _put_field(self, fields: dict[str, FieldValue], key: str, value: Any, depth: int) -> None:
        """Add the value, or its leaves with their names joined by `_` (list items by their index)."""
        if value is None:
            return
        if not isinstance(value, (dict, list)):
            if key in fields:
                raise LineError(f'two values have the name "{key}" once nesting is joined with "_"')
            fields[key] = self._value(key, value)
            return
        if depth == _DEEPEST:
            raise LineError(f'"{key}" is nested deeper than {_DEEPEST} levels')
        for name, inner in value.items() if isinstance(value, dict) else enumerate(value):
            self._put_field(fields, f"{key}_{name}", inner, depth + 1)

    def _value(self, key: str, value: Any) -> FieldValue:
        if isinstance(value, (bool, str)):
            return value
        if key not in self._integers:
            return float(value)
        if isinstance(value, float) and not value.is_integer():
            raise LineError(f'"{key}" is {value!r}, but the mapping says integer')
        return int(value)


_NAMES = frozenset({"measurement", "time"})


def _items(body: bytes) -> list[Any]:
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise DecodeError(f"not JSON: {error}") from error
    return data if isinstance(data, list) else [data]


def _put_tag(tags: dict[str, str], key: str, value: Any) -> None:
    """Add the tag as text; null and empty ones are left out, for InfluxDB knows no empty tag."""
    text = value if isinstance(value, str) else None if value is None else _tag(key, value)
    if text:
        tags[key] = text


def _tag(key: str, value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case _:
            raise LineError(f'tag "{key}" is a text or a number, not {_kind(value)}')


def _time_ns(value: Any, precision: Precision | None) -> int:
    unit = precision or Precision.MS
    match value:
        case str():
            return parse_rfc3339(value)
        case int() if not isinstance(value, bool):
            return scale(value, unit)
        case float():
            return scale(int(Decimal(repr(value)) * unit.ns), Precision.NS)
        case _:
            raise LineError(f'"time" is RFC 3339 or a number of {unit}, not {_kind(value)}')


def _kind(value: Any) -> str:
    names = {dict: "an object", list: "an array", str: "a text", bool: "true or false", type(None): "null"}
    return names.get(type(value), "a number")
