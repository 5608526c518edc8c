"""A patient that is well, for each test to break one thing of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from foundation import settings
from tests.fakes.clock import ManualClock
from tests.fakes.patient import PID, ROLES, FakeMachine, FakeWeb, healthy
from tocsin.config import TocsinConfig
from tocsin.doctor.catalog import CATALOG
from tocsin.doctor.command import Report, examine
from tocsin.doctor.finding import Level
from tocsin.doctor.patient import Patient

RULE = 'rules: [{alert: A, query: SELECT mean(x) FROM m, over: 1m, warn: "> 3"}]\n'
NOTIFY = "receivers: [{name: a, slack: [{webhook: 'http://127.0.0.1:1/x'}]}]\nroute: {receiver: a}\n"
BOARD = '{"uid": "b", "title": "B", "panels": [{"title": "P", "targets": [{"query": "SELECT mean(x) FROM m"}]}]}'
CONFIG = """\
state: state
collector: {listen: 127.0.0.1:1001, tokens: open}
alerting: {listen: 127.0.0.1:1002, rules: [r.yml], notify: n.yml, heartbeat: {url: "http://127.0.0.1:9/SECRET"}}
console: {listen: 127.0.0.1:1003, boards: boards}
"""
REQUIRED = CONFIG.replace("tokens: open", "tokens: required")


@dataclass(slots=True)
class Ward:
    """What a test may break before it asks."""

    folder: Path
    clock: ManualClock
    machine: FakeMachine
    web: FakeWeb
    announced: Mapping[str, str]

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    def answer(self, role: str, path: str, answer: Any) -> None:
        self.web.answers[ROLES[role], path] = answer

    def report(self) -> Report:
        config = settings.load(TocsinConfig, self.folder / "tocsin.yml", {})
        owners = dict.fromkeys(self.announced, PID)
        return examine(Patient(config, self.machine, self.web, self.clock, self.announced, owners), CATALOG)

    def told(self, level: Level) -> list[str]:
        """Findings of the level: `check: words -> mend`."""
        findings = self.report().findings
        return [f"{name}: {one.words} -> {one.mend}" for name, one in findings if one.level is level]

    def wrong(self) -> str:
        """The only fault."""
        [fault] = self.told(Level.WRONG)
        return fault

    def hints(self) -> dict[str, str]:
        """Check -> its last hint."""
        return dict(told.split(": ", 1) for told in self.told(Level.HINT))

    def hint(self) -> str:
        """The only hint, and no fault."""
        assert self.told(Level.WRONG) == []
        [told] = self.told(Level.HINT)
        return told


@pytest.fixture
def ward(tmp_path: Path) -> Ward:
    clock, machine = ManualClock(), FakeMachine()
    machine.uid = tmp_path.stat().st_uid
    ward = Ward(tmp_path, clock, machine, healthy(clock), dict(ROLES))
    (tmp_path / "boards").mkdir()
    (tmp_path / "state").mkdir(mode=0o700)
    for name, text in (("tocsin.yml", CONFIG), ("r.yml", RULE), ("n.yml", NOTIFY), ("boards/b.json", BOARD)):
        ward.write(name, text)
    return ward


Break = Callable[[Ward], None]
