"""`tocsin silence add | list | expire`: who is not to be told of what, and for how long."""

from __future__ import annotations

import argparse
import getpass
import json
import sys
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from foundation import durations
from foundation.errors import ConfigError
from tocsin.asking import Alerting, Refused

_PATH = "/api/v1/silences"


def run(arguments: argparse.Namespace) -> int:
    """Exit 0 when it was done, 1 when alerting refused, 2 when nobody could be asked."""
    actions = {"add": _add, "list": _list, "expire": _expire}
    try:
        return actions[arguments.action](Alerting(arguments), arguments)
    except Refused as error:
        print(f"tocsin silence: {error}", file=sys.stderr)
        return 1


def _add(alerting: Alerting, arguments: argparse.Namespace) -> int:
    try:
        durations.parse(arguments.duration)
    except ValueError as error:
        raise ConfigError(f"--for: {error}") from error
    wanted = {
        "matchers": arguments.matchers,
        "for": arguments.duration,
        "author": arguments.author or getpass.getuser(),
        "comment": arguments.comment,
        "id": arguments.change or "",
    }
    silence = alerting.ask(_PATH, method="POST", form=wanted)["silence"]
    if arguments.json:
        print(json.dumps(silence))
    else:
        alerts = f"{silence['alerts']} open alert{'s' if silence['alerts'] != 1 else ''}"
        print(f"{silence['id']}: {', '.join(silence['matchers'])} until {silence['ends_at']}; matches {alerts} now")
    return 0


def _list(alerting: Alerting, arguments: argparse.Namespace) -> int:
    silences = alerting.ask(_PATH)["silences"]
    shown = [one for one in silences if arguments.all or one["phase"] != "expired"]
    if arguments.json:
        print(json.dumps({"silences": shown}))
        return 0
    for one in shown:
        _show(one)
    if not shown:
        print("no silence is in force or to come")
    return 0


def _expire(alerting: Alerting, arguments: argparse.Namespace) -> int:
    for silence_id in arguments.ids:
        silence = alerting.ask(f"{_PATH}/{quote(silence_id, safe='')}", method="DELETE")["silence"]
        print(json.dumps(silence) if arguments.json else f"{silence['id']}: over; {', '.join(silence['matchers'])}")
    return 0


def _show(silence: Mapping[str, Any]) -> None:
    times = {"pending": "starts_at", "active": "ends_at", "expired": "ends_at"}
    word = {"pending": "from", "active": "until", "expired": "ended"}[silence["phase"]]
    alerts = f"{silence['alerts']} open alert{'s' if silence['alerts'] != 1 else ''}"
    print(f"{silence['id']}  {silence['phase']:<7} {word} {silence[times[silence['phase']]]}, matches {alerts}")
    print(f"    {', '.join(silence['matchers'])}")
    print(f"    {silence['author']}: {silence['comment']}")
