"""Plans of SELECTs that come again with other bounds, as those of boards and rules do: each is made once.

`influxql.standing` gives a text that comes again the same tree but for its bounds, so a plan is found by that: by the
very object that holds the selected fields. What it was made of is compared before it serves, which costs nothing where
it is the same objects, and is right where it is not: another table, or one that has got a column, is planned anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from influxql.plan import Frame, Plan, plan_select, rebound
from influxql.typing import Shape, merge_types

if TYPE_CHECKING:
    from collections.abc import Iterable

    from foundation.batch import FieldType
    from influxql.translate.relation import Relation

_MOST_PLANS: Final = 500


class Plans:
    """Makes plans and remembers them. Safe for threads: two may plan the same, and either plan serves."""

    def __init__(self) -> None:
        self._known: dict[int, tuple[tuple[Any, ...], Plan]] = {}

    def plan(self, frame: Frame, relations: tuple[Relation, ...]) -> Plan:
        """The same as `plan_select` over the shape of these relations. Raises QueryError."""
        select = frame.select
        made_of = (
            select.fields,  # which keeps its id from being another's
            select.dimensions,
            select.fill,
            select.descending,
            select.paging,
            frame.window is None,
            frame.inherited,
            relations,
        )
        place = id(select.fields)
        known = self._known.get(place)
        if known is not None and known[0] == made_of:
            return rebound(known[1], frame)
        plan = plan_select(frame, _shape_of(relations))
        if len(self._known) >= _MOST_PLANS:
            self._known.clear()
        self._known[place] = made_of, plan
        return plan


def _shape_of(relations: Iterable[Relation]) -> Shape:
    """Fields and tags of all relations together."""
    fields: dict[str, FieldType] = {}
    tags: set[str] = set()
    for relation in relations:
        tags.update(relation.tags)
        for column in relation.fields.values():
            if column.type is not None:
                fields[column.name] = merge_types(fields.get(column.name), column.type)
    return Shape(fields, frozenset(tags))
