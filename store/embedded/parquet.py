"""Parquet that says what it is: which columns of a file are tags, and the names that they had in the store.

`export` writes the description into each file, as the value of KEY in its metadata; `lines_of` reads such files again,
as line protocol. Parquet of others has no description: nobody can tell a tag from a text there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

import duckdb

from foundation.batch import FieldType
from foundation.errors import ConfigError
from foundation.line_protocol.encode import encode
from foundation.line_protocol.line import LineError, Unsigned

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from store.embedded.schema import Column

KEY: Final = "tocsin"
_ROWS: Final = 10_000
_MEMORY: Final = "512MB"


@dataclass(frozen=True, slots=True)
class Description:
    """Bucket and measurement of a file; `columns`: its name of each -> kind and type, and the name in the store."""

    bucket: str
    measurement: str
    columns: Mapping[str, tuple[str, str]]

    @classmethod
    def of(cls, bucket: str, measurement: str, columns: Sequence[tuple[str, Column]]) -> Self:
        """Of columns with their names in the file."""
        kinds = {name: ("tag" if column.type is None else str(column.type), column.name) for name, column in columns}
        return cls(bucket, measurement, kinds)

    def as_text(self) -> str:
        """As it stands in the file."""
        return json.dumps({"bucket": self.bucket, "measurement": self.measurement, "columns": self.columns})

    @classmethod
    def read(cls, text: str) -> Self:
        """What `as_text` wrote. Raises ValueError and KeyError for anything else."""
        told = json.loads(text)
        columns = {name: (str(kind), str(own)) for name, (kind, own) in told["columns"].items()}
        return cls(told["bucket"], told["measurement"], columns)


def lines_of(folder: Path, on_unwritable: Callable[[LineError], None]) -> Iterator[tuple[str, bytes]]:
    """Bucket and lines, some thousand at a time, of all files below the folder, in the order of their names.

    What line protocol cannot carry is told and left out. Raises ConfigError for a file that is none of ours or cannot
    be read.
    """
    files = sorted(folder.rglob("*.parquet"))
    if not files:
        raise ConfigError(f"{folder}: there is no .parquet file below it")
    with duckdb.connect(config={"memory_limit": _MEMORY}) as connection:
        for file in files:
            try:
                yield from _lines_of_file(connection, file, on_unwritable)
            except duckdb.Error as error:
                raise ConfigError(f"{file}: cannot be read ({error})") from error


def _lines_of_file(
    connection: duckdb.DuckDBPyConnection, file: Path, on_unwritable: Callable[[LineError], None]
) -> Iterator[tuple[str, bytes]]:
    description = _description(connection, file)
    quoted = ", ".join('"' + name.replace('"', '""') + '"' for name in description.columns)
    select = f"SELECT epoch_ns(time), {quoted} FROM read_parquet(?, hive_partitioning = false)"  # noqa: S608 - quoted
    answer = connection.execute(select, [str(file)])
    while rows := answer.fetchmany(_ROWS):
        lines: list[bytes] = []
        for row in rows:
            try:
                lines.append(_line(description, row) + b"\n")
            except LineError as error:
                on_unwritable(error)
        yield description.bucket, b"".join(lines)


def _description(connection: duckdb.DuckDBPyConnection, file: Path) -> Description:
    found = connection.execute("SELECT key, value FROM parquet_kv_metadata(?)", [str(file)]).fetchall()
    text = next((value for key, value in found if key == KEY.encode()), None)
    try:
        return Description.read((text or b"").decode())
    except (ValueError, KeyError, TypeError) as error:
        raise ConfigError(
            f"{file}: was not written by `tocsin export`: it does not say which of its columns are tags"
        ) from error


def _line(description: Description, row: Sequence[Any]) -> bytes:
    tags: dict[str, str] = {}
    fields: dict[str, Any] = {}
    for (kind, name), value in zip(description.columns.values(), row[1:], strict=True):
        if value is None:
            continue
        if kind == "tag":
            tags[name] = value
        else:
            fields[name] = Unsigned(value) if kind == FieldType.UNSIGNED else value
    return encode(description.measurement, tags, fields, row[0])
