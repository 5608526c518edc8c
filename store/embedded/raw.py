"""The points of one field, for transformations of raw points: all series of a group merged by time."""

from __future__ import annotations

from dataclasses import replace

from influxql.ast import Paging, VarRef
from influxql.plan import Plan
from store.embedded.points import read_rows
from store.embedded.session import Session
from store.embedded.source import Points, Source


def read_field(session: Session, plan: Plan, source: Source, field: VarRef) -> Points:
    """(time, value) of every point that has the field, in the order of the answer."""
    return read_rows(session, replace(plan, exprs=(field,), paging=Paging()), source)
