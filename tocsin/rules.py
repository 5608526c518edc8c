"""`tocsin rule test FILE ...`: unit tests of rules in promtool's shape, through the path that pages in production; and
`tocsin rule preview ALERT`: the messages that an alert of a rule would come to.
"""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import json
import os
import sys

from alerting import rehearse
from alerting.config import load_notify
from alerting.preview import Sample, preview, sample_labels
from alerting.rehearse import Report
from alerting.rules.load import load
from foundation import durations
from foundation.clock import SystemClock
from foundation.decoding import nearest
from foundation.errors import ConfigError
from tocsin import config as configuration


def run(arguments: argparse.Namespace) -> int:
    """The exit code of either."""
    return {"test": _test, "preview": _preview}[arguments.action](arguments)


def _preview(arguments: argparse.Namespace) -> int:
    """Exit 0, or 1 where nothing would be sent. Raises ConfigError."""
    config = configuration.load(arguments.config, with_demo=arguments.demo)
    known = {rule.alert: rule for rule in load(config.alerting.rules, os.environ)}
    rule = known.get(arguments.alert)
    if rule is None:
        raise ConfigError(f"{arguments.alert}: no rule has this name{nearest(arguments.alert, known)}")
    if config.alerting.notify is None:
        raise ConfigError("alerting.notify names no file, so nobody would be told")
    labels = {**sample_labels(rule), **dict(_pair(text) for text in arguments.label)}
    sample = Sample(labels=labels, value=arguments.value, resolved=arguments.resolved)
    notify = load_notify(config.alerting.notify, {"DEMO_PAGER_URL": "http://127.0.0.1", **os.environ})
    try:
        shown = list(preview(rule, notify, sample, SystemClock().now(), config.console.public_url))
    except ValueError as error:
        print(f"tocsin rule preview: {error}", file=sys.stderr)
        return 1
    if arguments.json:
        print(json.dumps({"messages": [dataclasses.asdict(one) for one in shown]}))
        return 0
    for one in shown:
        print(f"--- {one.receiver}: {one.notifier or 'has no way to be told'}")
        print(one.text)
    return 0


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise ConfigError(f"--label: {text!r} is no label; write NAME=VALUE, as in endpoint=/pay")
    return name, value


def _test(arguments: argparse.Namespace) -> int:
    """Exit 0 when all passed, 1 when a test failed, 2 when a file could not be read."""
    report = asyncio.run(rehearse.run(arguments.files, env=os.environ, clock=SystemClock()))
    if arguments.json:
        print(json.dumps(_plain(report)))
    else:
        for line in report.lines:
            print(line, file=sys.stderr if report.unreadable else sys.stdout)
    return 2 if report.unreadable else 1 if report.failed else 0


def _plain(report: Report) -> dict[str, object]:
    checks = [
        dataclasses.asdict(check) | {"eval_time": durations.render(check.eval_time), "passed": not check.faults}
        for check in report.checks
    ]
    return {"passed": not (report.unreadable or report.failed), "checks": checks, "unreadable": report.unreadable}
