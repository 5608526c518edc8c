"""Wildcards and regexes in the SELECT list and in GROUP BY, replaced by the fields and tags that they mean."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import re2

from influxql.ast import Call, Expr, Field, RegexLiteral, VarRef, Wildcard
from influxql.functions import AGGREGATES, NUMERIC, TRANSFORMATIONS
from influxql.names import name_field
from influxql.typing import Shape


def expand_dimensions(dimensions: Sequence[Expr], shape: Shape) -> tuple[str, ...]:
    """The tag keys to group by, sorted, each once; time() left out."""
    keys: set[str] = set()
    for dimension in dimensions:
        match dimension:
            case VarRef(name):
                keys.add(name)
            case Wildcard():
                keys |= shape.tags
            case RegexLiteral(pattern):
                keys |= _matching(pattern, shape.tags)
            case _:
                pass  # time(): its window is the plan's
    return tuple(sorted(keys))


def expand_fields(fields: Sequence[Field], dimensions: Sequence[Expr], shape: Shape) -> tuple[Field, ...]:
    """The SELECT list without wildcards. `*` is fields and tags by name, without the tags grouped by."""
    free = _free_tags(dimensions, shape)
    return tuple(expanded for field in fields for expanded in _expand(field, free, shape))


def _free_tags(dimensions: Sequence[Expr], shape: Shape) -> frozenset[str]:
    if any(isinstance(dimension, Wildcard | RegexLiteral) for dimension in dimensions):
        return frozenset()
    return shape.tags - {dimension.name for dimension in dimensions if isinstance(dimension, VarRef)}


def _expand(field: Field, free_tags: frozenset[str], shape: Shape) -> Iterator[Field]:
    match field.expr:
        case Wildcard(kind):
            yield from (Field(ref) for ref in _references(free_tags, shape) if kind in (None, _kind(ref)))
        case RegexLiteral(pattern):
            wanted = _matching(pattern, {*shape.fields, *free_tags})
            yield from (Field(ref) for ref in _references(free_tags, shape) if ref.name in wanted)
        case Call() as call if _inner_target(call) is not None:
            yield from _expand_call(field, call, shape)
        case _:
            yield field


def _references(free_tags: frozenset[str], shape: Shape) -> list[VarRef]:
    fields = [VarRef(name, kind.value) for name, kind in shape.fields.items()]
    tags = [VarRef(name, "tag") for name in free_tags]
    return sorted(fields + tags, key=lambda ref: (ref.name, ref.cast == "tag"))


def _kind(ref: VarRef) -> str:
    return "tag" if ref.cast == "tag" else "field"


def _expand_call(field: Field, call: Call, shape: Shape) -> Iterator[Field]:
    target = _inner_target(call)
    for name in sorted(shape.fields):
        kind = shape.fields[name]
        if kind not in _takes(call) or (isinstance(target, RegexLiteral) and not _matching(target.pattern, {name})):
            continue
        yield Field(_with_target(call, VarRef(name, kind.value)), f"{name_field(field)}_{name}")


def _takes(call: Call) -> frozenset[object]:
    innermost = call.args[0] if call.args and isinstance(call.args[0], Call) else call
    function = AGGREGATES.get(innermost.name) or TRANSFORMATIONS.get(innermost.name)
    return frozenset(function.takes if function else NUMERIC)


def _inner_target(expr: Expr) -> Wildcard | RegexLiteral | None:
    """The wildcard or regex that a call, or a call within it, takes as its field."""
    match expr:
        case Call(_, (Wildcard() | RegexLiteral() as target, *_)):
            return target
        case Call(_, (Call() as inner, *_)):
            return _inner_target(inner)
        case _:
            return None


def _with_target(call: Call, ref: VarRef) -> Call:
    first = call.args[0]
    replaced: Expr = _with_target(first, ref) if isinstance(first, Call) else ref
    return Call(call.name, (replaced, *call.args[1:]))


def _matching(pattern: str, names: set[str] | frozenset[str]) -> set[str]:
    compiled = re2.compile(pattern)
    return {name for name in names if compiled.search(name)}
