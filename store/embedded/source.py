"""What a SELECT reads: a measurement of the file, or the answer of an inner one."""

from __future__ import annotations

from dataclasses import dataclass

from influxql.translate.relation import Relation


@dataclass(frozen=True, slots=True)
class Source:
    """A measurement to read. `bounded`: whether the plan's time range cuts its rows (an inner answer's it does not)."""

    relation: Relation
    bounded: bool = True
