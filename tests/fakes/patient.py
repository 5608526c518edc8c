"""A line that is well, in fakes: a machine, and roles that answer what the test says. Tests break one thing of it."""

from __future__ import annotations

import json
import ssl
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from collector.deliver.delivery import Standing
from foundation.web import Address
from tests.fakes.clock import ManualClock
from tocsin.doctor.web import Answer, Unreached

ROLES = {"collector": "127.0.0.1:1001", "alerting": "127.0.0.1:1002", "console": "127.0.0.1:1003"}
PID = 4711


@dataclass(slots=True)
class FakeMachine:
    free: int = 100 << 30
    total: int = 200 << 30
    ports: dict[int, str] = field(default_factory=dict)
    """Taken port -> who has it."""
    pids: set[int] = field(default_factory=lambda: {PID})
    uid: int = 0
    version: tuple[int, int] = (3, 12)
    system: str = "linux x86_64"
    installed: dict[str, tuple[str, str]] = field(default_factory=lambda: {"aiohttp": ("3.14", "3.14.0")})
    inodes: int = 900_000
    mounted: str = "ext4"
    files: int = 65_536
    zones: bool = True
    deaf: dict[str, str] = field(default_factory=dict)
    """HOST:PORT -> why it cannot be reached."""
    on_pause: Callable[[float], None] = lambda _seconds: None

    def space(self, folder: Path) -> tuple[int, int]:  # noqa: ARG002 - all folders are on one disk
        return self.free, self.total

    def entries(self, folder: Path) -> tuple[int, int]:  # noqa: ARG002 - as above
        return self.inodes, 1_000_000

    def file_system(self, folder: Path) -> str:  # noqa: ARG002 - as above
        return self.mounted

    def open_files(self) -> int:
        return self.files

    def knows_zone(self, name: str) -> bool:
        return bool(name) and self.zones

    def unreached(self, host: str, port: int) -> str:
        return self.deaf.get(f"{host}:{port}", "")

    def taken(self, address: Address) -> str:
        return "taken" if address.port in self.ports else ""

    def holder(self, port: int) -> str:
        return self.ports[port]

    def alive(self, pid: int) -> bool:
        return pid in self.pids

    def user(self) -> int:
        return self.uid

    def python(self) -> tuple[int, int]:
        return self.version

    def platform(self) -> str:
        return self.system

    def packages(self) -> Mapping[str, tuple[str, str]]:
        return self.installed

    def pause(self, seconds: float) -> None:
        self.on_pause(seconds)


@dataclass(slots=True)
class FakeWeb:
    """`answers`: (HOST:PORT, path) -> an answer, or JSON of one. A host of which nothing is known does not answer."""

    clock: ManualClock
    answers: dict[tuple[str, str], Answer | Any]
    asked: list[tuple[str, str, Mapping[str, str], bytes | None]] = field(default_factory=list)

    def ask(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str],
        body: bytes | None = None,
        trust: ssl.SSLContext | None = None,  # noqa: ARG002 - nothing is encrypted here
    ) -> Answer:
        parts = urlsplit(url)
        self.asked.append((method, url, headers, body))
        if parts.netloc not in {host for host, _ in self.answers}:
            raise Unreached(f"{parts.scheme}://{parts.netloc} does not answer: refused")
        answer = self.answers.get((parts.netloc, parts.path), Answer(404, {}, b'{"error": "no such path"}'))
        if callable(answer):
            answer = answer(parse_qs(parts.query))
        if isinstance(answer, Answer):
            return answer
        return Answer(200, {"date": format_datetime(self.clock.now(), usegmt=True)}, json.dumps(answer).encode())


def healthy(clock: ManualClock) -> FakeWeb:
    """Three roles with nothing to complain of; a reading comes out of /query at once."""
    collector, alerting, console = ROLES["collector"], ROLES["alerting"], ROLES["console"]
    standing = asdict(Standing("embedded", required=True, buffered_lines=0, buffer_age_s=0.0))
    series = [{"name": "tocsin_probe", "columns": ["time", "value"], "values": [[1, 1]]}]
    rule = {"name": "Slow", "file": "r.yml", "health": "ok", "error": None, "series": 2, "query": "SELECT 1"}
    return FakeWeb(
        clock,
        {
            (collector, "/health"): {"status": "pass"},
            (collector, "/ping"): {},
            (collector, "/ready"): {
                "status": "ready",
                "buffered_lines": 0,
                "buffer_age_s": 0.0,
                "destinations": [standing],
            },
            (collector, "/query"): {"results": [{"statement_id": 0, "series": series}]},
            (collector, "/api/v2/write"): Answer(204),
            (collector, "/api/v1/dead/count"): {"letters": 0, "last": 0},
            (collector, "/api/v1/ledger"): {"buckets": []},
            (collector, "/api/v1/store"): {"rollups": [], "used_bytes": 1, "quota_bytes": 0, "problems": []},
            (alerting, "/health"): {"status": "pass"},
            (alerting, "/metrics"): {},
            (alerting, "/api/v1/status"): {"config": {"errors": [], "restart_needed": []}, "receivers": ["on-call"]},
            (alerting, "/api/v1/rules"): {"rules": [rule]},
            (alerting, "/api/v1/notifications"): {"pending": [], "failed": [], "sent": [], "suppressed": []},
            (alerting, "/api/v1/silences"): {"silences": []},
            (console, "/health"): {"status": "pass"},
        },
    )
