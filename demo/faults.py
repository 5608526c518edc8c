"""How the demo is broken on purpose: `faults.json` in its state folder says what is broken, and until when.

`tocsin demo fault` writes it, the running demo looks at it every second; no port is needed. The invariants: the file is
replaced whole, and a fault ends by itself, so a demo that was forgotten mends.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

import orjson


class Kind(StrEnum):
    """What can break."""

    LATENCY = "latency"
    ERRORS = "errors"
    SILENCE = "silence"


@dataclass(frozen=True, slots=True)
class Faults:
    """Kind -> when it ends."""

    until: Mapping[Kind, datetime] = field(default_factory=dict)

    def active(self, kind: Kind, at: datetime) -> bool:
        """Whether `kind` is broken at time `at`."""
        end = self.until.get(kind)
        return end is not None and at < end


def command(state: Path, kind: str, duration: timedelta, now: datetime) -> datetime:
    """Break `kind` (latency, errors or silence) from now on for `duration`; returns when it ends. Raises ValueError."""
    broken = Kind(kind)
    if duration <= timedelta(0):
        raise ValueError("a fault needs a duration above zero, as in 2m")
    until = {name: end for name, end in read(state).until.items() if end > now} | {broken: now + duration}
    _write(state, until)
    return until[broken]


def clear(state: Path) -> None:
    """Mend everything now."""
    _file(state).unlink(missing_ok=True)


def read(state: Path) -> Faults:
    """What is broken; nothing where the file is missing or is not ours."""
    try:
        content = orjson.loads(_file(state).read_bytes())
        return Faults({Kind(kind): datetime.fromisoformat(end) for kind, end in content.items()})
    except (OSError, ValueError, AttributeError, TypeError):
        return Faults()


def _write(state: Path, until: Mapping[Kind, datetime]) -> None:
    file = _file(state)
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(f".{os.getpid()}.tmp")
    draft.write_bytes(orjson.dumps({kind.value: end.isoformat() for kind, end in until.items()}))
    draft.replace(file)


def _file(state: Path) -> Path:
    return state / "demo" / "faults.json"
