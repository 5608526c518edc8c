"""The product as a user starts it: a process of its own on free ports, with a state folder of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.fakes.polling import until

ROOT = Path(__file__).resolve().parents[2]
FREE_PORTS = {
    "TOCSIN_COLLECTOR_LISTEN": "127.0.0.1:0",
    "TOCSIN_ALERTING_LISTEN": "127.0.0.1:0",
    "TOCSIN_CONSOLE_LISTEN": "127.0.0.1:0",
    "TOCSIN_DEMO_LISTEN": "127.0.0.1:0",
}


@dataclass(slots=True)
class Running:
    """A started process (group) and the state folder it announces its addresses in."""

    process: subprocess.Popen[bytes]
    state: Path
    log: Path

    def url(self, role: str) -> str:
        """Where a role accepts."""
        return f"http://{self.listening()[role]}"

    def listening(self) -> dict[str, str]:
        """listen.json as it stands, or nothing."""
        try:
            content = json.loads((self.state / "listen.json").read_text())
        except (FileNotFoundError, ValueError):
            return {}
        return {role: where for role, where in content.items() if isinstance(where, str)}

    async def ready(self, *roles: str, seconds: float = 60.0) -> None:
        """Return when all roles are announced; fail at once if the process ended."""

        def listening() -> bool:
            assert self.process.poll() is None, f"ended by itself:\n{self.log.read_text()[-4000:]}"
            return set(roles) <= set(self.listening())

        await until(listening, seconds=seconds, what=f"{', '.join(roles)} to accept")

    def interrupt(self, seconds: float = 60.0) -> int:
        """Ctrl-C as a terminal sends it: to the whole group. Returns the exit code."""
        os.killpg(self.process.pid, signal.SIGINT)
        return self.process.wait(seconds)

    def kill(self) -> None:
        """The plug is pulled: SIGKILL to the whole group."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def end(self) -> None:
        """Whatever state it is in, leave nothing running."""
        if self.process.poll() is None:
            self.kill()


def start(command: Sequence[str], state: Path, *, env: Mapping[str, str] | None = None, cwd: Path = ROOT) -> Running:
    """Start `command` in a process group of its own, its state in `state`, its output in `state`.log."""
    log = state.with_suffix(".log")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("TOCSIN_")}
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env=inherited | FREE_PORTS | {"TOCSIN_STATE": str(state)} | dict(env or {}),
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Running(process, state, log)


def tocsin(*arguments: str) -> list[str]:
    """The command line `tocsin ARGUMENTS` under the running Python."""
    return [sys.executable, "-m", "tocsin", *arguments]


def get_json(url: str) -> object:
    """GET as JSON, blocking: for scenarios only."""
    with urllib.request.urlopen(url, timeout=60) as reply:  # noqa: S310 - loopback addresses made by the test
        return json.load(reply)
