"""`tocsin status`: what became of every line, by bucket, destination and source; and how the store stands."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console as Terminal
from rich.table import Table

from tocsin import rollups
from tocsin.asking import Collector, Refused

_ALWAYS = ("received", "delivered", "buffered", "rejected")
_SOMETIMES = ("taken_out", "dead", "skipped", "lost", "carried", "earlier")
"""Columns that are shown where they are not zero, so that the others fit a terminal of 80 columns."""
_MOST_SOURCES = 20
"""Sources shown with a row of their own: those that sent most."""


def run(arguments: argparse.Namespace) -> int:
    """Exit 0 where the ledger closes, 1 where it does not or nobody could be asked."""
    collector = Collector(arguments)
    try:
        ledger = collector.ask("/api/v1/ledger") | {"store": collector.ask(rollups.PATH)}
    except Refused as error:
        print(f"tocsin status: {error}", file=sys.stderr)
        return 1
    if arguments.json:
        print(json.dumps(ledger))
    else:
        show(ledger)
    return 0 if ledger["closes"] else 1


def show(ledger: Mapping[str, Any]) -> None:
    """Print the answers of `/api/v1/ledger` and `/api/v1/store` for people."""
    terminal = Terminal(markup=False, highlight=False)
    for bucket in ledger["buckets"]:
        print(f"bucket {bucket['bucket']} to {bucket['destination']}")
        terminal.print(_table(bucket))
    for line in (*_reasons(ledger), *_standings(ledger), *rollups.standing_lines(ledger["store"])):
        print(line)
    print("the ledger closes" if ledger["closes"] else "lines are unaccounted for: see docs/ledger.md")


def _table(bucket: Mapping[str, Any]) -> Table:
    columns = [*_ALWAYS, *(name for name in _SOMETIMES if bucket[name])]
    table = Table("source", box=SIMPLE_HEAD, pad_edge=False)
    for name in (*columns, "closes"):
        table.add_column(name.replace("_", " "), justify="right", no_wrap=True)
    table.add_row("all", *_cells(_flat(bucket), columns))
    for source, terms in _largest(bucket["sources"]):
        table.add_row(source, *_cells(terms, columns))
    return table


def _largest(sources: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, Counter[str]]]:
    """The sources that sent most, and the sum of all others."""
    by_size = sorted(sources, key=lambda source: sources[source]["received"], reverse=True)
    for source in by_size[:_MOST_SOURCES]:
        yield source, _flat(sources[source])
    others = by_size[_MOST_SOURCES:]
    if others:
        total = Counter[str]()
        for source in others:
            total.update(_flat(sources[source]))
        yield f"{len(others)} others", total


def _flat(terms: Mapping[str, Any]) -> Counter[str]:
    """Every term as one number: reasons are summed up."""
    numbers = {name: terms[name] for name in (*_ALWAYS, *_SOMETIMES, "difference") if isinstance(terms[name], int)}
    return Counter({**numbers, **{name: sum(terms[name].values()) for name in ("rejected", "taken_out")}})


def _cells(terms: Mapping[str, int], columns: list[str]) -> list[str]:
    closes = "yes" if not terms["difference"] else f"{terms['difference']:+d}"
    return [*(str(terms[name]) for name in columns), closes]


def _standings(ledger: Mapping[str, Any]) -> Iterator[str]:
    """What waits for which destination, and why where something is wrong."""
    for one in ledger["destinations"]:
        if one["buffered_lines"]:
            waiting = f"{one['buffered_lines']} lines wait, the oldest for {one['buffer_age_s']:.0f} s"
            optional = "" if one["required"] else " (may skip)"
            why = f": {', '.join(one['waits_for'])}" if one["waits_for"] else ""
            yield f"destination {one['name']}{optional}: {waiting}{why}"
        for what in one["lacks"]:
            yield f"destination {one['name']}: {what}"


def _reasons(ledger: Mapping[str, Any]) -> Iterator[str]:
    """Why lines were rejected or taken out: the same for all destinations of a bucket, so said once."""
    seen = {bucket["bucket"]: bucket for bucket in ledger["buckets"]}
    for name, bucket in seen.items():
        for term in ("rejected", "taken_out"):
            for reason, lines in sorted(bucket[term].items()):
                yield f"{name}: {lines} {term.replace('_', ' ')}: {reason}"
