"""`tocsin ack ID`: says that somebody has an alert or an incident in hand; `--undo`, that nobody has any more.

Without an ID it lists what is open, and who has it.
"""

from __future__ import annotations

import argparse
import getpass
import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from foundation.errors import ConfigError
from tocsin.asking import Alerting, Refused

_OPEN = frozenset({"firing", "no-data"})


def run(arguments: argparse.Namespace) -> int:
    """Exit 0 when it was done, 1 when alerting refused, 2 when nobody could be asked."""
    if (arguments.undo or not arguments.id) and (arguments.by or arguments.comment):
        mend = "--undo gives back: leave them out" if arguments.undo else "name what you take: tocsin ack ID"
        raise ConfigError(f"--by and --comment are for taking an alert; {mend}")
    if arguments.undo and not arguments.id:
        raise ConfigError("name what you give back: tocsin ack ID --undo")
    try:
        asked = _asked(Alerting(arguments), arguments)
    except Refused as error:
        print(f"tocsin ack: {error}", file=sys.stderr)
        return 1
    print(json.dumps(asked) if arguments.json else "\n".join(_told(asked, arguments)))
    return 0


def _asked(alerting: Alerting, arguments: argparse.Namespace) -> Any:
    if not arguments.id:
        answer = alerting.ask("/api/v1/alerts")
        listed = [one for one in answer["alerts"] if one["state"] in _OPEN]
        return {"alerts": listed, "left_out": sum(answer["total"][state] for state in _OPEN) - len(listed)}
    path = f"/api/v1/alerts/{quote(arguments.id, safe='')}/acknowledgement"
    if arguments.undo:
        return alerting.ask(path, method="DELETE")
    words = {"author": arguments.by or getpass.getuser(), "comment": arguments.comment}
    return alerting.ask(path, method="POST", form=words)


def _told(asked: Mapping[str, Any], arguments: argparse.Namespace) -> Iterator[str]:
    if not arguments.id:
        yield from _listed(asked["alerts"])
        if asked["left_out"]:
            yield f"and {asked['left_out']} more, less pressing"
        return
    for one in asked["acknowledgements"]:
        comment = f": {one['comment']}" if one["comment"] else ""
        if arguments.undo:
            yield f"{one['alert']}: given back; {one['author']} had it since {one['at']}{comment}"
        else:
            yield f"{one['alert']}: {one['author']} has it{comment}; nobody is reminded until it ends or gets worse"


def _listed(alerts: list[Mapping[str, Any]]) -> Iterator[str]:
    if not alerts:
        yield "nothing is open"
    for one in alerts:
        yield f"{one['id']}  {one['severity']:<8} {one['annotations']['summary'] or one['rule']}"
        taken = one["acknowledged"]
        if taken:
            comment = f": {taken['comment']}" if taken["comment"] else ""
            yield f"    {taken['author']} has it since {taken['at']}{comment}"
