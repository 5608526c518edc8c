"""YAML and environment in, frozen typed values out; an unknown key, bad duration or wrong type is an error that says
which file, line and path, what was expected and the nearest valid name.

    @dataclass(frozen=True, slots=True, kw_only=True)
    class Example:
        every: timedelta = timedelta(seconds=10)
        url: str

    load(Example, Path("example.yml"), os.environ)

The environment wins over the file, the file over defaults. Relative paths start from the folder of the file they stand
in; those in a variable from the working folder. The variable of `collector.json.tags` is
`TOCSIN_COLLECTOR_JSON_TAGS`; its value is YAML. A variable with the prefix that names no setting is an error.
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml

from foundation.decoding import REST, Decoder, Place, nearest
from foundation.description import key_of, members
from foundation.errors import ConfigError

T = TypeVar("T")

_NOT_SETTINGS = frozenset({"TOCSIN_REQUIRE_SERVERS", "TOCSIN_SERVERS"})
"""Names with our prefix that speak to the test suite and may stand in anybody's environment."""


def rest(catalog: Mapping[str, type]) -> Any:
    """A dataclass field that takes all keys that are no other field and stand in `catalog` (key -> Config type).

    In YAML each such key holds a list of mappings; the field's value is a tuple of (key, Config), in file order.
    """
    return dataclasses.field(default=(), metadata={REST: catalog})


def load(
    cls: type[T], path: Path, env: Mapping[str, str], *, prefix: str | None = "TOCSIN", may_lack: bool = False
) -> T:
    """The file at `path` as a `cls`; with `may_lack`, a file that is not there is an empty one.

    Raises ConfigError listing every fault of the file and of the environment.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        if not may_lack:
            raise ConfigError(f"{path}: there is no such file; make it, or mend the path") from error
        text = ""
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}:{line}: is not UTF-8: {error.reason}; save it in that encoding") from error
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror or error}") from error
    return decode(cls, text, name=str(path), folder=path.parent, env=env, prefix=prefix)


def decode(cls: type[T], text: str, *, name: str, folder: Path, env: Mapping[str, str], prefix: str | None = None) -> T:
    """YAML `text` as a `cls`. `name` is what errors call it, `folder` what relative paths start from."""
    root = _compose(text, name)
    if prefix:
        root = _override(cls, root, env, prefix)
    value = Decoder(folder, env).decode(cls, root, Place(name))
    return typing.cast("T", value)


def variables(cls: type, prefix: str = "TOCSIN") -> dict[str, tuple[str, ...]]:
    """Every environment variable that overrides a setting of `cls`, and the path of keys that it sets."""
    return {"_".join((prefix, *path)).upper(): path for path in _paths(cls)}


def _paths(kind: Any) -> Iterator[tuple[str, ...]]:
    for choice in members(kind):
        if not (dataclasses.is_dataclass(choice) and isinstance(choice, type)):
            continue
        hints = typing.get_type_hints(choice)
        for field in dataclasses.fields(choice):
            if REST in field.metadata or not field.init:
                continue
            yield (key_of(field),)
            yield from ((key_of(field), *deeper) for deeper in _paths(hints[field.name]))


def _compose(text: str, name: str) -> yaml.Node | None:
    loader = yaml.SafeLoader(text)
    loader.name = name
    try:
        return loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        line = f":{error.problem_mark.line + 1}" if error.problem_mark else ""
        raise ConfigError(f"{name}{line}: is not YAML: {error.problem}") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{name}: is not YAML: {error}") from error
    finally:
        loader.dispose()


def _override(cls: type, root: yaml.Node | None, env: Mapping[str, str], prefix: str) -> yaml.Node | None:
    known = variables(cls, prefix)
    faults = [
        f"${name}: names no setting{nearest(name, known)}"
        for name in sorted(env)
        if name.startswith(f"{prefix}_") and name not in known and name not in _NOT_SETTINGS
    ]
    if faults:
        raise ConfigError(*faults)
    for name in sorted(env, key=len):
        if name in known:
            root = _graft(root, known[name], _compose(env[name], f"${name}"), f"${name}")
    return root


def _graft(root: yaml.Node | None, path: tuple[str, ...], value: yaml.Node | None, name: str) -> yaml.Node | None:
    if not path:
        return value
    mark = yaml.Mark(name, 0, 0, 0, None, 0)
    if not isinstance(root, yaml.MappingNode):
        root = yaml.MappingNode("tag:yaml.org,2002:map", [], mark, mark)
    below = next((child for key, child in root.value if key.value == path[0]), None)
    grafted = _graft(below, path[1:], value, name)
    kept = [(key, child) for key, child in root.value if key.value != path[0]]
    key = yaml.ScalarNode("tag:yaml.org,2002:str", path[0], mark, mark)
    empty = yaml.ScalarNode("tag:yaml.org,2002:str", "", mark, mark)
    return yaml.MappingNode(root.tag, [*kept, (key, grafted or empty)], root.start_mark, root.end_mark)
