"""What differs between two configurations of one shape, and what a running process can make of it. Pure.

    listen: str = field(default="127.0.0.1:8080", metadata=FIXED)

The front door compares the configuration in force with the one on disk. The invariant: `in_force` keeps every field
that is marked so, with all below it, so a role may take what it gets as a whole.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeVar

from foundation.description import key_of

T = TypeVar("T")
_FIXED = "fixed"
FIXED: Mapping[str, bool] = MappingProxyType({_FIXED: True})
"""The metadata of a dataclass field that a running process cannot take up: a change of it waits for a restart."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A setting whose value is another now. `path`: its keys as in YAML, `collector.json.tags`.

    `fixed`: a running process cannot take it up.
    """

    path: str
    fixed: bool


def is_fixed(field: dataclasses.Field[Any]) -> bool:
    """Whether the field is marked with FIXED."""
    return _FIXED in field.metadata


def differences(before: object, after: object) -> tuple[Difference, ...]:
    """Every setting that differs, in the order of the fields. What has another type is told as a whole."""
    return tuple(_differences(before, after, "", fixed=False))


def in_force(before: T, after: T) -> T:
    """`after`, but with everything that is fixed as it was `before`."""
    if not _comparable(before, after):
        return after
    kept: dict[str, Any] = {}
    for field in dataclasses.fields(before):  # type: ignore[arg-type]  # _comparable saw that it is a dataclass
        was, wanted = getattr(before, field.name), getattr(after, field.name)
        kept[field.name] = was if is_fixed(field) else in_force(was, wanted)
    return dataclasses.replace(after, **kept)  # type: ignore[type-var]  # as above


def _differences(before: object, after: object, path: str, *, fixed: bool) -> Iterator[Difference]:
    if before == after:
        return
    if not _comparable(before, after):
        yield Difference(path, fixed)
        return
    for field in dataclasses.fields(before):  # type: ignore[arg-type]  # as above
        below = f"{path}.{key_of(field)}".lstrip(".")
        was, wanted = getattr(before, field.name), getattr(after, field.name)
        yield from _differences(was, wanted, below, fixed=fixed or is_fixed(field))


def _comparable(before: object, after: object) -> bool:
    return dataclasses.is_dataclass(before) and type(before) is type(after)
