"""`tocsin restore FOLDER|FILE.tar`: a backup into a state folder that holds nothing; `--store`: its store alone, into
one that has lost its own, beside the buffer and whatever else is there.

Everything is verified before anything gets its name: checksums first, then the points of every measurement counted in
the store's file itself. The store is put in place last; a restore that was interrupted is done again.
"""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import duckdb

from foundation.errors import ConfigError
from store.embedded.copying import count_lines
from tocsin import archive
from tocsin import config as configuration
from tocsin.copying import file_of

_PART = ".part"


def run(arguments: argparse.Namespace) -> int:
    """Exit 0 when everything is in place. Raises ConfigError where it cannot be."""
    config = configuration.load(arguments.config)
    with archive.opened(arguments.source) as backup:
        places = {name: config.state / name for name in backup.files if name == archive.STORE or not arguments.store}
        if arguments.store and not places:
            raise ConfigError(f"{arguments.source}: has no store in it; take another backup")
        if archive.STORE in places:
            file = file_of(config)
            if file is None:
                raise ConfigError(f"store: kind {config.store.kind}; a backup with a store takes kind embedded")
            _demand_counts(backup)
            del places[archive.STORE]
            places[archive.STORE] = file
        if arguments.store:
            _demand_gone(places[archive.STORE])
        else:
            _demand_empty(config.state, backup, places)
        places = {name: place for name, place in places.items() if not backup.has(name, place)}
        with archive.being_written(config.state):
            for name, place in places.items():
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(backup.folder / name, _part(place))
                archive.sync(_part(place))
        for place in places.values():
            _part(place).rename(place)
            archive.sync(place.parent)
        _tell(config.state, backup, as_json=arguments.json)
    return 0


def _tell(state: Path, backup: archive.Backup, *, as_json: bool) -> None:
    points = sum(sum(measurements.values()) for measurements in backup.lines.values())
    if as_json:
        print(json.dumps({"state": str(state), "created": backup.created, "lines": backup.lines}))
    else:
        print(f"{state}: {points} points in {len(backup.lines)} buckets, as of {backup.created}")


def _demand_counts(backup: archive.Backup) -> None:
    try:
        held = count_lines(backup.folder / archive.STORE)
    except duckdb.Error as error:
        raise ConfigError(f"{backup.folder / archive.STORE}: cannot be read ({error}); take another backup") from error
    if held != backup.lines:
        raise ConfigError(f"{backup.folder / archive.STORE}: does not hold what the manifest says; take another backup")


def _demand_empty(state: Path, backup: archive.Backup, places: dict[str, Path]) -> None:
    """Nothing but what an interrupted restore of the same backup left: files without a name yet, or in their places."""
    found = {path for path in state.rglob("*") if path.is_file() and path.suffix != _PART} if state.exists() else set()
    found |= {place for place in places.values() if place.exists()}
    found -= {place for name, place in places.items() if backup.has(name, place)}
    if found:
        raise ConfigError(
            f"{state}: is not empty ({min(found).name}); restore overwrites nothing: stop what runs there and move its "
            "files away, or name another folder (TOCSIN_STATE=...)"
        )


def _demand_gone(file: Path) -> None:
    """Neither the file nor its log, which belongs to that file alone."""
    for there in (file, file.with_name(file.name + ".wal")):
        if there.exists():
            raise ConfigError(
                f"{there}: is there; restore overwrites nothing: stop the collector, move {file.name} and "
                f"{file.name}.wal away, and try again"
            )


def _part(place: Path) -> Path:
    return place.with_name(place.name + _PART)
