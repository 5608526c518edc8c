"""`tocsin dead list|show|replay|purge`: the dead letters of the running collector."""

from __future__ import annotations

import argparse
import base64
import json
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from rich.console import Console as Terminal
from rich.table import Table

from foundation import durations
from foundation.clock import SystemClock
from foundation.errors import ConfigError
from foundation.line_protocol.line import LineError
from foundation.line_protocol.rfc3339 import parse_rfc3339
from tocsin.asking import Collector, Refused

_PATH = "/api/v1/dead"
_SHOWN_REASON = 80


def run(arguments: argparse.Namespace) -> int:
    """Exit 0 when done; 1 when letters are missing, were refused again, or the collector said no; 2 without one."""
    wanted = _wanted(arguments)
    if arguments.action == "purge" and not wanted and not arguments.all:
        raise ConfigError("purge what? give ids or a filter, or --all to throw every dead letter away")
    collector = Collector(arguments)
    try:
        match arguments.action:
            case "list":
                return _list(collector, wanted, arguments)
            case "show":
                return _show(collector, wanted, arguments)
            case "replay":
                return _replay(collector, wanted, arguments)
            case _:
                return _purge(collector, wanted, arguments)
    except Refused as error:
        print(f"tocsin dead: {error}", file=sys.stderr)
        return 1


def _wanted(arguments: argparse.Namespace) -> dict[str, object]:
    given = vars(arguments)
    wanted = {name: given.get(name) for name in ("bucket", "measurement", "reason", "source")}
    wanted["since_ns"] = _since(given["since"]) if given.get("since") else None
    wanted["id"] = ",".join(map(str, given.get("ids") or ()))
    return {name: value for name, value in wanted.items() if value}


def _since(text: str) -> int:
    """An instant, or a span before now, as ns."""
    try:
        if text[:1].isdigit() and "-" in text:
            return parse_rfc3339(text)
        ago = durations.parse(text)
    except (ValueError, LineError) as error:
        raise ConfigError(
            f"--since: {text!r} is neither a duration, as in 2h, nor a time, as in 2026-01-31T08:00:00Z"
        ) from error
    return max(SystemClock().now_ns() - int(ago.total_seconds() * 1e9), 1)


def _list(collector: Collector, wanted: Mapping[str, object], arguments: argparse.Namespace) -> int:
    answer = collector.ask(_PATH, {**wanted, "after": arguments.after, "limit": arguments.limit})
    if arguments.json:
        print(json.dumps(answer))
        return 0
    if not answer["letters"]:
        print("no dead letters")
        return 0
    table = Table("id", "time", "bucket", "measurement", "source", "why", "refused by", "replays", "reason")
    for letter in answer["letters"]:
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
    if answer["next_after"] is not None:
        print(f"there may be more: --after {answer['next_after']}")
    return 0


def _show(collector: Collector, wanted: Mapping[str, object], arguments: argparse.Namespace) -> int:
    letters = collector.ask(_PATH, wanted)["letters"]
    if arguments.json:
        print(json.dumps({"letters": letters}))
    else:
        for letter in letters:
            for key, value in _readable(letter).items():
                print(f"{key:<12} {value}")
            print()
    missing = set(arguments.ids) - {letter["id"] for letter in letters}
    for number in sorted(missing):
        print(f"tocsin dead: there is no letter {number}", file=sys.stderr)
    return 1 if missing else 0


def _replay(collector: Collector, wanted: Mapping[str, object], arguments: argparse.Namespace) -> int:
    """Batch after batch, so that no request lasts long and an interrupt loses nothing."""
    done: dict[str, Any] = {"replayed": 0, "refused": 0, "stopped": ""}
    after, more = 0, True
    while more and not done["stopped"]:
        answer = collector.ask(f"{_PATH}/replay", method="POST", form={**wanted, "after": after})
        for key in done:
            done[key] += answer[key]
        after, more = answer["last"], answer["more"]
    if arguments.json:
        print(json.dumps(done))
    else:
        print(f"replayed {done['replayed']}, refused again {done['refused']}")
        if done["stopped"]:
            print(f"tocsin dead: stopped, the rest is kept: {done['stopped']}", file=sys.stderr)
    return 1 if done["refused"] or done["stopped"] else 0


def _purge(collector: Collector, wanted: Mapping[str, object], arguments: argparse.Namespace) -> int:
    answer = collector.ask(_PATH, {**wanted, "all": "" if wanted else "true"}, method="DELETE")
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
