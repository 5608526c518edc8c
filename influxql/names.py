"""Names that an expression holds, and column names of an answer: aliases first; generated ones give way (_1, _2)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from influxql.ast import Binary, Call, Expr, Field, Paren, VarRef


def name_field(field: Field) -> str:
    """The name of one field before conflicts are resolved; empty where nothing in it has a name."""
    return field.alias if field.alias is not None else name_expr(field.expr)


def name_expr(expr: Expr) -> str:
    """Names of functions and references, joined with an underscore."""
    match expr:
        case Paren(inner):
            return name_expr(inner)
        case VarRef(name) | Call(name):
            return name
        case Binary():
            return "_".join(_parts(expr))
        case _:
            return ""


def walk(expr: Expr) -> Iterator[Expr]:
    """The expression and all that it is made of, in the order in which they are written, a whole before its parts."""
    yield expr
    match expr:
        case Binary(_, left, right):
            yield from walk(left)
            yield from walk(right)
        case Call(_, args):
            for arg in args:
                yield from walk(arg)
        case Paren(inner):
            yield from walk(inner)
        case _:
            pass  # names and literals have no parts


def named_in(expr: Expr) -> Iterator[VarRef]:
    """Every tag and field that an expression names, as often as it does, in order."""
    return (part for part in walk(expr) if isinstance(part, VarRef))


def name_columns(fields: Sequence[Field]) -> tuple[str, ...]:
    """One name for each field, all different unless aliases are equal."""
    names: list[str | None] = [field.alias for field in fields]
    taken = {alias: 1 for alias in names if alias is not None}
    for index, field in enumerate(fields):
        if names[index] is not None:
            continue
        name = free = name_expr(field.expr)
        count = taken.get(name, 0)
        if count:
            while f"{name}_{count}" in taken:
                count += 1
            taken[name] = count + 1
            free = f"{name}_{count}"
        taken[free] = taken.get(free, 0) + 1
        names[index] = free
    return tuple(name or "" for name in names)


def _parts(expr: Expr) -> Iterator[str]:
    match expr:
        case VarRef(name) | Call(name):
            yield name
        case Binary(_, left, right):
            yield from _parts(left)
            yield from _parts(right)
        case Paren(inner):
            yield from _parts(inner)
        case _:
            pass  # literals have no name
