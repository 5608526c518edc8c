"""`tocsin rule test FILE ...`: unit tests of rules in promtool's shape, through the path that pages in production."""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import json
import os
import sys

from alerting import rehearse
from alerting.rehearse import Report
from foundation import durations
from foundation.clock import SystemClock


def run(arguments: argparse.Namespace) -> int:
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
