"""`tocsin status`: what became of every line since the running collector started, and whether that adds up."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from typing import Any

from rich.console import Console as Terminal
from rich.table import Table

from tocsin.asking import Collector, Refused

_COLUMNS = ("received", "carried", "delivered", "buffered", "rejected", "dead", "taken_out")


def run(arguments: argparse.Namespace) -> int:
    """Exit 0 where the ledger closes, 1 where it does not, 2 when nobody could be asked."""
    collector = Collector(arguments)
    try:
        ledger = collector.ask("/api/v1/ledger")
    except Refused as error:
        print(f"tocsin status: {error}", file=sys.stderr)
        return 1
    if arguments.json:
        print(json.dumps(ledger))
    else:
        _show(ledger)
    return 0 if ledger["closes"] else 1


def _show(ledger: Mapping[str, Any]) -> None:
    table = Table("bucket", "source", *(name.replace("_", " ") for name in _COLUMNS), "closes")
    for bucket in ledger["buckets"]:
        totals = {
            **bucket,
            "rejected": sum(bucket["rejected"].values()),
            "taken_out": sum(bucket["taken_out"].values()),
        }
        closes = "yes" if not bucket["difference"] else f"{bucket['difference']:+d}"
        table.add_row(bucket["bucket"], "all", *(str(totals[name]) for name in _COLUMNS), closes)
        for source, terms in bucket["sources"].items():
            cells = ("" if name == "buffered" else str(terms.get(name, 0)) for name in _COLUMNS)
            table.add_row("", source, *cells, "")
    terminal = Terminal(markup=False, highlight=False)
    terminal.print(table)
    for bucket in ledger["buckets"]:
        for term in ("rejected", "taken_out"):
            for reason, lines in sorted(bucket[term].items()):
                print(f"{bucket['bucket']}: {lines} {term.replace('_', ' ')}: {reason}")
    print("the ledger closes" if ledger["closes"] else "lines are on their way, or unaccounted for: ask again")
