"""How the store stands, for `tocsin status`, and `tocsin explain rollup NAME`: what a rollup does and how far it is."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from foundation import durations
from foundation.decoding import nearest
from tocsin.asking import Collector, Refused

PATH = "/api/v1/store"


def run(arguments: argparse.Namespace) -> int:
    """Exit 0 when the rollup was explained, 1 when there is none of that name, 2 when nobody could be asked."""
    try:
        standing = Collector(arguments).ask(PATH)
    except Refused as error:
        print(f"tocsin explain rollup: {error}", file=sys.stderr)
        return 1
    found = {one["name"]: one for one in standing["rollups"]}
    name = arguments.alert_id
    if name not in found:
        known = nearest(name, found) or "; none is configured"
        print(f"tocsin explain rollup: there is no rollup {name!r}{known}", file=sys.stderr)
        return 1
    print(json.dumps(found[name]) if arguments.json else "\n".join(_explained(found[name])))
    return 0


def standing_lines(standing: Mapping[str, Any]) -> Iterator[str]:
    """A line for each rollup, one for the disk where it is bounded, and each problem."""
    for one in standing["rollups"]:
        yield f"rollup {one['name']}: {_how_far(one)}"
    if standing["quota_bytes"]:
        part = standing["used_bytes"] / standing["quota_bytes"]
        yield f"store: {standing['used_bytes']} of {standing['quota_bytes']} bytes used ({part:.0%})"
    for problem in standing["problems"]:
        yield f"store: {problem}"


def _how_far(one: Mapping[str, Any]) -> str:
    if one["problem"]:
        return f"FAILS: {one['problem']}; {one['pending_windows']} windows wait"
    if not one["pending_windows"]:
        return f"complete until {_moment(one['complete_until_ns'])}"
    lag = durations.render(timedelta(seconds=round(one["lag_s"])))
    return f"{one['pending_windows']} windows to be rolled, the oldest began {lag} ago"


def _explained(one: Mapping[str, Any]) -> Iterator[str]:
    yield f"rollup {one['name']}: {_how_far(one)}"
    yield f"  {one['definition']}"
    yield f"\nevery window that ends by {_moment(one['complete_until_ns'])} is in {one['target']}"
    yield "since the start of the collector:"
    yield f"  {one['rolled']} windows rolled for the first time"
    yield f"  {one['again']} rolled again, because lines came late, were written again or were deleted"
    yield f"  {one['frozen']} left as they are, because points of theirs were deleted for their age"
    yield f"  {one['failures']} attempts failed"


def _moment(ns: int) -> str:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=ns // 1_000)
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")
