"""A random schema and its lines."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final

SECOND: Final = 1_000_000_000
DAY: Final = 86_400 * SECOND
_STARTS: Final = (
    1_767_830_400 * SECOND,  # 2026-01-08
    1_767_830_400 * SECOND,
    1_774_745_700 * SECOND,  # 2026-03-29T00:55, before Berlin's clocks go forward
    1_761_440_100 * SECOND,  # 2025-10-26T00:55, before they go back
    -43_200 * SECOND,  # 1969-12-31T12:00
)
"""All lines of a schema lie in one of InfluxDB's weeks, whose columns `*` then knows."""
SPAN_S: Final = 600

_MEASUREMENTS: Final = ("cpu", "http requests", "select", 'quo"ted', "größe", "a.b", "m,1=x", "back\\slash")
_TAGS: Final = ("host", "region", "data center", "from", "k=v,w", "ort")
_VALUES: Final = ("a", "b", "ab", "eu west", "x=1", "it's", 'say "hi"', "ü", "1")
_FIELDS: Final = ("v", "load 1", "limit", "Größe", "value", "n", "ok", "text")
_TEXTS: Final = ("x", "y", "", "two words", 'quo"te', "it's", "ü", "-1")
_KINDS: Final = ("float", "float", "integer", "integer", "unsigned", "string", "boolean")


@dataclass(frozen=True, slots=True)
class Measurement:
    """A measurement: its tag keys with their values, its fields with their types."""

    name: str
    tags: dict[str, tuple[str, ...]]
    fields: dict[str, str]

    def of(self, *kinds: str) -> list[str]:
        """Fields of these types."""
        return [name for name, kind in self.fields.items() if kind in kinds]


@dataclass(frozen=True, slots=True)
class Schema:
    """What both stores hold."""

    measurements: tuple[Measurement, ...]
    bodies: tuple[bytes, ...]
    """line protocol, to be written one after the other"""
    start: int
    """nanoseconds since 1970; the lines lie in the SPAN_S seconds from here on"""

    @property
    def midnight(self) -> int:
        """The beginning of the day on which they start, in nanoseconds."""
        return self.start // DAY * DAY

    @property
    def day(self) -> str:
        """That day, as a query names it."""
        return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=self.start // DAY)).date().isoformat()


def make_schema(random: Random) -> Schema:
    """Two or three measurements with up to a few hundred points each, written in several bodies."""
    made = tuple(_measurement(name, random) for name in random.sample(_MEASUREMENTS, random.randint(2, 3)))
    start = random.choice(_STARTS)
    lines = [line for index, measurement in enumerate(made) for line in _lines(measurement, start, index, random)]
    random.shuffle(lines)
    cut = len(lines) * 2 // 3
    # Late points and overwrites: the second body is written behind the first, whatever its times.
    rewritten = [_with_new_values(line, made, random) for line in random.sample(lines[:cut], cut // 20)]
    bodies = (lines[:cut], [*lines[cut:], *rewritten])
    return Schema(made, tuple("\n".join(text for text, *_ in body).encode() + b"\n" for body in bodies), start)


def _measurement(name: str, random: Random) -> Measurement:
    keys = random.sample(_TAGS, random.randint(1, 3))
    tags = {key: tuple(random.sample(_VALUES, random.randint(1, 3))) for key in keys}
    fields = {field: random.choice(_KINDS) for field in random.sample(_FIELDS, random.randint(3, 6))}
    fields[random.choice(list(fields))] = "float"
    return Measurement(name, tags, fields)


_Line = tuple[str, str, int, str]
"""text, the measurement and tags in it, time, measurement"""


def _lines(measurement: Measurement, start: int, index: int, random: Random) -> list[_Line]:
    series = {_series(measurement, random) for _ in range(random.randint(1, 6))}
    lines = []
    for number, key in enumerate(sorted(series)):
        step = random.choice((1, 5, 10, 30))
        for second in range(0, SPAN_S, step):
            if random.random() < 0.35:
                continue
            # Times of its own for each series, to the millisecond.
            time = start + second * SECOND + (number * 10 + index) * 1_000_000
            lines.append((_line(key, measurement, time, random), key, time, measurement.name))
    return lines


def _series(measurement: Measurement, random: Random) -> str:
    chosen = [(key, random.choice(values)) for key, values in measurement.tags.items() if random.random() < 0.85]
    return ",".join([_escape(measurement.name, ", "), *(f"{_escape(k, ',= ')}={_escape(v, ',= ')}" for k, v in chosen)])


def _line(series: str, measurement: Measurement, time: int, random: Random) -> str:
    chosen = [field for field in measurement.fields if random.random() < 0.8] or [next(iter(measurement.fields))]
    values = ",".join(f"{_escape(field, ',= ')}={_value(measurement.fields[field], random)}" for field in chosen)
    return f"{series} {values} {time}"


def _with_new_values(line: _Line, made: tuple[Measurement, ...], random: Random) -> _Line:
    _, series, time, name = line
    (measurement,) = [one for one in made if one.name == name]
    return (_line(series, measurement, time, random), series, time, name)


def _value(kind: str, random: Random) -> str:
    match kind:
        case "float":
            return repr(round(random.uniform(-100, 100), 6))
        case "integer":
            return f"{random.randint(-20, 20)}i"
        case "unsigned":
            return f"{random.randint(0, 40)}u"
        case "boolean":
            return random.choice(("true", "false"))
        case _:
            text = random.choice(_TEXTS).replace("\\", "\\\\").replace('"', '\\"')
            return f'"{text}"'


def _escape(text: str, signs: str) -> str:
    return "".join(f"\\{char}" if char in signs else char for char in text)
