"""What a SELECT reads: a measurement of the file, or the answer of an inner one; and the points that come of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from influxql.translate.relation import Relation
from store.embedded.choice import Group
from store.embedded.told import Told

Points = dict[Group, list[tuple[Any, ...]]]
"""Group -> (time, value, carried columns ...), in order of time."""


@dataclass(frozen=True, slots=True)
class Source:
    """A measurement to read. `bounded`: whether the plan's time range cuts its rows (an inner answer's it does not).

    `known` is a stretch of that range, both ends included, of which nothing is to be read. `told` are the rows of an
    inner answer of which SQL knows nothing yet.
    """

    relation: Relation
    bounded: bool = True
    known: tuple[int, int] | None = None
    told: Told | None = None
