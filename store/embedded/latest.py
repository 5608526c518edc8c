"""last() without a look at what is old: the index knows each series' newest time, and no last point lies before those.

A field may be missing in a series' newest point. So the answer out of the newest rows counts only if it has every group
that there is; else all rows are read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from influxql.conditions import TimeRange
from influxql.plan import Plan
from influxql.translate.parameters import Parameters
from influxql.translate.predicate import ALWAYS, condition_sql
from store.embedded.index import Tags
from store.embedded.schema import Table
from store.embedded.session import Session


@dataclass(frozen=True, slots=True)
class Latest:
    """A plan over the newest rows alone, and how many groups its answer must have to be the whole answer."""

    plan: Plan
    groups: int


def narrow_to_latest(session: Session, plan: Plan, table: Table, calls: Iterable[str]) -> Latest | None:
    """For last() alone, without windows, of all series that have a point in the range; None for anything else."""
    if plan.window is not None or set(calls) != {"last"} or not _takes_all(session, plan, table):
        return None
    newest = session.index.newest(table.relation)
    lower, upper = plan.bounds.lower, plan.bounds.upper
    if lower is not None:
        newest = {key: time_ns for key, time_ns in newest.items() if time_ns >= lower}
    if not newest or (upper is not None and max(newest.values()) > upper):
        return None
    floor = min(newest.values())
    if lower is not None and floor <= lower:
        return None
    return Latest(replace(plan, bounds=TimeRange(floor, upper)), _count_groups(plan.dimensions, table, newest))


def _count_groups(dimensions: Sequence[str], table: Table, series: Collection[Tags]) -> int:
    if table.tags.keys() <= set(dimensions):
        return len(series)
    places = [list(table.tags).index(key) for key in dimensions if key in table.tags]
    return len({tuple(key[place] if place < len(key) else None for place in places) for key in series})


def _takes_all(session: Session, plan: Plan, table: Table) -> bool:
    if session.known(table) is None:
        return False
    condition = plan.condition
    return condition is None or condition_sql(condition, table, Parameters(), session.tag_values(table)) == ALWAYS
