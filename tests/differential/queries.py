"""Random queries over a schema, from the whole grammar that the embedded store answers."""

# ruff: noqa: S608 - InfluxQL of our own making, for stores that hold nothing else

from __future__ import annotations

from random import Random
from typing import Final

from influxql.literals import quote_name, quote_string
from tests.differential.schema import SECOND, SPAN_S, START, Measurement, Schema

_NUMBERS: Final = ("float", "integer", "unsigned")
_MEANS: Final = ("mean", "sum", "median", "spread", "stddev", "count", "min", "max", "first", "last")
_ENDS: Final = ("first", "last", "count")
_STEPS: Final = (
    "derivative({})",
    "derivative({}, 10s)",
    "non_negative_derivative({})",
    "difference({})",
    "non_negative_difference({})",
    "cumulative_sum({})",
    "moving_average({}, 2)",
    "moving_average({}, 3)",
    "elapsed({})",
    "elapsed({}, 1s)",
)
_MATH: Final = ("abs({})", "floor({})", "ceil({})", "round({})", "sqrt({})", "sin({})", "atan({})", "pow({}, 2)")
_WILD: Final = ("mean(*)", "count(*)", "last(*)", "max(/./)", "*::field", "*::tag, *::field", "sum(/[a-z]/)")
_SHOWS: Final = (
    "SHOW MEASUREMENTS",
    "SHOW FIELD KEYS",
    "SHOW FIELD KEYS FROM {m}",
    "SHOW TAG KEYS",
    "SHOW TAG KEYS FROM {m}",
    "SHOW TAG KEYS FROM {m} WHERE {t}",
    "SHOW TAG VALUES FROM {m} WITH KEY = {k}",
    "SHOW TAG VALUES WITH KEY =~ /./ LIMIT 3",
    "SHOW TAG VALUES WITH KEY = {k} WHERE {t}",
    "SHOW SERIES",
    "SHOW SERIES FROM {m} WHERE {t}",
    "SHOW SERIES LIMIT 2 OFFSET 1",
    "SHOW SERIES EXACT CARDINALITY",
    "SHOW SERIES EXACT CARDINALITY FROM {m} WHERE {t}",
    "SHOW MEASUREMENT EXACT CARDINALITY",
    "SHOW TAG KEY EXACT CARDINALITY",
    "SHOW TAG VALUES EXACT CARDINALITY WITH KEY = {k}",
    "SHOW TAG VALUES EXACT CARDINALITY FROM {m} WITH KEY != {k}",
    "SHOW FIELD KEY EXACT CARDINALITY FROM {m}",
)


class Queries:
    """Makes queries over `schema`, one after the other."""

    def __init__(self, schema: Schema, random: Random) -> None:
        self._schema = schema
        self._random = random

    def make(self) -> str:
        """One query."""
        makers = (
            (self._raw, 20),
            (self._aggregate, 24),
            (self._windows, 32),
            (self._step, 14),
            (self._ranked, 8),
            (self._integral, 4),
            (self._subquery, 14),
            (self._show, 8),
            (self._wild, 6),
            (self._wrong, 4),
        )
        (maker,) = self._random.choices([one for one, _ in makers], [weight for _, weight in makers])
        return maker()

    def _pick(self) -> Measurement:
        return self._random.choice(self._schema.measurements)

    def _chance(self, share: float) -> bool:
        return self._random.random() < share

    def _field(self, measurement: Measurement, *kinds: str) -> str:
        """A field of these types, quoted; rarely one that is not there."""
        if self._chance(0.03):
            return "nosuch"
        return quote_name(self._random.choice(measurement.of(*kinds) or measurement.of("float")))

    def _tag(self, measurement: Measurement) -> str:
        return quote_name("nosuch" if self._chance(0.03) else self._random.choice(list(measurement.tags)))

    def _about_tag(self, measurement: Measurement) -> str:
        key = self._random.choice(list(measurement.tags))
        values = measurement.tags[key]
        value = self._random.choice((*values, values[0], "", "zz"))
        op = self._random.choice(("=", "!=", "=", "!=", "=~", "!~", "<", ">"))
        if op in ("=~", "!~"):
            return f"{quote_name(key)} {op} /{self._random.choice(('a', '^a$', 'a|b', '^$', '[a-x]', '.'))}/"
        return f"{quote_name(key)} {op} {quote_string(value)}"

    def _equality(self, measurement: Measurement) -> str:
        """What a SHOW may ask for: InfluxDB takes no other comparison there, and `!~` means another thing."""
        key = self._random.choice(list(measurement.tags))
        return f"{quote_name(key)} {self._random.choice(('=', '!='))} {quote_string(measurement.tags[key][0])}"

    def _about_field(self, measurement: Measurement) -> str:
        name, kind = self._random.choice(list(measurement.fields.items()))
        field, op = quote_name(name), self._random.choice(("=", "!=", "<", "<=", ">", ">="))
        match kind:
            case "string":
                if self._chance(0.3):
                    return f"{field} {self._random.choice(('=~', '!~'))} /[xq]/"
                return f"{field} {self._random.choice(('=', '!='))} {quote_string(self._random.choice('xy'))}"
            case "boolean":
                return f"{field} {self._random.choice(('=', '!='))} {self._random.choice(('true', 'false'))}"
            case "float" if self._chance(0.3):
                return f"{field} * 2 {op} {self._random.randint(-50, 50)}"
            case "unsigned":
                return f"{field} {op} {self._random.randint(0, 40)}"
            case _:
                return f"{field} {op} {self._random.choice((self._random.randint(-20, 20), 1.5))}"

    def _condition(self, measurement: Measurement) -> str:
        part = self._about_tag if self._chance(0.6) else self._about_field
        text = part(measurement)
        if self._chance(0.35):
            text = f"{text} {self._random.choice(('AND', 'OR'))} {self._about_tag(measurement)}"
            text = f"({text})"
        return text

    def _range(self) -> str:
        first = self._random.randint(-30, SPAN_S - 60)
        last = self._random.randint(first + 20, SPAN_S + 60)
        low, high = START + first * SECOND, START + last * SECOND
        form = self._random.choice(("{}", "{}ns", "'text'"))
        if form == "'text'":
            return f"time >= '2026-01-08' + {first}s AND time < '2026-01-08T00:00:00Z' + {last}s"
        return f"time {self._random.choice(('>', '>='))} {form.format(low)} AND time < {form.format(high)}"

    def _where(self, measurement: Measurement, *, ranged: bool) -> str:
        parts = [self._range()] if ranged or self._chance(0.4) else []
        if self._chance(0.45):
            parts.append(self._condition(measurement))
        self._random.shuffle(parts)
        return f" WHERE {' AND '.join(parts)}" if parts else ""

    def _tail(self, *, slimit: bool = False) -> str:
        text = " ORDER BY time DESC" if self._chance(0.15) else ""
        if self._chance(0.25):
            text += f" LIMIT {self._random.randint(1, 5)}"
            text += f" OFFSET {self._random.randint(1, 3)}" if self._chance(0.4) else ""
        if slimit and self._chance(0.1):
            text += f" SLIMIT {self._random.randint(1, 2)}" + (" SOFFSET 1" if self._chance(0.4) else "")
        return text

    def _tags(self, measurement: Measurement) -> str:
        """What stands behind GROUP BY, or nothing."""
        if self._chance(0.5):
            return ""
        if self._chance(0.15):
            return self._random.choice(("*", "/./", "/^[a-h]/"))
        return ", ".join(quote_name(key) for key in self._random.sample(list(measurement.tags), 1))

    def _raw(self) -> str:
        m = self._pick()
        columns = [self._field(m, *_NUMBERS, "string", "boolean") for _ in range(self._random.randint(1, 3))]
        if self._chance(0.4):
            columns.append(self._tag(m))
        if self._chance(0.3):
            one, other = self._field(m, "float"), self._field(m, "float", "integer")
            columns.append(f"{one} {self._random.choice('+-*/%')} {other}")
        if self._chance(0.2):
            columns.append(self._random.choice(_MATH).format(self._field(m, "float")))
        if self._chance(0.15):
            columns[0] += " AS renamed"
        if self._chance(0.1):
            columns = ["*"]
        group = self._tags(m)
        by = f" GROUP BY {group}" if group else ""
        return f"SELECT {', '.join(columns)} FROM {quote_name(m.name)}{self._where(m, ranged=False)}{by}{self._tail()}"

    def _call(self, measurement: Measurement) -> str:
        if self._chance(0.2):
            name = self._random.choice(_ENDS)
            return f"{name}({self._field(measurement, *_NUMBERS, 'string', 'boolean')})"
        field = self._field(measurement, *_NUMBERS)
        if self._chance(0.1) and measurement.of("boolean"):
            # Of numbers that come equally often an unstable sort picks one in InfluxDB.
            return f"mode({quote_name(self._random.choice(measurement.of('boolean')))})"
        if self._chance(0.15):
            return f"percentile({self._field(measurement, 'float')}, {self._random.choice((5, 50, 90, 99.5, 100))})"
        if self._chance(0.08):
            return f"count(distinct({field}))"
        return f"{self._random.choice(_MEANS)}({field})"

    def _calls(self, measurement: Measurement) -> str:
        calls = [self._call(measurement) for _ in range(self._random.choice((1, 1, 1, 2, 3)))]
        if self._chance(0.2):
            field = self._field(measurement, "float")
            calls.append(f"{self._random.choice(('max', 'mean'))}({field}) {self._random.choice('+-*/')} 2")
        if self._chance(0.1):
            field = self._field(measurement, "float")
            calls.append(f"max({field}) - min({field}) AS width")
        return ", ".join(calls)

    def _aggregate(self) -> str:
        m = self._pick()
        kind = self._random.random()
        if kind < 0.1:
            columns = f"distinct({self._field(m, *_NUMBERS, 'string', 'boolean')})"
        elif kind < 0.25:
            name = self._random.choice(("max", "min", "first", "last"))
            columns = f"{name}({self._field(m, 'float')}), {self._tag(m)}, {self._field(m, *_NUMBERS, 'string')}"
        else:
            columns = self._calls(m)
        group = self._tags(m)
        by = f" GROUP BY {group}" if group else ""
        return f"SELECT {columns} FROM {quote_name(m.name)}{self._where(m, ranged=False)}{by}{self._tail(slimit=True)}"

    def _time(self) -> str:
        interval = self._random.choice(("7s", "10s", "30s", "1m", "90s", "1h", "1d", "1500ms"))
        offset = self._random.choice(("", "", "", ", 3s", ", -4s"))
        return f"time({interval}{offset})"

    def _fill(self) -> str:
        return self._random.choice(
            ("", "", " fill(none)", " fill(null)", " fill(previous)", " fill(linear)", " fill(0)")
        )

    def _windows(self) -> str:
        m = self._pick()
        group = self._tags(m)
        by = f"{self._time()}, {group}" if group else self._time()
        alone = self._chance(0.5)
        columns = self._call(m) if alone else self._calls(m)
        if "percentile" in columns:
            # What lacks it in a group's first window gets windows twice from InfluxDB.
            columns, alone = f"median({self._field(m, 'float')})", True
        fill, tail = self._fill(), self._tail()
        # InfluxDB limits each call by itself: where one lacks windows, more rows come than LIMIT says.
        if fill == " fill(linear)":
            # Between unsigned numbers that fall InfluxDB wraps around.
            columns = f"{self._random.choice(('mean', 'max', 'first'))}({self._field(m, 'float', 'integer')})"
        # A column of nothing is 0 or null under fill(0), by what stands beside it.
        fill = "" if fill == " fill(0)" and "nosuch" in columns else fill
        tail = tail if alone or fill != " fill(none)" else ""
        zone = " tz('Europe/Berlin')" if self._chance(0.1) else ""
        where = self._where(m, ranged=True)
        return f"SELECT {columns} FROM {quote_name(m.name)}{where} GROUP BY {by}{fill}{tail}{zone}"

    def _step(self) -> str:
        m = self._pick()
        step = self._random.choice(_STEPS)
        field = self._field(m, "float", "integer")
        name, tail = quote_name(m.name), self._tail()
        if self._chance(0.4):
            group = self._tags(m)
            by = f" GROUP BY {group}" if group else ""
            return f"SELECT {step.format(field)} FROM {name}{self._where(m, ranged=False)}{by}{tail}"
        inner = f"{self._random.choice(('mean', 'sum', 'max', 'count', 'last'))}({field})"
        group = self._tags(m)
        by = f"{self._time()}, {group}" if group else self._time()
        fill = self._random.choice(("", "", " fill(none)", " fill(0)", " fill(previous)"))
        return f"SELECT {step.format(inner)} FROM {name}{self._where(m, ranged=True)} GROUP BY {by}{fill}{tail}"

    def _ranked(self) -> str:
        m = self._pick()
        call, field = self._random.choice(("top", "bottom", "sample")), self._field(m, "float")
        if call == "sample":
            # All there are: which ones a smaller sample draws is chance.
            columns = f"sample({field}, 10000)"
        elif self._chance(0.3):
            columns = f"{call}({field}, {self._tag(m)}, {self._random.randint(1, 3)})"
        else:
            columns = f"{call}({field}, {self._random.randint(1, 5)})"
        by = f" GROUP BY {self._time()}" if self._chance(0.4) else ""
        return f"SELECT {columns} FROM {quote_name(m.name)}{self._where(m, ranged=bool(by))}{by}"

    def _integral(self) -> str:
        m = self._pick()
        unit = self._random.choice(("", ", 1m", ", 500ms"))
        columns = f"integral({self._field(m, 'float')}{unit})"
        by = f" GROUP BY {self._time()}" if self._chance(0.6) else ""
        return f"SELECT {columns} FROM {quote_name(m.name)}{self._where(m, ranged=bool(by))}{by}"

    def _subquery(self) -> str:
        m = self._pick()
        field, name = self._field(m, "float"), quote_name(m.name)
        call = self._random.choice(("mean", "max", "sum", "count", "last"))
        outer = self._random.choice(("mean", "max", "sum", "count", "min"))
        form = self._random.random()
        if form < 0.3:
            inner = f"SELECT {call}({field}) AS x FROM {name}{self._where(m, ranged=False)} GROUP BY {self._tag(m)}"
            return f"SELECT {outer}(x) FROM ({inner})"
        if form < 0.55:
            inner = f"SELECT {call}({field}) AS x FROM {name}{self._where(m, ranged=True)} GROUP BY {self._time()}"
            columns = self._random.choice((f"{outer}(x)", "x", "difference(x)"))
            return f"SELECT {columns} FROM ({inner})"
        if form < 0.8:
            inner = f"SELECT {field} AS x, {self._field(m, 'float')} AS y FROM {name}"
            return f"SELECT {outer}(x) FROM ({inner}) WHERE {self._range()} GROUP BY {self._time()} fill(none)"
        inner = f"SELECT {field} AS x FROM {name}{self._where(m, ranged=False)}"
        return f"SELECT x FROM ({inner}) WHERE x > 0{self._tail()}"

    def _show(self) -> str:
        m = self._pick()
        return self._random.choice(_SHOWS).format(m=quote_name(m.name), k=self._tag(m), t=self._equality(m))

    def _wild(self) -> str:
        m = self._pick()
        columns = self._random.choice(
            ("mean(*)", "count(*)", "last(*)", "max(/./)", "*::field", "*::tag, *::field", "sum(/[a-z]/)")
        )
        source = self._random.choice((quote_name(m.name), "/./", "nosuch"))
        if source == "/./":
            # InfluxDB gives a field of several types one of them before it compares.
            return f"SELECT {columns} FROM {source} WHERE {self._range()} AND {self._about_tag(m)}"
        return f"SELECT {columns} FROM {source}{self._where(m, ranged=False)}"

    def _wrong(self) -> str:
        m = self._pick()
        text, number, name = self._field(m, "string"), self._field(m, "float"), quote_name(m.name)
        tag = self._tag(m)
        return self._random.choice(
            (
                f"SELECT mean({number}), {number} FROM {name}",
                f"SELECT {number} FROM {name} GROUP BY time(1m)",
                f"SELECT derivative(mean({number})) FROM {name}",
                f"SELECT nosuch({number}) FROM {name}",
                f"SELECT top({number}, 0) FROM {name}",
                f"SELECT percentile({number}) FROM {name}",
                f"SELECT sample({number}, 1.5) FROM {name}",
                f"SELECT integral({number}, 1) FROM {name}",
                f"SELECT {number} + FROM {name}",
                f"SELECT {number} FROM {name} WHERE {tag} =",
                f"SELECT {number} FROM {name} WHERE time > 'soon'",
                f"SELECT {number} FROM {name} LIMIT x",
                f"SELECT {text} + {number} FROM {name}",
                f"SELECT mean({number}) FROM {name} GROUP BY time(10s, {number})",
                f"SELECT moving_average({number}, 1) FROM {name}",
                f"SELECT FROM {name}",
            )
        )
