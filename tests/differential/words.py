"""What queries are put together from: names that a schema has, conditions, ranges, windows."""

from __future__ import annotations

from random import Random
from typing import Final

from influxql.literals import quote_name, quote_string
from tests.differential.schema import SECOND, SPAN_S, Measurement, Schema

NUMBERS: Final = ("float", "integer", "unsigned")
KINDS: Final = (*NUMBERS, "string", "boolean")
FILLS: Final = (" fill(none)", " fill(null)", " fill(previous)", " fill(linear)", " fill(0)", " fill(7)", " fill(-1.5)")
ZONES: Final = ("Europe/Berlin", "America/St_Johns", "Asia/Kathmandu", "UTC")
_MATH: Final = (
    "abs({})",
    "ceil({})",
    "floor({})",
    "round({})",
    "sqrt({})",
    "ln({})",
    "log10({})",
    "pow({}, 2)",
    "atan2({}, 2)",
    "sin({})",
    "acos({})",
)
"""What conditions may ask of a field."""
LONG_AGO: Final = "now() - 25000d"
"""Before everything that is written."""


class Words:
    """Draws words for queries over `schema`, one after the other."""

    def __init__(self, schema: Schema, random: Random) -> None:
        self._schema = schema
        self.random = random

    def measurement(self) -> Measurement:
        return self.random.choice(self._schema.measurements)

    def chance(self, share: float) -> bool:
        return self.random.random() < share

    def one(self, *words: str) -> str:
        """One of these."""
        return self.random.choice(words)

    def sources(self, measurement: Measurement) -> str:
        """The measurement, by its name or its policy's and its name."""
        name = quote_name(measurement.name)
        return f"autogen.{name}" if self.chance(0.03) else name

    def several(self) -> str:
        """More than one measurement: by name, or by a regex."""
        if self.chance(0.4):
            return self.one("/./", "/^[a-h]/", "/nothing/")
        names = self.random.sample(self._schema.measurements, 2)
        return ", ".join(quote_name(one.name) for one in names)

    def field(self, measurement: Measurement, *kinds: str) -> str:
        """A field of these types, quoted; rarely one that is not there."""
        if self.chance(0.03):
            return "nosuch"
        return quote_name(self.random.choice(measurement.of(*kinds) or measurement.of("float")))

    def tag(self, measurement: Measurement) -> str:
        return quote_name("nosuch" if self.chance(0.03) else self.random.choice(list(measurement.tags)))

    def about_tag(self, measurement: Measurement) -> str:
        key = self.random.choice(list(measurement.tags))
        values = measurement.tags[key]
        value = self.random.choice((*values, values[0], "", "zz"))
        op = self.one("=", "!=", "=", "!=", "=~", "!~", "<", ">")
        if op in ("=~", "!~"):
            return f"{quote_name(key)} {op} /{self.one('a', '^a$', 'a|b', '^$', '[a-x]', '.', '(?i)A')}/"
        cast = "::tag" if self.chance(0.1) else ""
        return f"{quote_name(key)}{cast} {op} {quote_string(value)}"

    def equality(self, measurement: Measurement) -> str:
        """What a SHOW may ask for: InfluxDB takes no other comparison there, and `!~` means another thing."""
        key = self.random.choice(list(measurement.tags))
        return f"{quote_name(key)} {self.one('=', '!=')} {quote_string(measurement.tags[key][0])}"

    def about_field(self, measurement: Measurement) -> str:
        name, kind = self.random.choice(list(measurement.fields.items()))
        if kind in NUMBERS:
            return self._about_number(measurement, name, kind)
        field = quote_name(name)
        if self.chance(0.1):
            return f"{field} {self.one('=', '!=')} {quote_name(self.random.choice(measurement.of(kind)))}"
        if kind == "boolean":
            return f"{field} {self.one('=', '!=')} {self.one('true', 'false')}"
        if self.chance(0.3):
            return f"{field} {self.one('=~', '!~')} /[xq]/"
        return f"{field} {self.one('=', '!=')} {quote_string(self.one('x', 'y'))}"

    def _about_number(self, measurement: Measurement, name: str, kind: str) -> str:
        field, op = quote_name(name), self.one("=", "!=", "<", "<=", ">", ">=")
        if self.chance(0.15):
            # Of a field alone: of what stands within arithmetic there InfluxDB knows nothing.
            return f"{self.one(*_MATH).format(field)} {op} {self.random.choice((-1, 0, 1.5, 3, 40))}"
        if kind != "float":
            if self.chance(0.2):
                field += self.one(" + 5", " - 5", " * 5", " / 5", " % 5", " & 5", " | 5", " ^ 5")
            return f"{field} {op} {self.random.choice((self.random.randint(-20, 40), 1.5))}"
        if self.chance(0.25):
            return f"{field} * 2 {op} {self.random.randint(-50, 50)}"
        if self.chance(0.2):
            return f"{field} {op} {self.field(measurement, 'float')}"
        return f"{field} {op} {self.random.choice((self.random.randint(-20, 20), 1.5))}"

    def condition(self, measurement: Measurement, depth: int = 0) -> str:
        part = self.about_tag if self.chance(0.6) else self.about_field
        text = part(measurement)
        if depth < 2 and self.chance(0.35):
            text = f"({text} {self.one('AND', 'OR')} {self.condition(measurement, depth + 1)})"
        return text

    def range(self, most_s: int = SPAN_S) -> str:
        """Two bounds of time, no more than `most_s` seconds apart."""
        first = self.random.randint(-30, SPAN_S - 60)
        last = self.random.randint(first + 20, min(first + 20 + most_s, SPAN_S + 60))
        start, day = self._schema.start, self._schema.day
        low, high = start + first * SECOND, start + last * SECOND
        form = self.one("{}", "{}ns", "'text'", "ms", "=")
        if form == "'text'":
            moment = (start - self._schema.midnight) // SECOND
            return f"time >= '{day}' + {moment + first}s AND time < '{day}T00:00:00Z' + {moment + last}s"
        if form == "ms":
            return f"time >= {low // 1_000_000}ms AND time <= {high // 1_000_000}ms - 1ns"
        if form == "=" and self.chance(0.3):
            return f"{low} <= time AND {high} > time"
        form = form.replace("=", "{}")
        return f"time {self.one('>', '>=')} {form.format(low)} AND time < {form.format(high)}"

    def round_range(self, step_s: int) -> str:
        """Two bounds of time at which windows of so many seconds begin and end."""
        first = self.random.randrange(0, SPAN_S - 60, step_s)
        low, high = (self._schema.start + at * SECOND for at in (first, first + 6 * step_s))
        return f"time >= {low} AND time < {high}"

    def where(self, measurement: Measurement, *, ranged: bool, most_s: int = SPAN_S) -> str:
        """`ranged`: with bounds of time in any case."""
        parts = [self.range(most_s)] if ranged or self.chance(0.4) else []
        if not parts and self.chance(0.1):
            # A lower bound that moves would be the time of an aggregate.
            parts.append(self.one("time < now()", "time >= '1960-01-01' AND time < now() + 1h"))
        if self.chance(0.45):
            parts.append(self.condition(measurement))
        self.random.shuffle(parts)
        return f" WHERE {' AND '.join(parts)}" if parts else ""

    def tail(self, *, grouped: bool = False) -> str:
        """Order and counts; of series only where there is more than one, which are `grouped` then."""
        text = " ORDER BY time DESC" if self.chance(0.15) else " ORDER BY time" if self.chance(0.05) else ""
        if self.chance(0.25):
            text += f" LIMIT {self.random.randint(1, 5)}"
            text += f" OFFSET {self.random.randint(1, 3)}" if self.chance(0.4) else ""
        if grouped and self.chance(0.25):
            text += f" SLIMIT {self.random.randint(1, 2)}" + (" SOFFSET 1" if self.chance(0.4) else "")
        return text

    def groups(self, measurement: Measurement) -> str:
        """What stands behind GROUP BY, or nothing."""
        if self.chance(0.5):
            return ""
        if self.chance(0.2):
            return self.one("*", "/./", "/^[a-h]/")
        count = min(len(measurement.tags), self.random.choice((1, 1, 2)))
        return ", ".join(quote_name(key) for key in self.random.sample(list(measurement.tags), count))

    def group_by(self, measurement: Measurement) -> str:
        group = self.groups(measurement)
        return f" GROUP BY {group}" if group else ""

    def time(self) -> str:
        """`time(...)`."""
        interval = self.one("7s", "10s", "30s", "1m", "90s", "1h", "1d", "1500ms", "1w", "1m30s")
        return f"time({interval}{self.one('', '', '', ', 3s', ', -4s', ', 1d')})"

    def fill(self) -> str:
        return self.one("", "", *FILLS)

    def zone(self) -> str:
        return f" tz('{self.one(*ZONES)}')" if self.chance(0.1) else ""
