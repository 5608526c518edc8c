"""`tocsin explain 'LINE'`: what every room of the running collector would make of one line. Changes nothing."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from foundation.errors import ConfigError
from tocsin import accounts, rollups
from tocsin.asking import Collector, Refused

_ITEM = "json_telemetry"
_OTHERS: Mapping[str, Callable[[argparse.Namespace], int]] = {"alert": accounts.run, "rollup": rollups.run}


def run(arguments: argparse.Namespace) -> int:
    """Exit 0 when the line would be taken, 1 when not, 2 when nobody could be asked."""
    if arguments.alert_id is not None:
        if arguments.line not in _OTHERS:
            known = "`tocsin explain alert ID` or `tocsin explain rollup NAME`"
            raise ConfigError(f"a line is one argument: put it in quotes; or write {known}")
        return _OTHERS[arguments.line](arguments)
    params = {
        "line": arguments.line,
        "bucket": arguments.bucket,
        "precision": arguments.precision,
        "source": arguments.source,
        "token_name": arguments.token_name,
        "protocol": _ITEM if arguments.json_item else "",
    }
    collector = Collector(arguments)
    try:
        explained = collector.ask("/explain", params)
    except Refused as error:
        print(f"tocsin explain: {error}", file=sys.stderr)
        return 1
    print(json.dumps(explained) if arguments.json else "\n".join(_told(explained)))
    stopped = explained["verdict"] == "refused" or explained["token_problem"] or not explained["bucket_taken"]
    return 1 if stopped else 0


def _told(explained: Mapping[str, Any]) -> Iterator[str]:
    verdicts = {
        "stored": "would be stored",
        "refused": f"would be refused ({explained['cause']}): {explained['reason']}",
        "taken_out": "would be taken out by a policy; the sender gets 204",
        "nothing": "is no line: a comment or nothing at all; the sender gets 204",
    }
    yield verdicts[explained["verdict"]]
    yield ""
    for step in explained["steps"]:
        yield f"  {step['room']:<18} {step['did']:<9} {step['detail']}".rstrip()
    if explained["fields"]:
        yield ""
    for field in explained["fields"]:
        pinned = f"pinned as {field['pinned']}" if field["pinned"] else "new: would be pinned so"
        yield f"  field {field['field']}: {field['type']}, {pinned}"
    yield ""
    if explained["stored"] is not None:
        added = "; the timestamp was added" if explained["stamp_added"] else ""
        yield f"as stored{added}:"
        yield f"  {explained['stored']}"
    if explained["token"]:
        yield f"token {explained['token']}: {explained['token_problem'] or 'may write'}"
    known = explained["bucket_problem"] or "taken in"
    yield f"bucket {explained['bucket']}: {known}"
    for destination in explained["destinations"]:
        waiting = f"{destination['waiting_lines']} lines wait, the oldest for {destination['waiting_s']:.1f} s"
        yield f"then buffer, then {destination['name']}: {waiting}"
    for rollup in explained["rollups"]:
        through = f" (through {rollup['through']})" if rollup["through"] else ""
        yield f"feeds rollup {rollup['name']}{through}: {rollup['definition']}"
