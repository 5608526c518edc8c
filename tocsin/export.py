"""`tocsin export FILE|FOLDER`: points as line protocol in a file, or as Parquet in a folder of partitions.

Both come from a copy of the store, so they are of one moment and cost the running collector no more than a backup.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from foundation.errors import ConfigError
from foundation.line_protocol.line import LineError
from store.embedded.export import Selection, line_protocol, write_parquet
from store.errors import StoreUnavailable
from tocsin import config as configuration
from tocsin.archive import being_written, sync
from tocsin.asking import Refused
from tocsin.copying import copied_store
from tocsin.instants import instant_ns

_DEFAULT_BUCKET = "telemetry"
_GZIP_LEVEL = 1


def run(arguments: argparse.Namespace) -> int:
    """Exit 0 when all that was asked for is written, 1 when something is left out or the store said no."""
    config = configuration.load(arguments.config)
    target: Path = arguments.target
    if target.exists():
        raise ConfigError(f"{target}: is there already; an export overwrites nothing")
    as_lines = arguments.format == "lp"
    selection = _selection(arguments, default_bucket=_DEFAULT_BUCKET if as_lines else None)
    part = target.with_name(target.name + ".part")
    left_out: list[LineError] = []
    try:
        with being_written(target), _being_made(part), copied_store(config, arguments) as copied:
            if selection.bucket is not None and selection.bucket not in copied.lines:
                there = ", ".join(sorted(copied.lines)) or "none"
                raise ConfigError(f"--bucket: the store has no bucket {selection.bucket!r}; it has {there}")
            if as_lines:
                points = _write_lines(copied.path, selection, part, left_out, packed=target.suffix == ".gz")
            else:
                points = _write_parquet(copied.path, selection, part)
        part.rename(target)
        sync(target.absolute().parent)
    except (Refused, StoreUnavailable) as error:
        print(f"tocsin export: {error}", file=sys.stderr)
        return 1
    if arguments.json:
        print(json.dumps({"export": str(target), "points": points, "left_out": len(left_out)}))
    else:
        print(f"{target}: {points} points")
    if left_out:
        print(f"tocsin export: {len(left_out)} points left out, the first because: {left_out[0]}", file=sys.stderr)
    return 1 if left_out else 0


@contextmanager
def _being_made(part: Path) -> Iterator[None]:
    """Nothing of an earlier try is there at the beginning, and nothing of this one after a failure."""
    _remove(part)
    try:
        yield
    except BaseException:
        _remove(part)
        raise


def _remove(part: Path) -> None:
    if part.is_dir():
        shutil.rmtree(part)
    else:
        part.unlink(missing_ok=True)


def _selection(arguments: argparse.Namespace, *, default_bucket: str | None) -> Selection:
    return Selection(
        bucket=arguments.bucket or default_bucket,
        measurement=arguments.measurement,
        since_ns=instant_ns("since", arguments.since) if arguments.since else None,
        until_ns=instant_ns("until", arguments.until) if arguments.until else None,
    )


def _write_lines(source: Path, selection: Selection, part: Path, left_out: list[LineError], *, packed: bool) -> int:
    points = 0
    with part.open("wb") as file:
        with gzip.GzipFile(fileobj=file, mode="wb", compresslevel=_GZIP_LEVEL) if packed else nullcontext(file) as out:
            for lines, count in line_protocol(source, selection, left_out.append):
                out.write(lines)
                points += count
        file.flush()
        os.fsync(file.fileno())
    return points


def _write_parquet(source: Path, selection: Selection, part: Path) -> int:
    part.mkdir(parents=True)
    return write_parquet(source, selection, part)
