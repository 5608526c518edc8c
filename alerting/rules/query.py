"""The InfluxQL of a rule: what is allowed in it, its bounds in time, and the value of each series in an answer. Pure.

`rule` makes a `Question` as it is read; the evaluator asks it at every tick. Rules whose questions are equal share one
query. A query over `over: 5m` at time t sees (t-5m, t].
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from alerting.alert import Labels, labels_of
from foundation.errors import Permanent
from influxql.ast import (
    Binary,
    Call,
    DurationLiteral,
    IntegerLiteral,
    Paren,
    RegexLiteral,
    Select,
    SubQuery,
    VarRef,
    Wildcard,
)
from influxql.errors import ParseError
from influxql.names import walk
from influxql.parser import parse_one
from influxql.printer import print_select
from store.contract import Series, StatementResult, Value

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SINCE, _UNTIL = 1_111_111_111_111_111_111, 2_222_222_222_222_222_222
_NO_BUCKET = "database not found"
_COUNTING = frozenset({"count", "sum"})
_WIDE_CALLS = {"top": 2, "bottom": 2, "distinct": 1, "sample": 2}


class AnswerUnfit(Permanent):
    """The store answered with an error, or with something that is not one number a series."""


class NothingThere(AnswerUnfit):
    """The bucket does not exist: nothing was ever written to it, or it was lost."""


@dataclass(frozen=True, slots=True)
class Question:
    """A rule's query, ready to be asked at any time; equal for rules that can share the answer.

    `parts` is the text around the two bounds of time, in nanoseconds; `select` what it was made of, if known.
    """

    parts: tuple[str, str, str]
    bucket: str
    over: timedelta
    every: timedelta
    select: Select | None = field(default=None, compare=False, repr=False)

    def text(self, at: datetime) -> str:
        """The query for the window (at - over, at]."""
        head, middle, tail = self.parts
        return f"{head}{nanoseconds(at - self.over)}{middle}{nanoseconds(at)}{tail}"


def nanoseconds(at: datetime) -> int:
    """Since 1970."""
    return (at - _EPOCH) // timedelta(microseconds=1) * 1000


def read_query(text: str) -> Select:
    """The SELECT of a rule. Raises ValueError that says what a rule's query may not have."""
    try:
        select = parse_one(text)
    except ParseError as error:
        raise ValueError(str(error)) from error
    _check_value(select)
    if any(isinstance(dimension, Call) for dimension in select.dimensions):
        raise ValueError("GROUP BY time() is not allowed: every evaluation looks at one window, which is `over`")
    _check_time(select)
    return select


def bound(select: Select) -> tuple[str, str, str]:
    """The text of the query in three parts, between which the bounds of time belong."""
    limits = Binary(
        "AND",
        Binary(">", VarRef("time"), IntegerLiteral(_SINCE)),
        Binary("<=", VarRef("time"), IntegerLiteral(_UNTIL)),
    )
    condition = limits if select.condition is None else Binary("AND", Paren(select.condition), limits)
    text = print_select(replace(select, condition=condition))
    # From the right: the outermost WHERE is printed last.
    rest, _, tail = text.rpartition(str(_UNTIL))
    head, _, middle = rest.rpartition(str(_SINCE))
    return head, middle, tail


def counts(select: Select) -> bool:
    """Whether the value is a count or a sum, which is 0 of nothing."""
    expr = select.fields[0].expr
    return isinstance(expr, Call) and expr.name.lower() in _COUNTING


def count_of(select: Select) -> Select:
    """The same query, counting what its value is made of. Raises ValueError where that is no field of its own."""
    if any(isinstance(source, SubQuery) for source in select.sources):
        raise ValueError("min_samples: counts the points of a measurement; a query over a subquery has none of its own")
    named = [part for part in walk(select.fields[0].expr) if isinstance(part, VarRef)]
    if not named:
        raise ValueError("min_samples: the query names no field whose points could be counted")
    return replace(select, fields=(replace(select.fields[0], expr=Call("count", (named[0],)), alias=None),))


def group_keys(select: Select) -> tuple[str, ...] | None:
    """The tags by which the answer is grouped; None where the data decides (`*` or a regex)."""
    if all(isinstance(dimension, VarRef) for dimension in select.dimensions):
        return tuple(dimension.name for dimension in select.dimensions if isinstance(dimension, VarRef))
    return None


def values_of(results: Sequence[StatementResult]) -> Mapping[Labels, float | None]:
    """The newest value of every series in the answer to a rule's query, by the labels of the series; None is a null.

    Raises AnswerUnfit for an error in the answer (NothingThere where it is that there is no such bucket), a value that
    is no number, and series that labels cannot tell apart.
    """
    found: dict[Labels, float | None] = {}
    raise_errors(results)
    for result in results:
        for series in result.series:
            labels = labels_of(series.tags)
            if labels in found:
                told = ", ".join(f"{name}={value}" for name, value in labels) or "no labels"
                raise AnswerUnfit(f"two series with {told}; group by what tells them apart")
            found[labels] = _newest(series)
    return found


def raise_errors(results: Sequence[StatementResult]) -> None:
    """Raise AnswerUnfit for an error in an answer or no answer at all, NothingThere where there is no such bucket."""
    if not results:
        raise AnswerUnfit("the store answered without a result; an empty one would say that there is no data")
    for result in results:
        if result.error is not None:
            raise (NothingThere if result.error.startswith(_NO_BUCKET) else AnswerUnfit)(result.error)


def number_of(value: Value, column: str) -> float | None:
    """A value as a number; None is none. Raises AnswerUnfit for a text."""
    if isinstance(value, str):
        raise AnswerUnfit(f"{column} is text ({value[:40]!r}); a threshold needs a number")
    if value is None:
        return None
    number = float(value)
    return number if number == number else None  # noqa: PLR0124 - NaN is no value


def _newest(series: Series) -> float | None:
    if len(series.columns) != 2:  # noqa: PLR2004 - time and the value
        raise AnswerUnfit(f"expected the columns time and one value, found {', '.join(series.columns)}")
    if not series.values:
        return None
    # Rows come in order of time; DESC turns them round.
    first, last = series.values[0], series.values[-1]
    row = first if _time(first) > _time(last) else last
    return number_of(row[1], series.columns[1])


def _time(row: Sequence[Value]) -> int:
    return row[0] if isinstance(row[0], int) else 0


def _check_value(select: Select) -> None:
    if len(select.fields) != 1:
        raise ValueError(f"selects {len(select.fields)} columns; a rule needs exactly one value")
    expr = select.fields[0].expr
    if any(isinstance(part, Wildcard | RegexLiteral) for part in walk(expr)):
        raise ValueError("selects by a wildcard or regex; a rule needs exactly one value: name the field")
    if isinstance(expr, VarRef) and expr.name == "time":
        raise ValueError("selects time alone; a rule needs exactly one value")
    for part in walk(expr):
        if isinstance(part, Call) and len(part.args) > _WIDE_CALLS.get(part.name.lower(), len(part.args)):
            raise ValueError(f"{part.name}() with a tag adds a column; a rule needs exactly one value: use GROUP BY")


def _check_time(select: Select) -> None:
    """No bounds of time, in subqueries neither: the bounds of the whole reach down to them."""
    if select.condition is not None and any(
        (isinstance(part, VarRef) and part.name.lower() == "time")
        or isinstance(part, DurationLiteral)
        or (isinstance(part, Call) and part.name.lower() == "now")
        for part in walk(select.condition)
    ):
        raise ValueError("bounds time itself; leave that out, the evaluator adds the bounds from `over`")
    for source in select.sources:
        if isinstance(source, SubQuery):
            _check_time(source.select)
