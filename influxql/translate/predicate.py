"""Conditions on fields and tags as a WHERE clause.

What decides: a missing tag is '' to every condition, and < <= > >= on a tag mean != (so InfluxDB does); a missing field
satisfies no condition; a comparison of types that do not go together is false, not an error. SQL's NULL counts as
false, and no condition is ever negated as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final, Protocol

import re2

from foundation.batch import FieldType
from influxql.ast import (
    LITERALS,
    Binary,
    BooleanLiteral,
    Expr,
    Paren,
    RegexLiteral,
    StringLiteral,
    VarRef,
)
from influxql.errors import QueryError
from influxql.printer import print_expr
from influxql.translate.number import compare_sql, number_sql
from influxql.translate.parameters import Parameters
from influxql.translate.relation import Relation
from influxql.translate.scalar import field_sql, is_field


class KnownValues(Protocol):
    """All values of a tag (None: a point has no such tag)."""

    @property
    def all(self) -> frozenset[str | None]:
        """Each once."""

    def matching(self, pattern: str) -> frozenset[str | None]:
        """Those that a regex matches; None is matched as ''."""


TagValues = Callable[[str], KnownValues | None]
"""Physical name of a tag -> its values; None where they are not known."""

_FLIPPED: Final = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "=": "=", "!=": "!="}
_RECKONING: Final = frozenset("+-*/%")
ALWAYS: Final = "TRUE"
_NAMED: Final = re.compile(r"(?<!\\)\(\?<(?=[A-Za-z_])")
"""A group with a name in the form that databases do not know yet."""
NEVER: Final = "FALSE"


def unknown_values(_: str) -> None:
    """Where nobody knows the values of tags."""


def condition_sql(
    expr: Expr,
    relation: Relation,
    parameters: Parameters,
    values: TagValues = unknown_values,
    *,
    stored: bool = True,
) -> str:
    """The condition (without bounds on time) as SQL over `relation`; `ALWAYS` where every point satisfies it.

    Where `values` are known a regex is matched against those, not against every point. `stored`: the relation is a
    measurement; the tags of a subquery have no order, so that < <= > >= hold for none.
    """
    match expr:
        case Binary("AND" | "OR" as op, left, right):
            sides = [condition_sql(side, relation, parameters, values, stored=stored) for side in (left, right)]
            neutral = ALWAYS if op == "AND" else NEVER
            needed = [side for side in sides if side != neutral]
            return f"({f' {op} '.join(needed)})" if len(needed) > 1 else needed[0] if needed else neutral
        case Paren(inner):
            return condition_sql(inner, relation, parameters, values, stored=stored)
        case BooleanLiteral(truth):
            return ALWAYS if truth else NEVER
        case Binary(op) if op in _FLIPPED or op in ("=~", "!~"):
            return _Comparison(relation, parameters, values, stored=stored).sql(expr)
        case Binary(op) if op in _RECKONING:
            return NEVER  # a number is no truth
    raise QueryError(f"invalid condition expression: {print_expr(expr)}")


class _Comparison:
    """Writes one comparison."""

    def __init__(self, relation: Relation, parameters: Parameters, values: TagValues, *, stored: bool) -> None:
        self._relation = relation
        self._stored = stored
        self._parameters = parameters
        self._values = values

    def sql(self, expr: Binary) -> str:
        left, right, op = _bare(expr.left), _bare(expr.right), expr.op
        if isinstance(left, LITERALS) and op in _FLIPPED:
            left, right, op = right, left, _FLIPPED[op]
        if isinstance(right, RegexLiteral):
            return self._regex(left, op, right.pattern)
        if isinstance(left, VarRef) and self._is_tag(left):
            return self._tag(left, op, right)
        if isinstance(left, VarRef) and isinstance(right, StringLiteral | BooleanLiteral):
            return self._text_or_truth(left, op, right)
        if isinstance(left, VarRef) and isinstance(right, VarRef) and self._is_text_or_truth(left, right):
            sides = [field_sql(ref, self._relation) or "NULL" for ref in (left, right)]
            return f"{sides[0]} {_sql_op(op)} {sides[1]}" if op in ("=", "!=") else NEVER
        return self._numbers(left, op, right)

    def _is_tag(self, ref: VarRef) -> bool:
        return ref.cast == "tag" or (ref.cast != "field" and ref.name not in self._relation.fields)

    def _tag(self, ref: VarRef, op: str, right: Expr) -> str:
        column = self._relation.tags.get(ref.name)
        if isinstance(right, VarRef) and self._is_tag(right):
            # What no series has is equal to nothing, not even to itself.
            wanted = {ref.name, right.name} if op == "=" else {ref.name}
            is_there = wanted <= self._relation.tags.keys()
            return f"{self._text(ref)} {_sql_op(op)} {self._text(right)}" if is_there else NEVER
        if not isinstance(right, StringLiteral) or not (self._stored or op in ("=", "!=")):
            return NEVER
        equal, value = op == "=", right.value
        if column is None:
            return ALWAYS if equal is not bool(value) else NEVER
        physical = f'"{column.physical}"'
        if not value:
            return f"({physical} IS NULL OR {physical} = '')" if equal else f"{physical} <> ''"
        return f"{physical} {'=' if equal else 'IS DISTINCT FROM'} {self._parameters.bind(value)}"

    def _text(self, ref: VarRef) -> str:
        column = self._relation.tags.get(ref.name)
        return f"coalesce(\"{column.physical}\", '')" if column else "''"

    def _regex(self, left: Expr, op: str, pattern: str) -> str:
        if not isinstance(left, VarRef):
            return NEVER
        wanted, named = op == "=~", _NAMED.sub("(?P<", pattern)
        if self._is_tag(left):
            if left.name not in self._relation.tags:
                return ALWAYS if bool(re2.compile(pattern).search("")) is wanted else NEVER
            known = self._values(self._relation.tags[left.name].physical)
            if known is not None:
                return self._matching(left, known, pattern, wanted=wanted)
            matches = f"regexp_matches({self._text(left)}, {self._parameters.bind(named)})"
        else:
            if not is_field(left, self._relation) or self._relation.fields[left.name].type is not FieldType.STRING:
                return NEVER
            matches = f"regexp_matches({field_sql(left, self._relation)}, {self._parameters.bind(named)})"
        return matches if wanted else f"NOT {matches}"

    def _matching(self, ref: VarRef, known: KnownValues, pattern: str, *, wanted: bool) -> str:
        """What a regex means where the tag's values are known: one of those that it matches, or of the others."""
        physical = f'"{self._relation.tags[ref.name].physical}"'
        kept = known.matching(pattern)
        if not wanted:
            kept = known.all - kept
        if len(kept) == len(known.all):
            return ALWAYS
        texts = sorted(value for value in kept if value)
        absent = len(texts) < len(kept)
        if len(texts) == 1:
            found = f"{physical} = {self._parameters.bind(texts[0])}"
        else:
            found = f"{physical} IN {self._parameters.bind(texts)}" if texts else NEVER
        return f"({found} OR {physical} IS NULL)" if absent else found

    def _is_text_or_truth(self, *refs: VarRef) -> bool:
        """Whether all are fields of texts, or all of truths, as they are."""
        plain = all(ref.cast in (None, "field", "string", "boolean") for ref in refs)
        columns = [self._relation.fields.get(ref.name) for ref in refs]
        kinds = {column.type if column and plain else None for column in columns}
        return kinds in ({FieldType.STRING}, {FieldType.BOOLEAN})

    def _text_or_truth(self, ref: VarRef, op: str, right: StringLiteral | BooleanLiteral) -> str:
        wish = FieldType.STRING if isinstance(right, StringLiteral) else FieldType.BOOLEAN
        is_wished = is_field(ref, self._relation) and self._relation.fields[ref.name].type is wish
        if not is_wished or op not in ("=", "!="):
            return NEVER
        return f"{field_sql(ref, self._relation)} {_sql_op(op)} {self._parameters.bind(right.value)}"

    def _numbers(self, left: Expr, op: str, right: Expr) -> str:
        sides = [number_sql(side, self._relation, self._parameters) for side in (left, right)]
        if sides[0] is None or sides[1] is None:
            return NEVER
        return compare_sql(op, sides[0], sides[1])


def _bare(expr: Expr) -> Expr:
    while isinstance(expr, Paren):
        expr = expr.expr
    return expr


def _sql_op(op: str) -> str:
    return "<>" if op == "!=" else op
