"""Where `tocsin dead` finds letters: the running collector is asked; where none runs, its file is read and left."""

from __future__ import annotations

import argparse
import sqlite3
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from collector.dead import file
from collector.dead.letter import Wanted
from foundation import listen
from foundation.errors import ConfigError
from tocsin import config as configuration
from tocsin.asking import Collector, Refused

PATH = "/api/v1/dead"
_PAGE = 1000
Filters = Mapping[str, object]
"""As the collector's API names them; what is not given is not there."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some letters, oldest first, and where to go on: None behind the last."""

    letters: list[dict[str, Any]]
    next_after: int | None


class Letters(Protocol):
    """Dead letters to look at. Raises ConfigError where they cannot be had."""

    def page(self, filters: Filters, *, after: int, most: int) -> Page:
        """The first `most` that fit, behind the id `after`."""

    def accounts(self) -> list[dict[str, Any]]:
        """What became of all that there ever were."""


def find_letters(arguments: argparse.Namespace) -> Letters:
    """The collector's, or its file's where no collector runs on this state folder and none is named."""
    state = configuration.load(arguments.config).state
    if arguments.url or (listen.addresses(state).get("collector") and _answers(arguments)):
        return AskedLetters(Collector(arguments))
    print(f"tocsin dead: no collector runs on {state}; reading what it left there", file=sys.stderr)
    return FiledLetters(state / "dead")


def every(letters: Letters, filters: Filters) -> Iterator[dict[str, Any]]:
    """All letters that fit, page after page."""
    after: int | None = 0
    while after is not None:
        page = letters.page(filters, after=after, most=_PAGE)
        yield from page.letters
        after = page.next_after


class AskedLetters:
    """Those of a running collector."""

    def __init__(self, collector: Collector) -> None:
        self._collector = collector

    def page(self, filters: Filters, *, after: int, most: int) -> Page:
        """The first `most` that fit, behind the id `after`. Raises Refused as well."""
        answer = self._collector.ask(PATH, {**filters, "after": after, "limit": most})
        return Page(answer["letters"], answer["next_after"])

    def accounts(self) -> list[dict[str, Any]]:
        """What became of all that there ever were. Raises Refused as well."""
        accounts: list[dict[str, Any]] = self._collector.ask(f"{PATH}/accounts")["accounts"]
        return accounts


class FiledLetters:
    """Those that a collector left in its folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def page(self, filters: Filters, *, after: int, most: int) -> Page:
        """The first `most` that fit, behind the id `after`."""
        with self._opened() as db:
            found = list(file.select(db, _wanted(filters), after=after, most=most)) if db else []
        return Page([kept.shown() for kept in found], found[-1].id if found and len(found) == most else None)

    def accounts(self) -> list[dict[str, Any]]:
        """What became of all that there ever were."""
        with self._opened() as db:
            return [asdict(one) for one in file.accounts(db)] if db else []

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection | None]:
        try:
            with file.open_to_read(self._folder) as db:
                yield db
        except sqlite3.Error as error:
            mend = "start the collector, which finishes what a crash left undone"
            raise ConfigError(f"{self._folder / file.FILE}: cannot be read: {error}; {mend}") from error


def _answers(arguments: argparse.Namespace) -> bool:
    try:
        Collector(arguments).ask("/health")
    except ConfigError:
        return False
    except Refused:
        return True
    return True


def _wanted(filters: Filters) -> Wanted:
    ids = str(filters.get("id", ""))
    given = {name: value for name, value in filters.items() if name != "id"}
    return Wanted(ids=tuple(int(one) for one in ids.split(",") if one), **given)  # type: ignore[arg-type]  # as named there
