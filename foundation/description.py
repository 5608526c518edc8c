"""What a value of a type looks like, in the words of errors and of the documentation.

`decoding` says it when something else was found, the documentation of the configuration says it beforehand.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping, Sequence
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Any, Literal, Union

from foundation.secret import Secret

_ONE: Mapping[Any, str] = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    timedelta: "a duration such as 500ms, 10s, 1m30s or 24h",
    Path: "a path",
    Secret: "a secret, best as ${NAME} or ${file:/path}",
}
_MANY: Mapping[Any, str] = {
    int: "whole numbers",
    float: "numbers",
    timedelta: "durations such as 500ms, 10s, 1m30s or 24h",
    Path: "paths",
    Secret: "secrets, best as ${NAME} or ${file:/path}",
}


def describe(kind: Any) -> str:
    """What is expected of a value of type `kind`: `a list of paths`, `one of open, required`."""
    if kind in _ONE:
        return _ONE[kind]
    origin = typing.get_origin(kind)
    if origin is Literal:
        return _one_of([str(choice) for choice in typing.get_args(kind)])
    if origin is tuple:
        return f"a list of {_several(typing.get_args(kind)[0])}"
    if origin in (Union, types.UnionType):
        return _any_of(members(kind))
    if isinstance(kind, type) and issubclass(kind, Enum):
        return _one_of([str(member.value) for member in kind])
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return f"a mapping of names to {describe(typing.get_args(kind)[1])}"
    return "a mapping"


def key_of(field: dataclasses.Field[Any]) -> str:
    """The YAML key of a dataclass field: a trailing underscore keeps Python's keywords away (`for_` is `for`)."""
    return field.name.rstrip("_")


def members(kind: Any) -> tuple[Any, ...]:
    """The alternatives of a union without None; any other type alone."""
    if typing.get_origin(kind) in (Union, types.UnionType):
        return tuple(arg for arg in typing.get_args(kind) if arg is not types.NoneType)
    return (kind,)


def kind_of(kind: Any) -> str:
    """What `kind:` must say to mean this dataclass; empty for one that has no such field."""
    hint = typing.get_type_hints(kind).get("kind") if dataclasses.is_dataclass(kind) else None
    return str(typing.get_args(hint)[0]) if typing.get_origin(hint) is Literal else ""


def _one_of(words: Sequence[str]) -> str:
    return f"one of {', '.join(words)}" if len(words) > 1 else words[0]


def _several(kind: Any) -> str:
    described = describe(kind)
    return _MANY.get(kind) or (
        f"mappings{described.removeprefix('a mapping')}" if "a mapping" in described else described
    )


def _any_of(choices: Sequence[Any]) -> str:
    kinds = [kind_of(choice) for choice in choices]
    if len(choices) > 1 and all(kinds):
        return f"a mapping whose kind is {_one_of(kinds)}"
    return " or ".join(dict.fromkeys(describe(choice) for choice in choices))
