"""What a rollup is: read from the configuration, checked, and made into a SELECT without bounds of time. Pure.

A window's rows depend on the points of that window alone; whatever would look beyond it is refused here, with the
reason. Called when the configuration is read, so `tocsin check` says everything that is wrong before a start does.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final

from foundation.decoding import nearest
from influxql.ast import (
    Binary,
    Call,
    DurationLiteral,
    Expr,
    Field,
    Fill,
    FillKind,
    Measurement,
    Paging,
    Paren,
    RegexLiteral,
    Select,
    TimeLiteral,
    VarRef,
    Wildcard,
)
from influxql.check import check_fields
from influxql.conditions import TimeRange, split_condition
from influxql.errors import ParseError, QueryError
from influxql.functions import AGGREGATES, MATH, REFUSED, TRANSFORMATIONS
from influxql.names import named_in
from influxql.parser import parse_one
from influxql.plan import frame_select
from influxql.printer import print_expr, print_statement
from influxql.window import Window

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_MOMENTS: Final = (10**18, 10**18 + 12_345)
"""Two at which every definition must mean the same."""
_BEYOND: Final[Mapping[str, str]] = {
    "integral": "joins the points of a window with those of the next",
    "sample": "picks other points each time",
    **dict.fromkeys(("distinct", "top", "bottom"), "gives several rows for one window"),
}
"""Aggregates of InfluxQL whose answer is not one row that the window's own points decide."""
_ROLLED: Final = frozenset(AGGREGATES) - frozenset(_BEYOND)


@dataclass(frozen=True, slots=True, kw_only=True)
class RollupTarget:
    """Where the rows go: another bucket, or another `measurement` than the source's, whose name it has by default.

    The measurement belongs to its rollup: what stands in a window that is rolled is replaced.
    """

    bucket: str
    measurement: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RollupConfig:
    """A continuous query: a row of aggregates for each window and series, kept right as lines arrive (docs/rollups.md).

    Either `query` (`SELECT mean(f) AS f FROM m GROUP BY time(1m), tag`), or its parts: `measurement`, `window`,
    `aggregates` (field of the target to InfluxQL: `p95: percentile(duration_ms, 95)`) and the `tags` to group by, all
    unless they are named. `bucket` is the source's.
    """

    name: str
    bucket: str = "telemetry"
    query: str = ""
    measurement: str = ""
    window: timedelta = timedelta()
    aggregates: Mapping[str, str] = field(default_factory=dict)
    tags: tuple[str, ...] = ("*",)
    target: RollupTarget

    def __post_init__(self) -> None:
        """Refuse what cannot be rolled up."""
        _ = read_rollup(self)


@dataclass(frozen=True, slots=True)
class Place:
    """A measurement of a bucket."""

    bucket: str
    measurement: str

    def __str__(self) -> str:
        return f"{self.bucket}/{self.measurement}"


@dataclass(frozen=True, slots=True)
class Rollup:
    """`select` has neither bounds of time nor a fill of empty windows; `window` is its GROUP BY time()."""

    name: str
    source: Place
    target: Place
    select: Select
    window: Window

    @property
    def definition(self) -> str:
        """Changes when the rows of the target would."""
        return f"{self.source} -> {self.target}: {print_statement(self.select)}"

    @property
    def reads(self) -> tuple[str, ...]:
        """The fields of the source that are aggregated, sorted; empty where they are chosen by a pattern."""
        aggregated = [item.expr for item in self.select.fields]
        if any(_chooses(expr) for expr in aggregated):
            return ()
        return tuple(sorted({ref.name for expr in aggregated for ref in named_in(expr)}))

    def bounded(self, first: int, last: int) -> Select:
        """The SELECT over the moments of [first, last)."""
        since, until = Binary(">=", VarRef("time"), TimeLiteral(first)), Binary("<", VarRef("time"), TimeLiteral(last))
        bounds = Binary("AND", since, until)
        wish = self.select.condition
        return replace(self.select, condition=bounds if wish is None else Binary("AND", Paren(wish), bounds))


def read_rollup(config: RollupConfig) -> Rollup:
    """What the configuration means. Raises ValueError with what is wrong and how to mend it."""
    if not _NAME.fullmatch(config.name):
        raise ValueError(f"name is 1 to 64 letters, digits, `_`, `-` or `.`, not {config.name!r}")
    try:
        select = parse_one(config.query) if config.query else _put_together(config)
        source = _source(select, config)
        window = _window(select)
        for item in select.fields:
            _check(item.expr)
        _ = check_fields(select, has_interval=True)
    except ParseError as error:
        raise ValueError(f"{'query' if config.query else 'aggregates'}: {error}") from error
    except QueryError as error:
        raise ValueError(f"query: {error}") from error
    target = Place(config.target.bucket, config.target.measurement or source.measurement)
    return Rollup(config.name, source, target, replace(select, fill=Fill(FillKind.NONE)), window)


def read_rollups(configs: Sequence[RollupConfig]) -> tuple[Rollup, ...]:
    """All of them, each behind those that feed it. Raises ValueError where they do not fit each other."""
    rollups = [read_rollup(config) for config in configs]
    for index, one in enumerate(rollups):
        for other in rollups[:index]:
            if one.name == other.name:
                raise ValueError(f"rollups: name {one.name!r} is given to two; each needs its own")
            if one.target == other.target:
                both = f"{other.name!r} and {one.name!r}"
                raise ValueError(f"rollups: {both} have the same target {one.target}; give each a measurement")
    return _in_order(rollups)


def _in_order(rollups: Sequence[Rollup]) -> tuple[Rollup, ...]:
    found: list[Rollup] = []
    left = list(rollups)
    while left:
        fed = {one.target for one in left}
        free = [one for one in left if one.source not in fed]
        if not free:
            raise ValueError(f"rollups: {_told_circle(left)}; a rollup must not read what it writes")
        found += free
        left = [one for one in left if one not in free]
    return tuple(found)


def _told_circle(left: Sequence[Rollup]) -> str:
    """The circle, from the first of them that is in it: `'a' feeds itself` or `'a' feeds 'b' feeds 'a'`."""
    feeder = {one.target: one for one in left}
    path = [left[0]]
    while path[-1] not in path[:-1]:
        path.append(feeder[path[-1].source])
    circle = path[path.index(path[-1]) :][::-1]
    if len(circle) == 2:  # noqa: PLR2004 - one rollup, named at both ends
        return f"{circle[0].name!r} feeds itself"
    return " feeds ".join(repr(one.name) for one in circle)


def _put_together(config: RollupConfig) -> Select:
    """The SELECT of a rollup that is given in parts."""
    for key, given in (
        ("measurement", config.measurement),
        ("window", config.window),
        ("aggregates", config.aggregates),
    ):
        if not given:
            raise ValueError(f"{key} is missing; give a query, or measurement, window and aggregates")
    fields = tuple(Field(_expression(name, text), name) for name, text in config.aggregates.items())
    interval = DurationLiteral(config.window // timedelta(microseconds=1) * 1_000)
    tags: list[Expr] = [Wildcard() if name == "*" else VarRef(name) for name in config.tags]
    return Select(fields, (Measurement(config.measurement),), dimensions=(Call("time", (interval,)), *tags))


def _expression(name: str, text: str) -> Expr:
    try:
        select = parse_one(f"SELECT {text} FROM m")  # noqa: S608 - InfluxQL, looked at below and never run
    except ParseError as error:
        raise ValueError(f"aggregates.{name}: {text!r} is no InfluxQL: {error.message}") from error
    if select != Select(select.fields[:1], (Measurement("m"),)) or select.fields[0].alias:
        raise ValueError(f"aggregates.{name}: {text!r} is not one expression, as in mean(f)")
    return select.fields[0].expr


def _source(select: Select, config: RollupConfig) -> Place:
    if config.query and (config.measurement or config.window or config.aggregates or config.tags != ("*",)):
        raise ValueError("query stands alone: leave out measurement, window, aggregates and tags")
    if len(select.sources) != 1 or not isinstance(select.sources[0], Measurement) or not select.sources[0].name:
        raise ValueError("query reads FROM one measurement, by its name; make a rollup for each")
    source = select.sources[0]
    if source.database or source.policy:
        raise ValueError("query names its measurement alone; the bucket stands in `bucket`")
    if select.paging != Paging() or select.descending:
        raise ValueError("query keeps all its rows: leave out ORDER BY, LIMIT, OFFSET, SLIMIT and SOFFSET")
    if select.fill.kind not in (FillKind.NULL, FillKind.NONE):
        raise ValueError(
            f"query has fill({select.fill.kind}); a window without points has no row: fill where the rollup is read"
        )
    return Place(config.bucket, str(source.name))


def _window(select: Select) -> Window:
    """The window of GROUP BY time(). Raises ValueError where the query chooses its time by itself."""
    frame, later = (frame_select(select, moment) for moment in _MOMENTS)
    if frame.window is None:
        raise ValueError("query has no window; add GROUP BY time(1m) or another")
    if (frame.condition, frame.window) != (later.condition, later.window):
        raise ValueError("query depends on now(); a rollup means the same whenever it is made")
    _, bounds = split_condition(select.condition, _MOMENTS[0], select.zone)
    if bounds != TimeRange():
        raise ValueError("query has bounds of time in WHERE; a rollup reads every window: leave them out")
    return frame.window


def _chooses(expr: Expr) -> bool:
    """Whether a call aggregates what `*` or a regex names; neither may stand beside anything else."""
    return isinstance(expr, Call) and any(
        isinstance(arg, Wildcard | RegexLiteral) or _chooses(arg) for arg in expr.args
    )


def _check(expr: Expr) -> None:
    """Raise ValueError unless the expression is one value for a window, decided by its points."""
    match expr:
        case Call(name, args) if name in MATH:
            for arg in args:
                _check(arg)
        case Call():
            _check_call(expr)
        case Binary(_, left, right):
            _check(left)
            _check(right)
        case Paren(inner):
            _check(inner)
        case VarRef() | Wildcard() | RegexLiteral():
            raise ValueError(f"query: {print_expr(expr)} is no aggregate; say which, as in mean({print_expr(expr)})")
        case _:
            pass  # literals


def _check_call(call: Call) -> None:
    name = call.name
    if name in _ROLLED:
        return
    if name in TRANSFORMATIONS:
        raise ValueError(f"query: {name}() cannot be rolled up: it looks at other windows; ask for it of the rollup")
    if name in _BEYOND:
        raise ValueError(f"query: {name}() cannot be rolled up: it {_BEYOND[name]}")
    if name in REFUSED:
        raise ValueError(f"query: {name}() {REFUSED[name]}")
    raise ValueError(f"query: there is no aggregate {name}(){nearest(name, _ROLLED)}")
