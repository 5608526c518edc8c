"""`tocsin explain alert ID`: why an alert is as it is, who was told of it, and if nobody, why."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

from tocsin.asking import Alerting, Refused


def run(arguments: argparse.Namespace) -> int:
    """Exit 0 when it was explained, 1 when there is no such alert, 2 when nobody could be asked."""
    try:
        account = Alerting(arguments).ask(f"/api/v1/alerts/{quote(arguments.alert_id, safe='')}/account")
    except Refused as error:
        print(f"tocsin explain alert: {error}", file=sys.stderr)
        return 1
    print(json.dumps(account) if arguments.json else "\n".join(_told(account)))
    return 0


def _told(account: Mapping[str, Any]) -> Iterator[str]:
    alert = account["alert"]
    labels = ", ".join(f'{name}="{value}"' for name, value in alert["labels"].items() if name != "alertname")
    yield f"{alert['rule']} {{{labels}}} is {alert['state']} ({alert['severity']})"
    yield f"  {account['verdict']}"
    yield from _why(account)
    yield from _where(account)
    if account["history"]:
        yield "\nhistory, newest first:"
    for entry in account["history"]:
        yield f"  {entry['at']}  {entry['before']} -> {entry['state']} ({entry['change']}): {entry['reason']}"


def _why(account: Mapping[str, Any]) -> Iterator[str]:
    alert, rule = account["alert"], account["rule"]
    yield "\nwhy:"
    if alert["reason"]:
        yield f"  {alert['reason']}"
    if rule is None:
        yield "  its rule is gone"
        return
    thresholds = [f"{name} {rule[name]}" for name in ("warn", "critical") if rule[name]]
    yield f"  rule {rule['name']} ({rule['file']}): {'; '.join(thresholds)}, every {rule['every_s']:g} s"
    yield f"  {rule['query']}"
    if rule["error"]:
        yield f"  the rule is {rule['health']}, so nothing resolves: {rule['error']}"
    for sample in account["samples"]:
        yield f"  {sample['at']}  {'no data' if sample['value'] is None else sample['value']}"
    if account["calm_since"]:
        yield f"  good again since {account['calm_since']}; it ends when keep_firing_for is over"


def _where(account: Mapping[str, Any]) -> Iterator[str]:
    for route in account["routes"]:
        path = " > ".join(", ".join(matchers) or "any" for matchers in route["matchers"]) or "the root route"
        yield f"\nroute: {path} -> {route['receiver']}"
    for incident in account["incidents"]:
        notifiers = ", ".join(incident["notifiers"]) or "no notifier"
        yield f"\nincident {incident['id']} at {incident['receiver']} ({notifiers}), open since {incident['opened_at']}"
        if incident["heard"]:
            yield f"  last heard: {incident['heard']['state']}, {incident['heard']['severity']}"
        if incident["muted"]:
            yield f"  muted: {incident['muted']['words']}"
        yield f"  looked at again at {incident['due']} at the latest"
        for message in incident["messages"]:
            reason = f" ({message['reason']})" if message["reason"] else ""
            failed = f"; last error: {message['last_error']}" if message["last_error"] else ""
            said = f"{message['notifier']} {message['why']}: {message['state']}{reason}{failed}"
            yield f"  {message['decided_at']}  {said}"
