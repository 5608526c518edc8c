"""SELECTs that come again with other bounds of time, ready to run: what does not depend on the bounds is known.

`influxql.standing` knows a text by its tree; the reader keeps what was made of the tree here, and adds the text's own
bounds each time. The invariant: what is run is what would have been planned. A SELECT is prepared only where its two
bounds alone differ from one text to the next (`now()` or a third bound would), and only for as long as its measurement
has the very columns that it had.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from influxql.ast import Measurement, Select
from influxql.conditions import TimeRange
from influxql.infinities import may_overflow
from influxql.plan import Plan, frame_select
from influxql.standing import Standing, Tree
from store.contract import Series
from store.embedded.ready import Ready, make_ready
from store.embedded.schema import Table
from store.embedded.select import answer_source
from store.embedded.session import Session
from store.embedded.source import Source
from store.embedded.sources import find_tables

_MOST: Final = 1_000
_LATER_NS: Final = 3_601_234_567_891
"""So that no round width of windows has the same offset by then, if `now()` is in it."""
_BOUNDS: Final = 2
_SHIFTS: Final = frozenset({(0, 0), (0, -1), (1, 0), (1, -1)})
"""What `>=` or `>` and `<=` or `<` make of a moment."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """`plan` has bounds of our own; `shifts` are what its comparisons add to the moments of a text."""

    select: Select
    source: Source
    plan: Plan
    ready: Ready
    shifts: tuple[int, int]
    overflows: bool

    def answer(self, session: Session, moments: Sequence[int]) -> Sequence[Series]:
        """The series that the SELECT has between these moments. Raises QueryError."""
        bounds = TimeRange(moments[0] + self.shifts[0], moments[1] + self.shifts[1])
        return answer_source(session, self.plan.between(bounds), self.source, self.ready)


class PreparedSelects:
    """Those that came of late. Safe for threads: two may prepare the same, and either serves."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, str], tuple[Tree, Prepared | None]] = {}
        """each with the tree, which so keeps its id; None: it has to be planned each time"""

    def find(self, session: Session, standing: Standing) -> Prepared | None:
        """What is ready to run of this text. Raises QueryError where it is wrong."""
        key = (id(standing.tree), session.database)
        known = self._known.get(key)
        if known is not None and (known[1] is None or _is_as_it_was(session, known[1])):
            return known[1]
        if len(self._known) >= _MOST:
            self._known.clear()
        made = _prepare(session, standing.tree)
        self._known[key] = standing.tree, made
        return made


def _is_as_it_was(session: Session, prepared: Prepared) -> bool:
    tables = session.schema(session.database)
    relation = prepared.source.relation
    return tables is not None and tables.get(relation.measurement) is relation


def _prepare(session: Session, tree: Tree) -> Prepared | None:
    if len(tree.marks) != _BOUNDS:
        return None
    widest = 0, tree.marks[1]  # any other bound that there is would be narrower
    (select, *others) = Standing(tree, widest).statements()
    if others or not isinstance(select, Select):
        return None
    frame = frame_select(select, session.now_ns)
    lower, upper = frame.bounds.lower, frame.bounds.upper
    if lower is None or upper is None or frame != frame_select(select, session.now_ns + _LATER_NS):
        return None
    shifts = lower - widest[0], upper - widest[1]
    table = _only_table(session, select)
    if shifts not in _SHIFTS or table is None:
        return None
    source = Source(table)
    plan = session.plans.plan(frame, (table,))
    return Prepared(select, source, plan, make_ready(plan, source), shifts, may_overflow(select))


def _only_table(session: Session, select: Select) -> Table | None:
    """The one measurement of the session's own database that it reads, by its name."""
    source = select.sources[0]
    is_plain = isinstance(source, Measurement) and source.regex is None and source.database is None
    if len(select.sources) > 1 or not is_plain or not isinstance(source, Measurement) or source.policy is not None:
        return None
    found = find_tables(session, source)
    return found[0] if found else None
