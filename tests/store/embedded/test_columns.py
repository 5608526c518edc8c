"""Expressions over whole columns come to what they come to row by row."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from foundation.batch import FieldType
from influxql.arithmetic import compile_column
from influxql.ast import Binary, Call, Expr, Fill, FillKind, IntegerLiteral, NumberLiteral, Paging, Paren, VarRef
from influxql.conditions import TimeRange
from influxql.plan import Plan
from influxql.typing import type_of
from influxql.window import Window
from store.column import NumberColumn
from store.embedded.calculation import calculate_totals, calculate_windows
from store.embedded.columns import column_series, column_totals
from store.embedded.fill import fill_windows
from store.embedded.recent.grid import Grid
from store.embedded.recent.panes import Pane
from store.embedded.recent.rows import Values
from store.embedded.schema import Table
from store.embedded.source import Source

WHOLE = st.sampled_from([0, 1, -1, 3, 10**15, 2**62, 2**63 - 1, -(2**63), None])
FLOATS = st.sampled_from([0.0, -0.0, 1.5, -2.25, 1e-300, 5e-324, 1e100, None])
CALLS = {
    Call("max", (VarRef("i", "integer"),)): (np.int64, WHOLE),
    Call("min", (VarRef("j", "integer"),)): (np.int64, WHOLE),
    Call("mean", (VarRef("f", "float"),)): (np.float64, FLOATS),
}
LEAVES: st.SearchStrategy[Expr] = st.sampled_from(
    [*CALLS, *CALLS, IntegerLiteral(2), IntegerLiteral(0), NumberLiteral(0.0), NumberLiteral(2.5)]
)
EXPRESSIONS = st.recursive(
    LEAVES,
    lambda inner: st.builds(Binary, st.sampled_from("+-*/"), inner, inner) | st.builds(Paren, inner),
    max_leaves=5,
)


def plan_of(expr: Expr) -> Plan:
    """A SELECT of one expression by windows of a second, nothing filled."""
    return Plan(
        columns=("time", "x"),
        exprs=(expr,),
        kinds=(FieldType.FLOAT,),
        calls=tuple(CALLS),
        dimensions=(),
        condition=None,
        bounds=TimeRange(0, 3_999_999_999),
        window=Window(1_000_000_000),
        fill=Fill(FillKind.NULL),
        descending=False,
        paging=Paging(),
    )


@given(expr=EXPRESSIONS, rows=st.lists(st.tuples(WHOLE, WHOLE, FLOATS), min_size=4, max_size=4))
def test_columns_calculate_as_rows_do(expr: Expr, rows: list[tuple[Any, ...]]) -> None:
    """Nulls, words that wrap, divisors of zero and the zero below zero among them; rows say what is no number."""
    plan = plan_of(expr)
    calculation = calculate_windows(plan)
    if calculation is None:
        return
    columns = []
    for listed, (kind, _) in zip(zip(*rows, strict=True), CALLS.values(), strict=True):
        values = np.array([[0 if value is None else value] for value in listed], kind)
        columns.append(Values(values, np.array([[value is not None] for value in listed])))
    source = Source(Table("m", "m", ()))
    found = column_series(plan, calculation, source, Grid(Pane(1_000_000_000, 0), 0, ((),), tuple(columns)), None)
    if found is None or all(value is None for row in rows for value in row):
        return
    evaluate = compile_column(expr, {call: place for place, call in enumerate(CALLS)})
    assert [repr(row[1]) for row in found[0].values] == [repr(evaluate(row)) for row in rows]


@given(expr=EXPRESSIONS, rows=st.lists(st.tuples(WHOLE, WHOLE, FLOATS), min_size=9, max_size=9))
def test_totals_calculate_as_rows_do(expr: Expr, rows: list[tuple[Any, ...]]) -> None:
    """One row for each group, without windows."""
    plan = replace(plan_of(expr), window=None)
    columns = [
        NumberColumn(
            np.array([0 if value is None else value for value in listed], kind),
            np.array([value is not None for value in listed]),
        )
        for listed, (kind, _) in zip(zip(*rows, strict=True), CALLS.values(), strict=True)
    ]
    found = column_totals(calculate_totals(plan), [[7] * len(rows), *columns])
    if found is None:
        return
    evaluate = compile_column(expr, {call: place for place, call in enumerate(CALLS)})
    assert list(found[0]) == [7] * len(rows)
    assert [repr(value) for value in found[1]] == [repr(evaluate(row)) for row in rows]


def test_few_totals_and_others_are_calculated_row_by_row() -> None:
    """Where a column is a list, or a call may be no number, rows say what is right."""
    mean, stddev = Call("mean", (VarRef("f", "float"),)), Call("stddev", (VarRef("f", "float"),))
    calculation = calculate_totals(replace(plan_of(mean), window=None))
    assert calculation is not None
    assert column_totals(calculation, [[7], [1.5]]) is None
    assert calculate_totals(replace(plan_of(stddev), window=None)) is None


@given(
    call=st.sampled_from([Call("count", (VarRef("i", "integer"),)), Call("mean", (VarRef("f", "float"),))]),
    present=st.lists(st.lists(st.booleans(), min_size=4, max_size=4), min_size=1, max_size=3),
    fill=st.sampled_from([Fill(FillKind.NULL), Fill(FillKind.NONE), Fill(FillKind.PREVIOUS), Fill(FillKind.NUMBER, 7)]),
    paging=st.sampled_from([Paging(), Paging(limit=2), Paging(limit=2, offset=1), Paging(limit=1, offset=9)]),
    descending=st.booleans(),
)
def test_windows_are_filled_and_cut_as_points_are(
    call: Call, present: list[list[bool]], fill: Fill, paging: Paging, *, descending: bool
) -> None:
    """Whether the groups have the same windows, or each its own, or one of them none."""
    plan = replace(plan_of(call), calls=(call,), dimensions=("g",), fill=fill, paging=paging, descending=descending)
    groups = tuple((f"g{place}",) for place in range(len(present)))
    there = np.array(present).T
    values = np.arange(there.size).reshape(there.shape) + (1 if call.name == "count" else 0.5)
    grid = Grid(Pane(1_000_000_000, 0), 0, groups, (Values(values, None if there.all() else there),))
    filling = Fill(FillKind.NUMBER, 0) if call.name == "count" and fill.kind is FillKind.NULL else fill
    expected = []
    for group, points in sorted(grid.by_call([call])[call].items(), reverse=descending):
        listed = points[::-1] if descending else points
        rows = fill_windows(listed, plan, filling, type_of(call), most=None)[paging.offset :]
        cut = rows[: paging.limit] if paging.limit else rows
        expected += [({"g": group[0]}, list(map(list, cut)))] if cut else []
    calculation = calculate_windows(plan)
    assert calculation is not None
    found = column_series(plan, calculation, Source(Table("m", "m", ())), grid, None)
    assert found is not None
    assert [(one.tags, list(one.values)) for one in found] == expected
