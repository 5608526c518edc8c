"""What the transforms make of lines like others before: heads are remembered, fields copied or changed one by one.

A recipe is made of a line that walked through every transform, where each of them told (Effect) what holds for others
like it. Called by the examination of a body. Invariant: a recipe writes what walking would, or it does not exist. Its
lines are not judged here: the shapes of what comes out are matched against those that the checks have settled.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from collector.transform.contract import Effect
from foundation.batch import FieldType
from foundation.line_protocol.encode import encode_head, encode_key, encode_value
from foundation.line_protocol.grammar import LONGEST_FAST_LINE
from foundation.line_protocol.line import MOST_KEY_BYTES, FieldValue, Line, LineError, field_type
from foundation.line_protocol.parse import Point, value_reader

_HEAD = re.compile(rb"((?:[^ \\]|\\.)+) ", re.DOTALL)
_PAIR = re.compile(rb'((?:[^,= \\]|\\.)+)=("(?:[^"\\]|\\.)*"|[^,]+)', re.DOTALL)
_RECIPE_BYTES = 400
"""What a recipe takes beside its texts, about."""
_MOST_FIELDS = 64
"""Sets of fields that are remembered for one head."""

Convert = Callable[[bytes], bytes]
"""A value as written to the value to write. Raises LineError for one that has to be walked."""


class FieldPlan(NamedTuple):
    """For each field to write: its key and equals sign, which of the line's fields it comes from, how it changes.

    `by` are the transforms that change lines with these fields.
    """

    fields: tuple[tuple[bytes, int, Convert | None], ...]
    by: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Recipe:
    """What becomes of every line with one head. `head` ends in a blank; None takes the line out.

    `plans`: keys of the fields as written -> what becomes of them. None copies all of them; then `by` did the rest.
    """

    head: bytes | None
    by: tuple[str, ...] = ()
    plans: dict[tuple[bytes, ...], FieldPlan] | None = None


Recipes = dict[bytes, Recipe]
"""Measurement and tags as written -> recipe"""


def cost_bytes(head: bytes, recipe: Recipe) -> int:
    """The memory that a recipe takes, about."""
    return _RECIPE_BYTES + len(head) + len(recipe.head or b"")


def split_head(line: bytes) -> tuple[bytes, bytes]:
    """Measurement and tags, and the rest, of a line of known shape."""
    if b"\\" not in line:
        head, _, rest = line.partition(b" ")
        return head, rest
    found = _HEAD.match(line)
    return (found[1], line[found.end() :]) if found else (line, b"")


def write(recipe: Recipe, rest: bytes, *, stamped: bool) -> tuple[bytes, tuple[str, ...]] | None:
    """The line to write, without newline, and who changed it; None for one that has to be walked.

    The line is empty where it is taken out.
    """
    if recipe.head is None:
        return b"", recipe.by
    if recipe.plans is None:
        return recipe.head + rest, recipe.by
    text, blank, stamp = rest.rpartition(b" ") if stamped else (rest, b"", b"")
    if b'"' in text or b"\\" in text:
        pairs = _PAIR.findall(text)
        keys, values = tuple([key for key, _ in pairs]), [value for _, value in pairs]
    else:
        parts = [pair.partition(b"=") for pair in text.split(b",")]
        keys, values = tuple([part[0] for part in parts]), [part[2] for part in parts]
    plan = recipe.plans.get(keys)
    if plan is None:
        return None
    try:
        written = [key + (values[at] if convert is None else convert(values[at])) for key, at, convert in plan.fields]
    except LineError:
        return None
    return recipe.head + b",".join(written) + blank + stamp, plan.by


def make_recipe(point: Point, after: Line | None, by: Sequence[str], effects: Sequence[Effect]) -> Recipe | None:
    """The recipe for lines like the point, which became `after`; `by` are the transforms that did it.

    `effects` are those of all transforms it went through, in order. None where lines like it have to be walked.
    """
    by_fields = any(effect.by_fields for effect in effects)
    if after is None:
        return None if by_fields else Recipe(None, tuple(by[-1:]))
    head = head_of(point, after) + b" "
    if len(head) + LONGEST_FAST_LINE > MOST_KEY_BYTES:
        return None
    names = tuple(dict.fromkeys(by))
    if not by_fields:
        return Recipe(head, names)
    plan = _plan(point, after, names, effects)
    keys = tuple([key for key, _ in point.fields])
    return None if plan is None else Recipe(head, plans={keys: plan})


def merged(one: Recipe, other: Recipe) -> Recipe:
    """Two recipes for one head that were made of lines with different fields. The first is kept if they are at odds."""
    if one.plans is None or other.plans is None or one.head != other.head:
        return one
    return one if len(one.plans) >= _MOST_FIELDS else Recipe(one.head, plans={**one.plans, **other.plans})


def head_of(point: Point, after: Line) -> bytes:
    """Measurement and tags of what became of the point: as they came where they are the same. Raises LineError."""
    before = point.line
    same = after.measurement == before.measurement and after.tags == before.tags
    return point.head if same else encode_head(after.measurement, dict(after.tags))


def fields_of(point: Point, after: Line) -> bytes:
    """The fields of what became of the point: as they came where their values are the same. Raises LineError."""
    before = point.line.fields
    if len(before) == len(after.fields) and all(map(_same, before, after.fields)):
        return b",".join([key + b"=" + value for key, value in point.fields])
    by_key = {key: at for at, (key, _) in enumerate(before)}
    by_value = {id(value): at for at, (_, value) in enumerate(before)}
    written = []
    for place, (key, value) in enumerate(dict(after.fields).items()):
        named = by_key.get(key)
        sources = (named, place, by_value.get(id(value)))
        at = next((at for at in sources if at is not None and at < len(before) and before[at][1] is value), None)
        name = encode_key(key) if named is None else point.fields[named][0]
        written.append(name + b"=" + (encode_value(value) if at is None else point.fields[at][1]))
    return b",".join(written)


def _same(one: tuple[str, FieldValue], other: tuple[str, FieldValue]) -> bool:
    return one[0] == other[0] and one[1] is other[1]


def _plan(point: Point, after: Line, by: tuple[str, ...], effects: Sequence[Effect]) -> FieldPlan | None:
    places = {key: at for at, (key, _) in enumerate(point.line.fields)}
    if len(places) < len(point.fields) or len(dict(after.fields)) < len(after.fields):
        return None
    planned: list[tuple[bytes, int, Convert | None]] = []
    for key, _ in after.fields:
        source, functions = _trace(key, effects)
        at = places.get(source)
        if at is None:
            return None
        value = point.line.fields[at][1]
        name = point.fields[at][0] if source == key else encode_key(key)
        planned.append((name + b"=", at, _converter(field_type(value), functions) if functions else None))
    return FieldPlan(tuple(planned), by)


def _trace(key: str, effects: Sequence[Effect]) -> tuple[str, list[Callable[[FieldValue], FieldValue]]]:
    """The field of the line as it came that the field `key` comes from, and what was done to its value, in order."""
    functions: list[Callable[[FieldValue], FieldValue]] = []
    for effect in reversed(effects):
        key, function = effect.values.get(key, (key, None))
        if function is not None:
            functions.insert(0, function)
    return key, functions


def _converter(kind: FieldType, functions: Sequence[Callable[[FieldValue], FieldValue]]) -> Convert:
    read = value_reader(kind)
    if len(functions) == 1:
        (change,) = functions
        return lambda text: encode_value(change(read(text)))

    def convert(text: bytes) -> bytes:
        value = read(text)
        for function in functions:
            value = function(value)
        return encode_value(value)

    return convert
