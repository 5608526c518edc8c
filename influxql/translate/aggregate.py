"""A call as columns of a grouped SELECT, and how to read its value from them.

Every aggregate is one or two SQL columns over the rows of a group. `ABSENT` says that the group holds no point for the
call, which is not the same as a point that is no number (stddev of one value): that becomes null in the answer only.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from foundation.batch import FieldType
from influxql.arithmetic import wrap
from influxql.ast import Call
from influxql.translate.percentile import Percentiles

Read = Callable[[Sequence[Any]], Any]

ABSENT: Final = object()
"""No point: the aggregate has nothing to say about this group."""


@dataclass(frozen=True, slots=True)
class Aggregate:
    """SQL columns for one call, and the value that a row of them means."""

    columns: tuple[str, ...]
    read: Read


def aggregate_sql(call: Call, argument: str, kind: FieldType, *, one_series: bool = False) -> Aggregate:
    """`call`, which is not percentile(), over the SQL expression `argument`, which is of type `kind`.

    `one_series`: every group is one series, so that no two of its points have the same time. That is cheaper.
    """
    if one_series and call.name in _ENDS:
        return Aggregate((_at_end(call, argument, argument),), read_one)
    if call.name in ("sum", "mean"):
        return _sum(call.name, argument, kind)
    return _SIMPLE[call.name](argument, kind)


def holds_values(call: Call) -> bool:
    """Whether `call` is worked out of all values of a group, which are held until the last one has come."""
    return call.name in ("median", "percentile") or isinstance(call.args[0], Call)


def company_sql(column: str) -> str:
    """What had better be asked beside one lone column of windows that nothing else groups; nobody reads it.

    DuckDB takes half as long again for one aggregate of very many rows as for two. Of two that count it makes one.
    """
    return "min(0)" if column.startswith("count(") else "count(*)"


def value_sql(call: Call, argument: str, kind: FieldType, *, one_series: bool = False) -> str | None:
    """The value of `call` as one column, null where there is no point; None where it takes more than SQL to tell it."""
    if call.name not in _SIMPLE and call.name not in ("sum", "mean"):
        return None
    if isinstance(call.args[0], Call):
        return None
    aggregate = aggregate_sql(call, argument, kind, one_series=one_series)
    if aggregate.read is _read_count:
        return f"nullif({aggregate.columns[0]}, 0)"
    return aggregate.columns[0] if aggregate.read is read_one else None


def percentile_sql(argument: str, percent: float, among: Percentiles, fractions: str) -> Aggregate:
    """percentile() over `argument`; `fractions` is the placeholder that stands for those of `among`."""

    def read(row: Sequence[Any]) -> Any:
        value = among.pick(row[0], row[1], percent) if row[1] else None
        return ABSENT if value is None else value

    return Aggregate((f"quantile_disc({argument}, {fractions})", f"count({argument})"), read)


def selector_sql(call: Call, argument: str, carried: Sequence[str], *, one_series: bool = False) -> str:
    """The point that a lone selector picks, as a struct: v, t and c0, c1, ... (columns carried along).

    Not that of percentile(). Among equals max and min take the earlier point, first and last the larger value. v is
    null, or the whole struct, where there is no point. `one_series`: as in aggregate_sql.
    """
    if one_series and call.name in _ENDS:
        parts = [f"v := {_at_end(call, argument, argument)}", f"t := {_at_end(call, 'time', argument)}"]
        parts += [f"c{index} := {_at_end(call, sql, argument)}" for index, sql in enumerate(carried)]
        return f"struct_pack({', '.join(parts)})"
    rest = "".join(f", c{index} := {sql}" for index, sql in enumerate(carried))
    present = f"FILTER (WHERE {argument} IS NOT NULL)"
    by_name = {
        "max": f"max(struct_pack(v := {argument}, k := -time, t := time{rest}))",
        "min": f"min(struct_pack(v := {argument}, t := time{rest}))",
        "first": f"max(struct_pack(k := -time, v := {argument}, t := time{rest}))",
        "last": f"max(struct_pack(t := time, v := {argument}{rest}))",
    }
    return f"{by_name[call.name]} {present}"


def _at_end(call: Call, column: str, argument: str) -> str:
    """`column` at the first or last time that `argument` has a value."""
    return f"{_ENDS[call.name]}({column}, time) FILTER (WHERE {argument} IS NOT NULL)"


def _sum(name: str, argument: str, kind: FieldType) -> Aggregate:
    if kind is FieldType.FLOAT:
        return Aggregate((f"{'avg' if name == 'mean' else 'sum'}({argument})",), read_one)
    columns = (f"sum({argument})", f"count({argument})")
    if name == "sum":
        return Aggregate(columns[:1], lambda row: ABSENT if row[0] is None else wrap(int(row[0]), kind))
    return Aggregate(columns, lambda row: wrap(int(row[0]), kind) / row[1] if row[1] else ABSENT)


def read_one(row: Sequence[Any]) -> Any:
    """The only column's value."""
    return ABSENT if row[0] is None else row[0]


def _read_count(row: Sequence[Any]) -> Any:
    return row[0] or ABSENT


def _spread(argument: str, kind: FieldType) -> Aggregate:
    columns = (f"max({argument})", f"min({argument})")
    return Aggregate(columns, lambda row: ABSENT if row[0] is None else wrap(row[0] - row[1], kind))


def _stddev(argument: str, _: FieldType) -> Aggregate:
    columns = (f"stddev_samp({argument})", f"count({argument})")
    return Aggregate(columns, lambda row: ABSENT if not row[1] else math.nan if row[0] is None else row[0])


def _simple(template: str, read: Read = read_one) -> Callable[[str, FieldType], Aggregate]:
    return lambda argument, _: Aggregate((template.format(argument),), read)


_ENDS: Final = {"first": "arg_min_null", "last": "arg_max_null"}

_PICK = "struct_extract(max(struct_pack({} := {}time, v := {{0}})) FILTER (WHERE {{0}} IS NOT NULL), 'v')"
"""The value alone leaves the database: a struct would become a dict for every row."""

_SIMPLE: Final[dict[str, Callable[[str, FieldType], Aggregate]]] = {
    "count": _simple("count({0})", _read_count),
    "count distinct": _simple("count(DISTINCT {0})", _read_count),
    "min": _simple("min({0})"),
    "max": _simple("max({0})"),
    "median": _simple("median({0})"),
    "first": _simple(_PICK.format("k", "-")),
    "last": _simple(_PICK.format("k", "")),
    "spread": _spread,
    "stddev": _stddev,
}
