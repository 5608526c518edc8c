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
_TEXTS: Final = {
    "identifier": Kind.IDENT,
    "regex": Kind.REGEX,
    "string": Kind.STRING,
    "duration": Kind.DURATION,
}


def bind_value(name: str, bindings: Bindings) -> tuple[Kind, str]:
    """What `$name` reads as: the kind of its token and the text.

    Where nothing is bound, or nothing that can be: a parameter, whose text is `$name`, or what is wrong with the value.
    """
    if not name or name not in bindings:
        return Kind.PARAMETER, f"${name}"
    value = bindings[name]
    return _typed(value) if isinstance(value, Mapping) else _plain(value)


def parameter_fault(text: str) -> ParseError:
    """The error that a parameter with this text is where a value has to be, in InfluxDB's words."""
    name = text.removeprefix("$")
    return ParseError(f"missing parameter: {name}" if name else "empty bound parameter")


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
    return Kind.PARAMETER, f"unable to bind parameter with type {kind}"


def _typed(value: Mapping[str, object]) -> tuple[Kind, str]:
    if len(value) != 1:
        return Kind.PARAMETER, "bound object parameter value must have exactly one entry"
    ((kind, inner),) = value.items()
    if isinstance(inner, bool):
        inner = None  # no kind takes one
    match kind, inner:
        case ("identifier" | "regex" | "string" | "duration", str()):
            return _TEXTS[kind], inner
        case ("duration", int()):
            return Kind.DURATION, f"{inner}ns"
        case ("float" | "number", int() | float()):
            return Kind.NUMBER, repr(float(inner))
        case ("integer", int()):
            return Kind.INTEGER, str(inner)
        case ("identifier" | "regex" | "string" | "duration" | "float" | "number" | "integer", _):
            article = "an" if kind in ("identifier", "integer") else "a"
            return Kind.PARAMETER, f"{kind} literal must be {article} {kind} value"
        case _:
            return Kind.PARAMETER, f"unknown bind object type: {kind}"
