"""Tree to text. What is printed parses to an equal tree."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Final

from influxql.ast import (
    Binary,
    BooleanLiteral,
    Call,
    CreateDatabase,
    Delete,
    DropMeasurement,
    DropSeries,
    DurationLiteral,
    Expr,
    Field,
    Fill,
    FillKind,
    IntegerLiteral,
    KeyFilter,
    Measurement,
    NumberLiteral,
    Paging,
    Paren,
    RegexLiteral,
    Select,
    Show,
    ShowCardinality,
    ShowDatabases,
    ShowFieldKeys,
    ShowMeasurements,
    ShowRetentionPolicies,
    ShowSeries,
    ShowTagKeys,
    ShowTagValues,
    Source,
    Statement,
    StringLiteral,
    SubQuery,
    TimeLiteral,
    Unimplemented,
    VarRef,
    Wildcard,
)
from influxql.literals import format_duration, quote_name, quote_regex, quote_string

_UNSIGNED: Final = 2**63
"""From here on an integer is unsigned."""


def print_statements(statements: tuple[Statement, ...]) -> str:
    """Statements as one text, separated by semicolons."""
    return "; ".join(print_statement(statement) for statement in statements)


def print_statement(statement: Statement) -> str:
    """One statement as text."""
    match statement:
        case Select():
            return print_select(statement)
        case ShowDatabases():
            return "SHOW DATABASES"
        case ShowRetentionPolicies(database):
            return "SHOW RETENTION POLICIES" + _on(database)
        case CreateDatabase(name):
            return f"CREATE DATABASE {quote_name(name)}"
        case Delete(sources, condition) | DropSeries(sources, condition):
            verb = "DELETE" if isinstance(statement, Delete) else "DROP SERIES"
            return " ".join(filter(None, (verb, _from(sources), _where(condition))))
        case DropMeasurement(name):
            return f"DROP MEASUREMENT {quote_name(name)}"
        case Unimplemented(_, text):
            return text
        case _:
            return _show(statement)


def print_select(select: Select) -> str:
    """A SELECT as text."""
    parts = [
        f"SELECT {', '.join(map(_field, select.fields))}",
        _from(select.sources),
        _where(select.condition),
        _group_by(select.dimensions),
        _fill(select.fill),
        "ORDER BY time DESC" if select.descending else "",
        _paging(select.paging),
        f"tz({quote_string(select.zone)})" if select.zone is not None else "",
    ]
    return " ".join(filter(None, parts))


def print_expr(expr: Expr) -> str:
    """An expression as text."""
    match expr:
        case Binary(op, left, right):
            return f"{print_expr(left)} {op} {print_expr(right)}"
        case Paren(inner):
            return f"({print_expr(inner)})"
        case Call(name, args):
            return f"{name}({', '.join(map(print_expr, args))})"
        case VarRef(name, cast):
            return quote_name(name) + (f"::{cast}" if cast else "")
        case Wildcard(kind):
            return f"*::{kind}" if kind else "*"
        case _:
            return _literal(expr)


def type_name(expr: Expr) -> str:
    """What InfluxDB calls the kind of an expression in its errors."""
    match expr:
        case Binary() | Paren():
            return f"{type(expr).__name__}Expr"
        case IntegerLiteral(value) if value >= _UNSIGNED:
            return "UnsignedLiteral"
        case _:
            return type(expr).__name__


def _literal(
    literal: IntegerLiteral
    | NumberLiteral
    | StringLiteral
    | BooleanLiteral
    | DurationLiteral
    | TimeLiteral
    | RegexLiteral,
) -> str:
    match literal:
        case IntegerLiteral(value):
            return str(value)
        case NumberLiteral(number):
            return format(Decimal(repr(number)), "f") if not number.is_integer() else format(number, ".1f")
        case StringLiteral(text):
            return quote_string(text)
        case BooleanLiteral(truth):
            return "true" if truth else "false"
        case DurationLiteral(value):
            return f"-{format_duration(-value)}" if value < 0 else format_duration(value)
        case TimeLiteral(value):
            return str(value)
        case RegexLiteral(pattern):
            return quote_regex(pattern)


def _field(field: Field) -> str:
    return print_expr(field.expr) + (f" AS {quote_name(field.alias)}" if field.alias is not None else "")


def _from(sources: Sequence[Source]) -> str:
    return f"FROM {', '.join(map(_source, sources))}" if sources else ""


def _source(source: Source) -> str:
    match source:
        case SubQuery(select):
            return f"({print_select(select)})"
        case Measurement(name, regex, database, policy):
            own = quote_regex(regex) if regex is not None else quote_name(name or "")
            if database is not None:
                return f"{quote_name(database)}.{quote_name(policy) if policy is not None else ''}.{own}"
            return own if policy is None else f"{quote_name(policy)}.{own}"


def _where(condition: Expr | None) -> str:
    return f"WHERE {print_expr(condition)}" if condition is not None else ""


def _group_by(dimensions: Sequence[Expr]) -> str:
    return f"GROUP BY {', '.join(map(print_expr, dimensions))}" if dimensions else ""


def _fill(fill: Fill) -> str:
    if fill.kind is FillKind.NULL:
        return ""
    if fill.kind is not FillKind.NUMBER:
        return f"fill({fill.kind.value})"
    number = fill.value or 0
    return f"fill({print_expr(IntegerLiteral(number) if isinstance(number, int) else NumberLiteral(number))})"


def _paging(paging: Paging) -> str:
    words = (
        ("LIMIT", paging.limit),
        ("OFFSET", paging.offset),
        ("SLIMIT", paging.slimit),
        ("SOFFSET", paging.soffset),
    )
    return " ".join(f"{word} {count}" for word, count in words if count)


def _on(database: str | None) -> str:
    return f" ON {quote_name(database)}" if database is not None else ""


def _show(
    show: ShowMeasurements | ShowTagKeys | ShowTagValues | ShowFieldKeys | ShowSeries | ShowCardinality,
) -> str:
    sources = _from(show.sources)
    heads: dict[type[Show], Callable[[], str]] = {
        ShowFieldKeys: lambda: f"SHOW FIELD KEYS{_on(show.database)} {sources}",
        ShowSeries: lambda: f"SHOW SERIES{_on(show.database)} {sources}",
    }
    match show:
        case ShowMeasurements():
            policy = f".{_name_or_all(show.policy)}" if show.policy is not None else ""
            place = f" ON {_name_or_all(show.database)}{policy}" if show.database is not None else ""
            head = f"SHOW MEASUREMENTS{place}{_filter('MEASUREMENT', show.measurement)}"
        case ShowTagKeys():
            head = f"SHOW TAG KEYS{_on(show.database)} {sources}{_filter('KEY', show.key)}"
        case ShowTagValues():
            head = f"SHOW TAG VALUES{_on(show.database)} {sources}{_filter('KEY', show.key)}"
        case ShowCardinality():
            what = f"{show.of}{' EXACT' if show.exact else ''} CARDINALITY"
            head = f"SHOW {what}{_on(show.database)} {sources}{_filter('KEY', show.key)}"
        case _:
            head = heads[type(show)]()
    groups = _group_by(show.dimensions) if isinstance(show, ShowCardinality) else ""
    return " ".join(filter(None, (head.rstrip(), _where(show.condition), groups, _paging(show.paging))))


def _name_or_all(name: str) -> str:
    return name if name == "*" else quote_name(name)


def _filter(what: str, wish: KeyFilter | None) -> str:
    if wish is None:
        return ""
    if wish.op in ("=~", "!~"):
        return f" WITH {what} {wish.op} {quote_regex(wish.values[0])}"
    if wish.op == "IN":
        return f" WITH {what} IN ({', '.join(map(quote_name, wish.values))})"
    return f" WITH {what} {wish.op} {quote_name(wish.values[0])}"
