"""last() without a look at what is old: the index knows each series' newest time, and no last point lies before those.

A field may be missing in a series' newest point. So the answer out of the newest rows counts only if it has every group
that there is; else all rows are read.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from influxql.conditions import TimeRange
from influxql.plan import Plan
from store.embedded.choice import choose_series
from store.embedded.index import Known
from store.embedded.numbering import Tags
from store.embedded.schema import Table
from store.embedded.session import Session


@dataclass(frozen=True, slots=True)
class Latest:
    """A plan over the newest rows alone of so many series; `groups`: how many the whole answer must have."""

    plan: Plan
    groups: int
    series: int


def narrow_to_latest(session: Session, plan: Plan, table: Table, calls: Iterable[str]) -> Latest | None:
    """For last() alone, without windows, of all points in the range of some series; None for anything else."""
    if plan.window is not None or set(calls) != {"last"}:
        return None
    known = session.known(table)
    newest = None if known is None else _newest(session, plan, table, known)
    if known is None or newest is None:
        return None
    lower, upper = plan.bounds.lower, plan.bounds.upper
    if lower is not None:
        newest = {key: time_ns for key, time_ns in newest.items() if time_ns >= lower}
    if not newest or (upper is not None and max(newest.values()) > upper):
        return None
    floor = min(newest.values())
    if lower is not None and floor <= lower:
        return None
    groups = _count_groups(plan.dimensions, table, newest, known)
    return Latest(replace(plan, bounds=TimeRange(floor, upper)), groups, len(newest))


def _count_groups(dimensions: Sequence[str], table: Table, series: Collection[Tags], known: Known) -> int:
    if table.tags.keys() <= set(dimensions):
        return len(series)
    places = [list(table.tags).index(key) for key in dimensions if key in table.tags]
    if len(series) == len(known.series) and places:
        return len(set(zip(*(known.columns[place] for place in places), strict=True)))
    return len({tuple(key[place] if place < len(key) else None for place in places) for key in series})


def _newest(session: Session, plan: Plan, table: Table, known: Known) -> Mapping[Tags, int] | None:
    """The newest time of each series that the condition means; None where it is not about series alone."""
    mask, rest = choose_series(plan.condition, table, known)
    if rest is not None:
        return None
    newest = session.index.newest(table.relation)
    if mask is None or mask.all():
        return newest
    wanted = [known.series[place] for place in np.flatnonzero(mask).tolist()]
    found = {key: newest[key] for key in wanted if key in newest}
    return found if len(found) == len(wanted) else None
