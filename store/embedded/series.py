"""Questions about series alone: where they are asked, and which groups of a measurement SLIMIT and SOFFSET leave.

InfluxDB counts the groups of tags that its index holds for each measurement, whatever the time range and the fields,
and orders them as texts: keys, then values, with a bar between each. SOFFSET without SLIMIT leaves none.
"""

from __future__ import annotations

from influxql.ast import Binary, BooleanLiteral, Expr, Paren, VarRef
from influxql.names import named_in
from influxql.plan import Plan
from influxql.translate.parameters import Parameters
from influxql.translate.predicate import condition_sql
from influxql.translate.relation import Relation
from influxql.translate.statement import select_sql
from store.embedded.choice import Group
from store.embedded.schema import Table
from store.embedded.session import Session
from store.embedded.source import Source


def keep_groups(session: Session, plan: Plan, source: Source) -> set[Group] | None:
    """The groups that SLIMIT and SOFFSET leave; None where all remain."""
    paging = plan.paging
    if not paging.slimit and not paging.soffset:
        return None
    relation = source.relation
    place = relation.relation
    if source.bounded and isinstance(relation, Table):
        place = tell_series(session, relation, None)
    columns = [f'"{relation.tags[key].physical}"' if key in relation.tags else "NULL" for key in plan.dimensions]
    parameters = Parameters()
    where = ""
    if plan.condition is not None:
        about_tags = _about_tags(plan.condition, relation)
        where = f"WHERE {condition_sql(about_tags, relation, parameters)}"
    rows = session.fetch(select_sql([f"DISTINCT {', '.join(columns or ['1'])}"], place, where), parameters)
    groups = {tuple(value or "" for value in row[: len(columns)]) for row in rows}
    ordered = sorted(groups, key=lambda group: _key(plan.dimensions, group))
    return set(ordered[paging.soffset : paging.soffset + paging.slimit])


def tell_series(session: Session, table: Table, condition: Expr | None, *, timed: bool = False) -> str:
    """What stands in FROM for a question about tags: the series that are known, one row each, or else the points.

    The points are asked where the condition is about time (`timed`) or a field.
    """
    if timed or (condition is not None and any(ref.name in table.fields for ref in named_in(condition))):
        return table.relation
    known = session.known(table)
    return table.relation if known is None else session.register_table(known.arrow)


def _key(dimensions: tuple[str, ...], group: Group) -> str:
    present = [(key, value) for key, value in zip(dimensions, group, strict=True) if value]
    return "|".join([*(key for key, _ in present), *(value for _, value in present)])


def _about_tags(condition: Expr, relation: Relation) -> Expr:
    """The condition with everything that asks for fields taken for true, as an index must."""
    match condition:
        case Binary("AND" | "OR" as op, left, right):
            return Binary(op, _about_tags(left, relation), _about_tags(right, relation))
        case Paren(inner):
            return Paren(_about_tags(inner, relation))
        case Binary(_, VarRef(name), _) | Binary(_, _, VarRef(name)) if name not in relation.fields:
            return condition
        case _:
            return BooleanLiteral(value=True)
