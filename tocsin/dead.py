"""`tocsin dead list|show|export|summary|replay|purge`: the dead letters of the running collector, or those it left."""

from __future__ import annotations

import argparse
import base64
import json
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from rich.console import Console as Terminal
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from foundation.errors import ConfigError
from tocsin.asking import Collector, Refused
from tocsin.instants import instant_ns
from tocsin.letters import PATH, Filters, Letters, every, find_letters

_SHOWN_REASON = 80
_HOWS = ("held", "replayed", "purged", "evicted")


def run(arguments: argparse.Namespace) -> int:
    """Exit 0 when done; 1 when letters are missing, were refused again, or the collector said no; 2 without one."""
    filters = _filters(arguments)
    if arguments.action == "purge" and not filters and not arguments.all:
        raise ConfigError("purge what? give ids or a filter, or --all to throw every dead letter away")
    try:
        match arguments.action:
            case "list":
                return _list(find_letters(arguments), filters, arguments)
            case "show":
                return _show(find_letters(arguments), filters, arguments)
            case "export":
                return _export(find_letters(arguments), filters)
            case "summary":
                return _summary(find_letters(arguments), arguments)
            case "replay":
                return _replay(Collector(arguments), filters, arguments)
            case _:
                return _purge(Collector(arguments), filters, arguments)
    except Refused as error:
        print(f"tocsin dead: {error}", file=sys.stderr)
        return 1


def _filters(arguments: argparse.Namespace) -> Filters:
    given = vars(arguments)
    filters = {name: given.get(name) for name in ("bucket", "measurement", "reason", "source")}
    for name in ("since", "until"):
        filters[f"{name}_ns"] = instant_ns(name, given[name]) if given.get(name) else None
    filters["id"] = ",".join(map(str, given.get("ids") or ()))
    return {name: value for name, value in filters.items() if value}


def _list(letters: Letters, filters: Filters, arguments: argparse.Namespace) -> int:
    page = letters.page(filters, after=arguments.after, most=arguments.limit)
    if arguments.json:
        print(json.dumps({"letters": page.letters, "next_after": page.next_after}))
        return 0
    if not page.letters:
        print("no dead letters")
        return 0
    table = Table("id", "time", "bucket", "measurement", "source", "why", "refused by", "replays", "reason")
    for letter in page.letters:
        reason = letter["reason"]
        table.add_row(
            str(letter["id"]),
            _time(letter["accepted_ns"]),
            letter["bucket"],
            letter["measurement"],
            letter["source"],
            letter["kind"],
            letter["destination"],
            str(letter["replays"]),
            reason if len(reason) <= _SHOWN_REASON else reason[: _SHOWN_REASON - 1] + "…",
        )
    Terminal(markup=False, highlight=False).print(table)
    if page.next_after is not None:
        print(f"there may be more: --after {page.next_after}")
    return 0


def _show(letters: Letters, filters: Filters, arguments: argparse.Namespace) -> int:
    found = letters.page(filters, after=0, most=len(arguments.ids)).letters
    if arguments.json:
        print(json.dumps({"letters": found}))
    else:
        for letter in found:
            for key, value in _readable(letter).items():
                print(f"{key:<12} {value}")
            print()
    missing = set(arguments.ids) - {letter["id"] for letter in found}
    for number in sorted(missing):
        print(f"tocsin dead: there is no letter {number}", file=sys.stderr)
    return 1 if missing else 0


def _export(letters: Letters, filters: Filters) -> int:
    for letter in every(letters, filters):
        print(json.dumps(letter, ensure_ascii=False))
    return 0


def _summary(letters: Letters, arguments: argparse.Namespace) -> int:
    accounts = letters.accounts()
    if arguments.json:
        print(json.dumps({"accounts": accounts}))
        return 0
    if not accounts:
        print("no dead letters, and there never were any")
        return 0
    sums: dict[tuple[str, str, bool], dict[str, int]] = {}
    for one in accounts:
        sums.setdefault((one["bucket"], one["source"], one["acknowledged"]), {})[one["how"]] = one["lines"]
    table = Table("bucket", "source", "refused by", *_HOWS)
    for (bucket, source, acknowledged), lines in sorted(sums.items()):
        where = "a store" if acknowledged else "intake"
        table.add_row(bucket, source, where, *(str(lines.get(how, 0)) for how in _HOWS))
    Terminal(markup=False, highlight=False).print(table)
    return 0


def _replay(collector: Collector, filters: Filters, arguments: argparse.Namespace) -> int:
    """Batch after batch, so that no request lasts long and an interrupt loses nothing.

    Letters that come meanwhile are for another time: a replay ends, however fast new ones come.
    """
    there = collector.ask(f"{PATH}/count", filters)
    done: dict[str, Any] = {"replayed": 0, "refused": 0, "stopped": ""}
    after, more = 0, there["letters"] > 0
    with _progress() as progress:
        bar = progress.add_task("replaying", total=there["letters"])
        while more and not done["stopped"]:
            form = {**filters, "after": after, "upto": there["last"]}
            answer = collector.ask(f"{PATH}/replay", method="POST", form=form)
            for key in done:
                done[key] += answer[key]
            after, more = answer["last"], answer["more"]
            progress.update(bar, completed=done["replayed"] + done["refused"])
    if arguments.json:
        print(json.dumps(done))
    else:
        print(f"replayed {done['replayed']}, refused again {done['refused']}")
        if done["stopped"]:
            print(f"tocsin dead: stopped, the rest is kept: {done['stopped']}", file=sys.stderr)
    return 1 if done["refused"] or done["stopped"] else 0


def _progress() -> Progress:
    """Shown on a terminal alone, and gone at the end."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Terminal(stderr=True), transient=True, disable=not sys.stderr.isatty())


def _purge(collector: Collector, filters: Filters, arguments: argparse.Namespace) -> int:
    answer = collector.ask(PATH, {**filters, "all": "" if filters else "true"}, method="DELETE")
    print(json.dumps(answer) if arguments.json else f"purged {answer['purged']}")
    return 0


def _readable(letter: Mapping[str, Any]) -> dict[str, Any]:
    shown = dict(letter)
    shown["time"] = _time(shown.pop("accepted_ns"))
    encoded = shown.pop("line_base64", None)
    line = repr(base64.b64decode(encoded)) if encoded else shown.pop("line")
    return {**shown, "line": line}


def _time(accepted_ns: int) -> str:
    if not accepted_ns:
        return "unknown"
    moment = datetime.fromtimestamp(accepted_ns // 1_000_000_000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{accepted_ns // 1_000_000 % 1000:03d}Z"
