"""SELECTs that come again with other bounds of time, ready to run: what does not depend on the bounds is known.

`influxql.standing` knows a text by its tree; the reader keeps what was made of the tree here, and adds the text's own
bounds each time. The invariant: what is run is what would have been planned. A SELECT is prepared, with those within
it, only where a lower and an upper bound of each (or none) alone differ from one text to the next (`now()` or a third
bound would), and only for as long as its measurement has the very columns that it had.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from influxql.ast import Measurement, Paging, Select, SubQuery
from influxql.conditions import TimeRange, split_condition
from influxql.infinities import may_overflow
from influxql.plan import Frame, Plan, frame_select
from influxql.standing import Standing, Tree
from influxql.translate.relation import Relation
from store.contract import Series
from store.embedded.ready import Ready, make_ready
from store.embedded.recent.contract import NotAtOnce
from store.embedded.schema import Table
from store.embedded.select import answer_source, tell_source
from store.embedded.session import Session
from store.embedded.source import Source
from store.embedded.sources import find_tables
from store.embedded.told import is_distinct, told_table

_MOST: Final = 1_000
_LATER_NS: Final = 3_601_234_567_891
"""So that no round width of windows has the same offset by then, if `now()` is in it."""
_APART: Final = 1_000
_LOWEST: Final = -7_654_321_000
"""Before every moment of a text, so that any other bound there is would be narrower."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """Which moments of a text bound a SELECT, the lower and the upper one, and what its comparisons add to each."""

    lower: tuple[int, int] | None
    upper: tuple[int, int] | None

    def between(self, moments: Sequence[int], around: TimeRange | None) -> TimeRange:
        """The range that they come to within that of the SELECT around."""
        lower = None if self.lower is None else moments[self.lower[0]] + self.lower[1]
        upper = None if self.upper is None else moments[self.upper[0]] + self.upper[1]
        own = TimeRange(lower, upper)
        return own if around is None else own.intersect(around)


@dataclass(frozen=True, slots=True)
class Level:
    """A SELECT over one source; the source of one that stands around another has no rows yet.

    `plan` has bounds of our own.
    """

    source: Source
    plan: Plan
    ready: Ready
    bounds: Bounds


@dataclass(frozen=True, slots=True)
class Prepared:
    """The SELECT of a text, whose `levels` are itself and those within it, from the outermost to the innermost."""

    select: Select
    levels: tuple[Level, ...]
    overflows: bool

    def answer(self, session: Session, moments: Sequence[int]) -> Sequence[Series]:
        """The series that the SELECT has between these moments. Raises QueryError, and NotAtOnce."""
        plans, between = list[Plan](), None
        for level in self.levels:
            between = level.bounds.between(moments, between)
            plans.append(level.plan.between(between))
        source = self.levels[-1].source
        for place in range(len(plans) - 1, 0, -1):
            told = tell_source(session, plans[place], source, self.levels[place].ready)
            if told is None:
                raise NotAtOnce("the file has to tell an inner answer")
            source = replace(self.levels[place - 1].source, told=told)
        return answer_source(session, plans[0], source, self.levels[0].ready)

    @property
    def relation(self) -> Relation:
        """The measurement that is read in the end."""
        return self.levels[-1].source.relation


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
    relation = prepared.relation
    return tables is not None and tables.get(relation.measurement) is relation


def _prepare(session: Session, tree: Tree) -> Prepared | None:
    if not tree.marks or len(tree.marks) % 2:
        return None
    ours = [
        tree.marks[1] + _APART * place if place % 2 else _LOWEST + _APART * place for place in range(len(tree.marks))
    ]
    (select, *others) = Standing(tree, tuple(ours)).statements()
    nested = _nested(select) if isinstance(select, Select) and not others else None
    if not isinstance(select, Select) or nested is None:
        return None
    frames = _frames(nested, session.now_ns)
    bounds = _bounds_of(nested, frames, session.now_ns, ours)
    table = _only_table(session, nested[-1])
    if bounds is None or table is None or frames != _frames(nested, session.now_ns + _LATER_NS):
        return None
    levels, source = list[Level](), Source(table)
    for frame, own in zip(reversed(frames), reversed(bounds), strict=True):
        if levels:
            within = levels[-1].plan
            if within.paging != Paging() or not is_distinct(within):
                return None
            source = Source(told_table(within, table.measurement), bounded=False)
        plan = session.plans.plan(frame, (source.relation,))
        levels.append(Level(source, plan, make_ready(plan, source), own))
    return Prepared(select, tuple(reversed(levels)), may_overflow(select))


def _nested(select: Select) -> list[Select] | None:
    """A SELECT and those within it, of which each has one source."""
    found = [select]
    while isinstance(found[-1].sources[0], SubQuery):
        if len(found[-1].sources) > 1:
            return None
        found.append(found[-1].sources[0].select)
    return found


def _frames(nested: Sequence[Select], now_ns: int) -> list[Frame]:
    frames, outer = list[Frame](), None
    for select in nested:
        frames.append(frame_select(select, now_ns, outer))
        outer = frames[-1].outer()
    return frames


def _bounds_of(
    nested: Sequence[Select], frames: Sequence[Frame], now_ns: int, ours: Sequence[int]
) -> list[Bounds] | None:
    """What bounds each, where that is our own moments alone, and each of them once: in turns a lower and an upper."""
    lowers, uppers = _known(range(0, len(ours), 2), ours, 1), _known(range(1, len(ours), 2), ours, -1)
    found, between, used = list[Bounds](), None, list[int]()
    for place, (select, frame) in enumerate(zip(nested, frames, strict=True)):
        own = split_condition(select.condition, now_ns, select.zone, inner=place > 0)[1]
        bounds = Bounds(lowers.get(own.lower), uppers.get(own.upper))
        used += [bound[0] for bound in (bounds.lower, bounds.upper) if bound is not None]
        between = bounds.between(ours, between)
        if between != frame.bounds:
            return None
        found.append(bounds)
    return found if sorted(used) == list(range(len(ours))) else None


def _known(places: range, ours: Sequence[int], added: int) -> dict[int | None, tuple[int, int]]:
    """The bounds that our own moments at some places may make, with `added` or without, each with where it is from."""
    return {ours[place] + more: (place, more) for place in places for more in (0, added)}


def _only_table(session: Session, select: Select) -> Table | None:
    """The one measurement of the session's own database that it reads, by its name."""
    source = select.sources[0]
    is_plain = isinstance(source, Measurement) and source.regex is None and source.database is None
    if len(select.sources) > 1 or not is_plain or not isinstance(source, Measurement) or source.policy is not None:
        return None
    found = find_tables(session, source)
    return found[0] if found else None
