"""`tocsin ack ID`: says that somebody has an alert or an incident in hand; `--undo`, that nobody has any more."""

from __future__ import annotations

import argparse
import getpass
import json
import sys
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from foundation.errors import ConfigError
from tocsin.asking import Alerting, Refused


def run(arguments: argparse.Namespace) -> int:
    """Exit 0 when it was done, 1 when alerting refused, 2 when nobody could be asked."""
    if arguments.undo and (arguments.by or arguments.comment):
        raise ConfigError("--undo gives back: leave out --by and --comment")
    try:
        asked = _asked(Alerting(arguments), arguments)
    except Refused as error:
        print(f"tocsin ack: {error}", file=sys.stderr)
        return 1
    if arguments.json:
        print(json.dumps(asked))
    for one in () if arguments.json else asked["acknowledgements"]:
        print(_told(one, undone=arguments.undo))
    return 0


def _asked(alerting: Alerting, arguments: argparse.Namespace) -> Any:
    path = f"/api/v1/alerts/{quote(arguments.id, safe='')}/acknowledgement"
    if arguments.undo:
        return alerting.ask(path, method="DELETE")
    words = {"author": arguments.by or getpass.getuser(), "comment": arguments.comment}
    return alerting.ask(path, method="POST", form=words)


def _told(one: Mapping[str, Any], *, undone: bool) -> str:
    comment = f": {one['comment']}" if one["comment"] else ""
    if undone:
        return f"{one['alert']}: given back; {one['author']} had it since {one['at']}{comment}"
    return f"{one['alert']}: {one['author']} has it{comment}; nobody is reminded of it until it ends or gets worse"
