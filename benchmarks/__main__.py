"""`python -m benchmarks [NAME ...] [--json] [--quick] ...`: a table, or one JSON object for each benchmark."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import cast

from rich.console import Console
from rich.table import Table

from benchmarks.catalog import BENCHMARKS
from benchmarks.contract import Measure, Skipped, Wish
from benchmarks.figures import Figure, as_json, machine
from foundation.allocation import share_heaps

_THOUSAND = 1000.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what was asked for, by default everything. Returns the exit code."""
    usual = Wish()
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(BENCHMARKS)}; default: all")
    parser.add_argument("--json", action="store_true", help="print JSON, one object a line")
    parser.add_argument("--quick", action="store_true", help="a few seconds each, to see that it works")
    parser.add_argument("--minutes", type=float, default=usual.minutes, help="how long `memory` watches")
    parser.add_argument("--lines", type=int, default=usual.lines, help="how many wait when `outage` ends")
    parser.add_argument("--points", type=int, default=usual.points, help="how many the stores hold (`boards`)")
    parser.add_argument("--seconds", type=float, default=usual.seconds, help="how long `rules` are evaluated")
    parser.add_argument("--rules", type=int, default=usual.rules, help="how many of them")
    parser.add_argument("--series", type=int, default=usual.series, help="how many series each of them has")
    parser.add_argument("--profile", type=Path, metavar="FOLDER", help="write where the collector's time goes")
    asked = parser.parse_args(arguments)
    share_heaps()  # as in the process that is the product
    wish = Wish(
        quick=asked.quick,
        minutes=asked.minutes,
        lines=asked.lines,
        points=asked.points,
        seconds=asked.seconds,
        rules=asked.rules,
        series=asked.series,
        profile=asked.profile,
    )
    unknown = [name for name in asked.names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"no benchmark named {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    console = Console(stderr=asked.json)
    if not asked.json:
        console.print(", ".join(f"{key} {value}" for key, value in machine().items()))
    for name in asked.names or BENCHMARKS:
        measure = cast("Measure", importlib.import_module(BENCHMARKS[name]).measure)
        try:
            figures = list(measure(wish))
        except Skipped as reason:
            told = json.dumps({**as_json(name, ()), "skipped": str(reason)}) if asked.json else f"{name}: {reason}"
            print(told, flush=True)
            continue
        if asked.json:
            print(json.dumps(as_json(name, figures)), flush=True)
        else:
            console.print(_table(name, figures))
    return 0


def _table(name: str, figures: Sequence[Figure]) -> Table:
    table = Table(title=name, title_justify="left")
    for column in ("figure", "value", "unit", "goal", "rival", "rival's value"):
        table.add_column(column, justify="right" if "value" in column else "left")
    for figure in figures:
        rival = "" if figure.rival_value is None else _number(figure.rival_value)
        table.add_row(figure.name, _number(figure.value), figure.unit, figure.goal, figure.rival, rival)
    return table


def _number(value: float) -> str:
    for suffix in ("", " k", " M", " G"):
        if abs(value) < _THOUSAND:
            return f"{value:.3g}{suffix}"
        value /= _THOUSAND
    return f"{value:.3g} T"


if __name__ == "__main__":
    sys.exit(main())
