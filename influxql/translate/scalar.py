"""A reference to a field or tag as a SQL expression."""

from __future__ import annotations

from foundation.batch import FieldType
from influxql.ast import VarRef
from influxql.functions import NUMERIC
from influxql.translate.relation import Relation

_SQL = {FieldType.FLOAT: "DOUBLE", FieldType.INTEGER: "BIGINT", FieldType.UNSIGNED: "UBIGINT"}


def field_sql(ref: VarRef, relation: Relation) -> str | None:
    """The resolved reference as an expression over `relation`; None where it can only be null there.

    A cast between numbers converts, whole ones by their bits; any other cast that does not fit is null.
    """
    if ref.cast == "tag":
        tag = relation.tags.get(ref.name)
        return f'"{tag.physical}"' if tag else None
    column = relation.fields.get(ref.name)
    if column is None or column.type is None:
        return None
    if ref.cast in (None, "field", column.type.value):
        return f'"{column.physical}"'
    wish = FieldType(ref.cast)
    if wish in NUMERIC and column.type in NUMERIC:
        if FieldType.FLOAT in (wish, column.type):
            whole = f'trunc("{column.physical}")' if column.type is FieldType.FLOAT else f'"{column.physical}"'
            return f"TRY_CAST({whole} AS {_SQL[wish]})"
        return f'CAST(CAST("{column.physical}" AS BIT) AS {_SQL[wish]})'
    return None


def is_field(ref: VarRef, relation: Relation) -> bool:
    """Whether the reference reads a field of `relation`."""
    return ref.cast != "tag" and ref.name in relation.fields
