"""Values bound to a query by name: `$name` reads as the token that its value is, so no text is ever put together.

A plain value is a string, number or truth; an object of one entry says what it is: {"regex": "a|b"},
{"duration": "5m"}, {"identifier": "host"}, {"string": ...}, {"float": ...}, {"integer": ...}, as in InfluxDB.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from influxql.errors import ParseError
from influxql.tokens import Kind

Bindings = Mapping[str, object]
"""Name -> value, as JSON has it."""

NOTHING_BOUND: Final[Bindings] = MappingProxyType({})


def bind_value(name: str, bindings: Bindings) -> tuple[Kind, str]:
    """What `$name` reads as: the kind of its token and the text. Raises ParseError with InfluxDB's words."""
    if not name:
        raise ParseError("empty bound parameter")
    if name not in bindings:
        raise ParseError(f"missing parameter: {name}")
    value = bindings[name]
    return _typed(value) if isinstance(value, Mapping) else _plain(value)


def _plain(value: object) -> tuple[Kind, str]:
    match value:
        case bool():
            return Kind.KEYWORD, "TRUE" if value else "FALSE"
        case int():
            return Kind.INTEGER, str(value)
        case float():
            return Kind.NUMBER, repr(value)
        case str():
            return Kind.STRING, value
        case _:
            pass  # refused below
    kind = "<nil>" if value is None else "[]interface {}"
    raise ParseError(f"missing parameter: unable to bind parameter with type {kind}")


def _typed(value: Mapping[str, object]) -> tuple[Kind, str]:
    if len(value) != 1:
        raise ParseError("missing parameter: bound object parameter value must have exactly one entry")
    ((kind, inner),) = value.items()
    match kind, inner:
        case ("identifier", str()):
            return Kind.IDENT, inner
        case ("regex", str()):
            return Kind.REGEX, inner
        case ("string", str()):
            return Kind.STRING, inner
        case ("duration", str()):
            return Kind.DURATION, inner
        case ("duration", int()) if not isinstance(inner, bool):
            return Kind.DURATION, f"{inner}ns"
        case ("float" | "number", int() | float()) if not isinstance(inner, bool):
            return Kind.NUMBER, repr(float(inner))
        case ("integer", int()) if not isinstance(inner, bool):
            return Kind.INTEGER, str(inner)
        case ("identifier" | "regex" | "string" | "duration" | "float" | "number" | "integer", _):
            article = "an" if kind in ("identifier", "integer") else "a"
            raise ParseError(f"missing parameter: {kind} literal must be {article} {kind} value")
        case _:
            pass  # refused below
    raise ParseError(f"missing parameter: unknown bind object type: {kind}")
