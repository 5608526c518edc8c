"""`tocsin doctor`: runs every check against the configuration and what runs under it, and prints what each found."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

from rich.console import Console as Terminal

from foundation import listen
from foundation.clock import SystemClock
from foundation.errors import ConfigError, Permanent, TocsinError
from tocsin import config as configuration
from tocsin.config import DEFAULT_FILE, TocsinConfig
from tocsin.doctor.catalog import CATALOG
from tocsin.doctor.contract import Check
from tocsin.doctor.finding import Finding, Level, NotNow, wrong
from tocsin.doctor.machine import ThisMachine
from tocsin.doctor.patient import ELSEWHERE, Patient
from tocsin.doctor.web import Denied, Unreached, Wire

_COLOURS = {Level.FINE: "green", Level.HINT: "yellow", Level.WRONG: "bold red"}
_NOT_ADMITTED = (401, 403)


@dataclass(frozen=True, slots=True)
class Report:
    """What was found, by the names of the checks, and which of them could not look, and why."""

    findings: Sequence[tuple[str, Finding]]
    skipped: Sequence[tuple[str, str]]

    def count(self, level: Level) -> int:
        """How many findings are of the level."""
        return sum(finding.level is level for _, finding in self.findings)

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.count(Level.WRONG)


def run(arguments: argparse.Namespace) -> int:
    """Exit 0 where nothing is wrong, 1 where something is, 2 where the configuration cannot be read."""
    try:
        config = _configuration(arguments)
    except ConfigError as error:
        mend = "mend the file; `tocsin check` reads it again"
        report = Report([("configuration", wrong(problem, mend)) for problem in error.problems], [])
        _print(report, as_json=arguments.json)
        return 2
    clock = SystemClock()
    announced, owners = _announced(config)
    patient = Patient(config, ThisMachine(), Wire(clock), clock, announced=announced, owners=owners)
    report = examine(patient, CATALOG)
    _print(report, as_json=arguments.json)
    return 0 if report.ok else 1


def examine(patient: Patient, checks: Iterable[Check]) -> Report:
    """Every check, one after the other. What one of them cannot look at, or stumbles over, hides no other."""
    findings: list[tuple[str, Finding]] = []
    skipped: list[tuple[str, str]] = []
    for check in checks:
        try:
            findings += ((check.name, finding) for finding in check.look(patient))
        except (NotNow, Unreached) as why:
            skipped.append((check.name, str(why)))
        except Denied as error:
            if error.status in _NOT_ADMITTED and patient.is_collector_elsewhere:
                skipped.append((check.name, ELSEWHERE))
                continue
            findings.append((check.name, wrong(str(error), _let_in(error))))
        except PermissionError as error:
            skipped.append((check.name, f"this user may not read {error.filename}"))
        except (ConfigError, Permanent) as error:
            findings.append((check.name, wrong(str(error), "mend it, then `tocsin doctor` again")))
        except (OSError, LookupError, TypeError, ValueError, TocsinError) as error:
            words = f"could not be looked at: {type(error).__name__}: {error}"
            findings.append(
                (check.name, wrong(words, "see whether all roles are of this version (`tocsin --version`)"))
            )
    return Report(findings, skipped)


def _configuration(arguments: argparse.Namespace) -> TocsinConfig:
    """Where no file is named and none is there, that of the demo if it is the demo that runs."""
    config = configuration.load(arguments.config, with_demo=arguments.demo)
    if arguments.config is None and not DEFAULT_FILE.exists() and "demo" in _announced(config)[0]:
        return configuration.load(None, with_demo=True)
    return config


def _announced(config: TocsinConfig) -> tuple[Mapping[str, str], Mapping[str, int]]:
    """What runs, and which process each is; nothing where the state folder is closed to us, which a check tells."""
    try:
        return listen.addresses(config.state), listen.owners(config.state)
    except PermissionError:
        return {}, {}


def _let_in(error: Denied) -> str:
    if error.status in _NOT_ADMITTED:
        return "run the doctor as the user who owns the state folder: its own token lies there"
    return "see what answers there, and of which version it is"


def _print(report: Report, *, as_json: bool) -> None:
    if as_json:
        findings = [{"check": name, **asdict(finding)} for name, finding in report.findings]
        skipped = [{"check": name, "why": why} for name, why in report.skipped]
        print(json.dumps({"ok": report.ok, "findings": findings, "skipped": skipped}))
        return
    terminal = Terminal(highlight=False, soft_wrap=True, no_color="NO_COLOR" in os.environ, file=sys.stdout)
    for name, finding in report.findings:
        terminal.print(f"{finding.level:<6}", style=_COLOURS[finding.level], end="")
        terminal.print(f"{name:<15}{finding.words}", markup=False)
        if finding.mend:
            terminal.print(f"{'':<21}-> {finding.mend}", markup=False)
    for line in _ending(report):
        terminal.print(line, markup=False)


def _ending(report: Report) -> Iterator[str]:
    whys: dict[str, list[str]] = defaultdict(list)
    for name, why in report.skipped:
        whys[why].append(name)
    for why, names in whys.items():
        yield f"not looked at: {', '.join(names)} ({why})"
    hints = report.count(Level.HINT)
    told = f"{hints} hint{'' if hints == 1 else 's'}, {report.count(Level.FINE)} fine"
    yield f"nothing is wrong: {told}" if report.ok else f"{report.count(Level.WRONG)} wrong, {told}"
