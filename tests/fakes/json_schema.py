"""As much of JSON Schema 2020-12 as the descriptions of this project use; any other keyword is an error."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

_TYPES: Mapping[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "null": (type(None),),
    "integer": (int,),
    "number": (int, float),
}
_KNOWN = frozenset({"$ref", "anyOf", "enum", "const", "type", "format", "pattern", "minimum", "maximum"}) | {
    "items",
    "minItems",
    "properties",
    "required",
    "additionalProperties",
    "description",
    "default",
}


def faults(value: Any, schema: Mapping[str, Any], document: Mapping[str, Any], at: str = "$") -> Iterator[str]:
    """Where `value` is not what `schema` says; references are looked up in `document`."""
    assert set(schema) <= _KNOWN, f"{at}: {set(schema) - _KNOWN} is not known here"
    if "$ref" in schema:
        yield from faults(value, _found(schema["$ref"], document), document, at)
        return
    if "anyOf" in schema and all(any(faults(value, one, document, at)) for one in schema["anyOf"]):
        yield f"{at}: {value!r} is none of {schema['anyOf']}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{at}: {value!r} is not one of {schema['enum']}"
    if "const" in schema and value != schema["const"]:
        yield f"{at}: {value!r} is not {schema['const']!r}"
    kind = schema.get("type")
    if kind is not None and (not isinstance(value, _TYPES[kind]) or (isinstance(value, bool) and kind != "boolean")):
        yield f"{at}: {value!r} is no {kind}"
        return
    yield from _of_text(value, schema, at)
    yield from _of_number(value, schema, at)
    yield from _of_parts(value, schema, document, at)


def _of_text(value: Any, schema: Mapping[str, Any], at: str) -> Iterator[str]:
    if "pattern" in schema and not re.search(schema["pattern"], value):
        yield f"{at}: {value!r} does not match {schema['pattern']}"
    if schema.get("format") == "date-time" and datetime.fromisoformat(value).tzinfo is None:
        yield f"{at}: {value!r} names no zone"


def _of_number(value: Any, schema: Mapping[str, Any], at: str) -> Iterator[str]:
    if "minimum" in schema and value < schema["minimum"]:
        yield f"{at}: {value!r} is below {schema['minimum']}"
    if "maximum" in schema and value > schema["maximum"]:
        yield f"{at}: {value!r} is above {schema['maximum']}"


def _of_parts(value: Any, schema: Mapping[str, Any], document: Mapping[str, Any], at: str) -> Iterator[str]:
    if isinstance(value, list):
        if len(value) < schema.get("minItems", 0):
            yield f"{at}: has only {len(value)}"
        for index, one in enumerate(value):
            yield from faults(one, schema.get("items", {}), document, f"{at}[{index}]")
    if isinstance(value, dict):
        yield from (f"{at}: {name} is missing" for name in schema.get("required", ()) if name not in value)
        for name, one in value.items():
            own = schema.get("properties", {}).get(name, schema.get("additionalProperties", True))
            if own is False:
                yield f"{at}: {name} is not described"
            elif own is not True:
                yield from faults(one, own, document, f"{at}.{name}")


def _found(reference: str, document: Mapping[str, Any]) -> Any:
    found: Any = document
    for step in reference.removeprefix("#/").split("/"):
        found = found[step]
    return found
