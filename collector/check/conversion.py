"""A value as another type, where that says the same: what the schema guard does to a conflict if it may. Pure."""

from __future__ import annotations

import math
import re

from foundation.batch import FieldType
from foundation.line_protocol.encode import encode_value
from foundation.line_protocol.line import FieldValue, Unsigned

_INT64 = range(-(2**63), 2**63)
_UINT64 = range(2**64)
_WHOLE = re.compile(r"-?[0-9]{1,20}")
_DECIMAL = re.compile(r"-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_TRUE = frozenset({"t", "T", "true", "True", "TRUE"})
_FALSE = frozenset({"f", "F", "false", "False", "FALSE"})


def convert(value: FieldValue, kind: FieldType) -> FieldValue | None:
    """The value as a field of type `kind`, or None where it is none.

    A text is read as a number or truth value if it is written like one; a number becomes an integer only if it is
    whole; anything may become a text.
    """
    match kind:
        case FieldType.STRING:
            return value if isinstance(value, str) else encode_value(value).decode().rstrip("iu")
        case FieldType.BOOLEAN:
            return value in _TRUE if isinstance(value, str) and value in _TRUE | _FALSE else None
        case FieldType.FLOAT:
            number = _number(value)
            return None if number is None else float(number)
        case FieldType.INTEGER:
            return _whole(value, _INT64)
        case FieldType.UNSIGNED:
            whole = _whole(value, _UINT64)
            return None if whole is None else Unsigned(whole)


def _number(value: FieldValue) -> float | None:
    if isinstance(value, bool):
        return None
    if not isinstance(value, str):
        return value
    if _WHOLE.fullmatch(value):
        return int(value)
    number = float(value) if _DECIMAL.fullmatch(value) else math.inf
    return number if math.isfinite(number) else None


def _whole(value: FieldValue, bounds: range) -> int | None:
    number = _number(value)
    if number is None or number % 1:
        return None
    return int(number) if int(number) in bounds else None
