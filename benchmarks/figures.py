"""What a benchmark says: figures with the goal they are held against, and a rival measured in the same run."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number. `goal` is text (`>= 1.5 M`); `rival` names what `rival_value` was measured on."""

    name: str
    value: float
    unit: str
    goal: str = ""
    rival: str = ""
    rival_value: float | None = None


def as_json(benchmark: str, figures: Iterable[Figure]) -> dict[str, object]:
    """The form that `--json` prints."""
    return {"benchmark": benchmark, "machine": machine(), "figures": [asdict(figure) for figure in figures]}


def machine() -> Mapping[str, object]:
    """What the figures were measured on; without it they mean nothing."""
    return {
        "cpu": _cpu(),
        "cores": psutil.cpu_count(logical=True),
        "memory_bytes": psutil.virtual_memory().total,
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": platform.python_version(),
    }


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "")
