"""The doctor beside a real process: all is fine; then real things are broken, and each is called by its name."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.polling import until
from tests.fakes.process import FREE_PORTS, ROOT, Running, start, tocsin

CONFIG = """\
collector: {tokens: required, host: {enabled: false}}
alerting: {rules: [rules.yml], notify: notify.yml}
"""
RULES = 'rules: [{alert: A, query: SELECT last(value) FROM tocsin_probe, over: 1h, every: 1s, warn: "> 3"}]\n'
NOTIFY = "receivers: [{{name: team, webhook: [{{url: 'http://127.0.0.1:{}/SECRET'}}]}}]\nroute: {{receiver: team}}\n"
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@dataclass(frozen=True, slots=True)
class Practice:
    """A running process and the command lines that a person would type beside it."""

    running: Running
    folder: Path

    async def type(self, *words: str) -> tuple[int, str]:
        """Exit code and output of `tocsin WORDS`."""
        command = tocsin(*words)
        environment = FREE_PORTS | {"TOCSIN_STATE": str(self.running.state), "PYTHONPATH": str(ROOT)}
        ran = await asyncio.to_thread(
            subprocess.run, command, cwd=self.folder, env=environment, capture_output=True, check=False
        )
        return ran.returncode, ran.stdout.decode()

    async def examine(self) -> tuple[int, dict[str, Any]]:
        """Exit code and report of the doctor; no secret of the configuration is in it."""
        code, out = await self.type("doctor", "--json")
        assert "SECRET" not in out
        return code, json.loads(out)

    async def names(self, *expected: str) -> None:
        """Return when these are the checks that find a fault, and the exit code says so."""
        seen: list[Any] = []

        async def so() -> bool:
            code, report = await self.examine()
            faults = [one for one in report["findings"] if one["level"] == "wrong"]
            seen[:] = [code, faults]
            return {one["check"] for one in faults} == set(expected) and code == (1 if expected else 0)

        try:
            await until(so, seconds=120, what=f"a doctor who names {expected}")
        except AssertionError as error:
            raise AssertionError(f"{error}: {seen}") from error


async def test_a_real_process_is_well_and_then_is_broken(tmp_path: Path) -> None:
    """Files that others may read, tokens that nobody has, a deaf receiver, a rule that is none, a killed process."""
    webhook = socket.socket()
    webhook.bind(("127.0.0.1", 0))
    notify = NOTIFY.format(webhook.getsockname()[1])
    for name, text in (("tocsin.yml", CONFIG), ("rules.yml", RULES), ("notify.yml", notify)):
        (tmp_path / name).write_text(text)
    config = tmp_path / "tocsin.yml"
    running = start(tocsin("up", "--config", str(config)), tmp_path / "state")
    practice = Practice(running, tmp_path)
    try:
        await running.ready("collector", "alerting", "console")
        await practice.names("tokens", "reach")
        code, _ = await practice.type("token", "create", "gateway")
        assert code == 0
        webhook.listen()
        await practice.names()
        _, report = await practice.examine()
        assert {"probe", "receivers", "clock", "changes", "limits"} <= {one["check"] for one in report["findings"]}
        assert "gateway" in next(one["words"] for one in report["findings"] if one["level"] == "hint")

        tokens = running.state / "tokens.json"
        tokens.chmod(0o644)
        await practice.names("state folder")
        tokens.chmod(0o600)

        (tmp_path / "rules.yml").write_text(RULES.replace("last(", "lst("))
        await practice.names("rules", "evaluation")
        (tmp_path / "rules.yml").write_text(RULES)
        await practice.names()

        running.kill()
        await practice.names("processes")
    finally:
        running.end()
        webhook.close()
