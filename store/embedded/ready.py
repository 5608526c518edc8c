"""What is known of a plan over one source whatever its bounds of time are: how its columns come about, what it recalls.

`select` makes it for each question, `prepared` once for those that come again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from influxql.arithmetic import compile_column, may_be_nan
from influxql.ast import Expr, Paging
from influxql.plan import Plan
from store.embedded.around import Around, read_around
from store.embedded.calculation import Calculation, calculate_totals, calculate_windows
from store.embedded.calls import Reading, is_lone_selector, read_plan
from store.embedded.recent.question import Question, read_question, read_raw
from store.embedded.source import Source

Column = Callable[[Sequence[Any]], Any]
"""Calculates a column of the answer out of a row."""


@dataclass(slots=True)
class Ready:
    """`is_straight`: a row is the answer as it is. `is_lone`: see `is_lone_selector`. `is_whole`: nothing is cut off.

    `windows`: how whole columns are calculated where it is by windows of time, and `totals` where there is one row for
    each group; None where neither can be. `reading` is what memory is asked for windows, `question` what it is asked
    without, with the bounds that the plan had; None where it cannot tell. `around` is the same of an inner answer.
    """

    slots: dict[Expr, int]
    windows: Calculation | None
    totals: Calculation | None
    is_straight: bool
    is_lone: bool
    is_whole: bool
    reading: Reading | None
    question: Question | None
    around: Around | None
    _columns: list[Column] | None = field(default=None, repr=False)

    def columns(self, plan: Plan) -> Sequence[Column]:
        """Those of the plan, compiled when they are first asked for."""
        if self._columns is None:
            self._columns = [compile_column(expr, self.slots) for expr in plan.exprs]
        return self._columns


def make_ready(plan: Plan, source: Source) -> Ready:
    """What is known of this plan and this source."""
    slots = {expr: index for index, expr in enumerate(slotted(plan), start=1)}
    is_windowed = plan.window is not None
    windows = calculate_windows(plan) if is_windowed else None
    return Ready(
        slots=slots,
        windows=windows,
        totals=None if is_windowed else calculate_totals(plan),
        is_straight=_is_straight(plan, slots),
        is_lone=is_lone_selector(plan),
        is_whole=plan.paging == Paging(),
        reading=None if windows is None else read_plan(plan, source),
        question=None if is_windowed else (read_question if plan.calls else read_raw)(plan, source),
        around=None if is_windowed and windows is None else read_around(plan, source),
    )


def slotted(plan: Plan) -> tuple[Expr, ...]:
    """What stands in a row behind its time, in order."""
    return (*plan.calls, *plan.references)


def _is_straight(plan: Plan, slots: dict[Expr, int]) -> bool:
    """Whether rows already are what is asked for: every column a slot, in order, none that may be no number."""
    in_order = [slots.get(expr) for expr in plan.exprs] == list(range(1, len(slots) + 1))
    return in_order and not any(may_be_nan(call) for call in plan.calls)
