"""`tocsin backup FOLDER|FILE.tar`: the store and the state beside it, while everything runs.

The store is as of one moment; each other file is of its own moment, a little later. What waits in the buffer is not in
a backup: it is on its way to the store, and the next one has it. From another machine (`--url`) the store alone comes.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

from foundation.clock import SystemClock
from foundation.errors import ConfigError
from store.errors import StoreUnavailable
from tocsin import archive
from tocsin import config as configuration
from tocsin.asking import Refused
from tocsin.copying import copied_store, elsewhere, file_of


def run(arguments: argparse.Namespace) -> int:
    """Exit 0 when the backup stands, 1 when the store or the collector said no, 2 when it could not begin."""
    config = configuration.load(arguments.config)
    created = SystemClock().now().isoformat(timespec="seconds")
    lines: archive.Lines = {}
    try:
        with archive.being_written(arguments.target), archive.being_made(arguments.target) as folder:
            if file_of(config) is None and not arguments.url:
                print(f"tocsin backup: {elsewhere(config)}", file=sys.stderr)
            else:
                with copied_store(config, arguments) as copied:
                    shutil.move(copied.path, folder / archive.STORE)
                    lines = copied.lines
            if not arguments.url:
                _copy_state(config.state, folder)
            archive.write_manifest(folder, created=created, lines=lines)
    except (Refused, StoreUnavailable) as error:
        print(f"tocsin backup: {error}", file=sys.stderr)
        return 1
    points = sum(sum(measurements.values()) for measurements in lines.values())
    if arguments.json:
        print(json.dumps({"backup": str(arguments.target), "created": created, "lines": lines}))
    else:
        alone = "; the store alone: what else there is stays on its machine" if arguments.url else ""
        print(f"{arguments.target}: {points} points in {len(lines)} buckets, verified{alone}")
    return 0


def _copy_state(state: Path, folder: Path) -> None:
    for name in archive.DATABASES:
        _copy_database(state / name, folder / name)
    for name in archive.FILES:
        if (state / name).exists():
            shutil.copy2(state / name, folder / name)


def _copy_database(source: Path, target: Path) -> None:
    """SQLite's own online backup: whoever writes goes on."""
    if not source.exists():
        return
    target.parent.mkdir(exist_ok=True)
    try:
        with (
            closing(sqlite3.connect(f"file:{source.absolute()}?mode=ro", uri=True)) as before,
            closing(sqlite3.connect(target)) as after,
        ):
            before.backup(after)
            after.execute("PRAGMA journal_mode = DELETE")
    except sqlite3.Error as error:
        raise ConfigError(f"{source}: cannot be copied: {error}") from error
