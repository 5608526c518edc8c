"""A YAML node and a type in, a typed value out, or every fault in it with file, line and path.

`settings` calls this; nothing else does. The invariant: what comes out is fully typed and frozen, so no string with a
meaning (duration, path, secret) travels further into the program.
"""

from __future__ import annotations

import dataclasses
import difflib
import os
import re
import types
import typing
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Any, Literal, Union

import yaml

from foundation import durations
from foundation.description import describe, key_of, kind_of, members
from foundation.errors import ConfigError
from foundation.secret import Secret

REST = "rest"
_REFERENCE = re.compile(r"\$\{(file:)?([^}:]+)(?::-([^}]*))?\}")
_TAG_NAMES = {"int": "a whole number", "float": "a number", "bool": "true or false", "null": "nothing", "str": "text"}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a node stands, as errors print it: `tocsin.yml:4: store.url`."""

    file: str
    path: str = ""

    def under(self, key: str) -> Place:
        """The place of a key or `[index]` below this one."""
        joint = "" if not self.path or key.startswith("[") else "."
        return Place(self.file, f"{self.path}{joint}{key}")

    def fault(self, node: yaml.Node | None, problem: str) -> ConfigError:
        """The error to raise for `problem` at this place."""
        named = node.start_mark.name if node is not None else self.file
        line = f":{node.start_mark.line + 1}" if node is not None and not named.startswith("$") else ""
        return ConfigError(f"{named}{line}: {self.path + ': ' if self.path else ''}{problem}")


def nearest(word: str, known: Iterable[str]) -> str:
    """`; did you mean X?` for the closest known word, else a list of what is known."""
    words = sorted(known)
    close = difflib.get_close_matches(word, words, n=1, cutoff=0.6)
    if close:
        return f"; did you mean {close[0]}?"
    return f"; known here: {', '.join(words)}" if words else ""


class Decoder:
    """Decodes nodes of one file. `folder` is what relative paths start from, `env` what `${NAME}` looks into."""

    def __init__(self, folder: Path, env: Mapping[str, str]) -> None:
        self._folder = folder
        self._env = env

    def decode(self, kind: Any, node: yaml.Node | None, at: Place) -> Any:
        """`node` as a value of type `kind`. Raises ConfigError holding every fault below the node."""
        if typing.get_origin(kind) in (Union, types.UnionType):
            return self._union(kind, node, at)
        if kind is Any:
            return self._plain(node, at)
        if dataclasses.is_dataclass(kind) and isinstance(kind, type):
            return self._dataclass(kind, node, at)
        if node is None:
            raise at.fault(None, f"expected {describe(kind)}; found nothing")
        origin = typing.get_origin(kind)
        if origin is tuple:
            return self._sequence(typing.get_args(kind)[0], node, at)
        if origin is not None and isinstance(origin, type) and issubclass(origin, Mapping):
            return self._mapping(typing.get_args(kind)[1], node, at)
        return self._scalar(kind, node, at)

    def _union(self, kind: Any, node: yaml.Node | None, at: Place) -> Any:
        if types.NoneType in typing.get_args(kind) and (node is None or _tag(node) == "null"):
            return None
        choices = members(kind)
        tagged = {kind_of(choice): choice for choice in choices if dataclasses.is_dataclass(choice)}
        if isinstance(node, yaml.MappingNode) and tagged and "" not in tagged:
            return self.decode(self._tagged(tagged, node, at), node, at)
        for choice in choices:
            wants_list = typing.get_origin(choice) is tuple
            wants_map = dataclasses.is_dataclass(choice) or (typing.get_origin(choice) is not None and not wants_list)
            found_list, found_map = isinstance(node, yaml.SequenceNode), isinstance(node, yaml.MappingNode)
            if wants_list == found_list and wants_map == found_map:
                return self.decode(choice, node, at)
        raise at.fault(node, f"expected {describe(kind)}; found {_found(node) if node is not None else 'nothing'}")

    def _tagged(self, tagged: Mapping[str, Any], node: yaml.MappingNode, at: Place) -> Any:
        for key, value in node.value:
            if key.value == "kind":
                name = self._text(value, at.under("kind"))
                if name not in tagged:
                    raise at.under("kind").fault(value, f"{name!r} is not known{nearest(name, tagged)}")
                return tagged[name]
        raise at.fault(node, f"kind is missing; one of {', '.join(sorted(tagged))}")

    def _dataclass(self, kind: type, node: yaml.Node | None, at: Place) -> Any:
        if node is not None and not isinstance(node, yaml.MappingNode):
            if _tag(node) != "null":
                raise at.fault(node, f"expected a mapping of {_keys(kind)}; found {_found(node)}")
            node = None
        hints = typing.get_type_hints(kind)
        values, faults = self._entries(kind, hints, node, at)
        for field in dataclasses.fields(kind):
            if field.init and field.name not in values and not faults and _required(field):
                problem = f"{key_of(field)} is missing; expected {describe(hints[field.name])}"
                faults += at.fault(node, problem).problems
        if faults:
            raise ConfigError(*faults)
        try:
            return kind(**values)
        except ValueError as error:
            raise at.fault(node, str(error)) from error

    def _entries(
        self, kind: type, hints: Mapping[str, Any], node: yaml.MappingNode | None, at: Place
    ) -> tuple[dict[str, Any], list[str]]:
        named = {key_of(field): field.name for field in dataclasses.fields(kind) if field.init and not _is_rest(field)}
        catchall = next((field for field in dataclasses.fields(kind) if _is_rest(field)), None)
        catalog: Mapping[str, Any] = catchall.metadata[REST] if catchall else {}
        values: dict[str, Any] = {}
        extra: list[tuple[str, Any]] = []
        faults: list[str] = []
        seen: set[str] = set()
        for key_node, value in node.value if node is not None else ():
            key = str(key_node.value)
            place = at.under(key)
            try:
                if key in seen:
                    raise place.fault(key_node, "is given twice; keep one")
                seen.add(key)
                if key in named:
                    values[named[key]] = self.decode(hints[named[key]], value, place)
                elif key in catalog:
                    extra += [(key, config) for config in self._sequence(catalog[key], value, place)]
                else:
                    raise at.fault(key_node, f"unknown key {key!r}{nearest(key, {*named, *catalog})}")
            except ConfigError as error:
                faults += error.problems
        if catchall:
            values[catchall.name] = tuple(extra)
        return values, faults

    def _sequence(self, item: Any, node: yaml.Node, at: Place) -> tuple[Any, ...]:
        if not isinstance(node, yaml.SequenceNode):
            shown = f": [{node.value}]" if isinstance(node, yaml.ScalarNode) and item in (str, int, float, Path) else ""
            problem = f"expected {describe(tuple[item, ...])}; found {_found(node)}"
            raise at.fault(node, f"{problem}; put it in brackets{shown}" if _tag(node) != "null" else problem)
        return tuple(self._all(((f"[{i}]", child) for i, child in enumerate(node.value)), item, at).values())

    def _mapping(self, item: Any, node: yaml.Node, at: Place) -> Mapping[str, Any]:
        if not isinstance(node, yaml.MappingNode):
            raise at.fault(node, f"expected {describe(Mapping[str, item])}; found {_found(node)}")
        return types.MappingProxyType(self._all(((str(k.value), child) for k, child in node.value), item, at))

    def _all(self, children: Iterable[tuple[str, yaml.Node]], item: Any, at: Place) -> dict[str, Any]:
        values: dict[str, Any] = {}
        faults: list[str] = []
        for key, child in children:
            try:
                values[key] = self.decode(item, child, at.under(key))
            except ConfigError as error:
                faults += error.problems
        if faults:
            raise ConfigError(*faults)
        return values

    def _plain(self, node: yaml.Node | None, at: Place) -> Any:
        if isinstance(node, yaml.SequenceNode):
            return tuple(self._plain(child, at.under(f"[{i}]")) for i, child in enumerate(node.value))
        if isinstance(node, yaml.MappingNode):
            return {str(key.value): self._plain(child, at.under(str(key.value))) for key, child in node.value}
        if node is None or _tag(node) == "null":
            return None
        text = self._text(node, at)
        return yaml.safe_load(text) if text == node.value and not getattr(node, "style", None) else text

    def _scalar(self, kind: Any, node: yaml.Node, at: Place) -> Any:
        if not isinstance(node, yaml.ScalarNode):
            raise at.fault(node, f"expected {describe(kind)}; found {_found(node)}")
        text = self._text(node, at)
        given = "env" if text != node.value or _from_environment(node) else _tag(node)
        if kind is str and given not in ("str", "env", "timestamp"):
            raise at.fault(node, f"expected text; found {_TAG_NAMES.get(given, given)}; put it in quotes: '{text}'")
        try:
            return self._value(kind, text, given, node)
        except ValueError as error:
            told = str(error)
            detail = told if told.startswith(repr(text)) or " is not " in told else f"{text!r} is not {describe(kind)}"
            raise at.fault(node, detail if kind is not Secret else f"is not {describe(kind)}") from error

    def _value(self, kind: Any, text: str, given: str, node: yaml.Node) -> Any:
        if typing.get_origin(kind) is Literal:
            choices = [str(choice) for choice in typing.get_args(kind)]
            return _choice(text, dict(zip(choices, typing.get_args(kind), strict=True)))
        if isinstance(kind, type) and issubclass(kind, Enum):
            return _choice(text, {str(member.value): member for member in kind})
        if kind is bool:
            return _choice(text.lower(), {"true": True, "false": False, "yes": True, "no": False})
        if kind in (int, float):
            if given in ("bool", "str") or text.lower().lstrip(".") == "nan":
                raise ValueError(f"{text!r} is not {describe(kind)}")
            return kind(text.replace("_", ""))
        if kind is timedelta:
            return durations.parse(text)
        if kind is Path:
            folder = Path() if _from_environment(node) else self._folder
            return Path(os.path.normpath(folder / Path(text).expanduser()))
        if kind is Secret:
            return Secret(text)
        if kind is str:
            return text
        raise TypeError(f"settings cannot decode {kind!r}")

    def _text(self, node: yaml.Node, at: Place) -> str:
        def found(match: re.Match[str]) -> str:
            from_file, name, default = match.groups()
            if from_file:
                try:
                    return (self._folder / name).read_text().strip()
                except OSError as error:
                    raise at.fault(node, f"cannot read {name}: {error.strerror}") from error
            value = self._env.get(name) or default
            if value is None:
                raise at.fault(
                    node, f"the environment variable {name} is not set; set it, or write ${{{name}:-default}}"
                )
            return value

        return _REFERENCE.sub(found, str(node.value))


def _choice(text: str, choices: Mapping[str, Any]) -> Any:
    if text in choices:
        return choices[text]
    raise ValueError(f"{text!r} is not one of {', '.join(choices)}{_guess(text, choices)}")


def _guess(text: str, choices: Iterable[str]) -> str:
    close = difflib.get_close_matches(text, list(choices), n=1, cutoff=0.6)
    return f"; did you mean {close[0]}?" if close else ""


def _from_environment(node: yaml.Node) -> bool:
    return str(node.start_mark.name).startswith("$")


def _tag(node: yaml.Node) -> str:
    return str(node.tag).rpartition(":")[2]


def _is_rest(field: dataclasses.Field[Any]) -> bool:
    return REST in field.metadata


def _required(field: dataclasses.Field[Any]) -> bool:
    return field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING


def _keys(kind: type) -> str:
    own = [key_of(field) for field in dataclasses.fields(kind) if field.init and not _is_rest(field)]
    more = [key for field in dataclasses.fields(kind) if _is_rest(field) for key in field.metadata[REST]]
    return ", ".join((*own, *more))


def _found(node: yaml.Node) -> str:
    if isinstance(node, yaml.SequenceNode):
        return "a list"
    if isinstance(node, yaml.MappingNode):
        return "a mapping"
    return _TAG_NAMES.get(_tag(node), "text")
