"""The service level objectives that ship, read from rules/*.yml: what pages people is what the board shows.

`boards/slo.py` calls this. The invariant: no number of an objective stands here or there, so a changed rule makes the
committed board stale, which a test sees.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import yaml

RULES = Path(__file__).resolve().parents[1] / "rules"
_QUERY = re.compile(
    r"SELECT\s+(?P<what>\w+\(\w+\))\s+FROM\s+(?P<source>\w+)(?:\s+WHERE\s+(?P<where>.+))?", re.IGNORECASE
)
_CALL = re.compile(r"(\w+)\((\w+)\)")


@dataclass(frozen=True, slots=True)
class Objective:
    """`percent` of what `total` counts is not counted by `bad`; both are of points of `source` where `where` holds."""

    name: str
    percent: float
    bad: str
    total: str
    source: str
    where: tuple[str, ...]

    @property
    def budget(self) -> float:
        """Which share may be bad."""
        return round(1 - self.percent / 100, 9)


def read(folder: Path = RULES) -> tuple[Objective, ...]:
    """Every objective of the rule files, in their order. Raises ValueError naming one that no single query can show."""
    files = (yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.yml")))
    return tuple(_objective(slo) for file in files for slo in _slos(file))


def _slos(file: dict[str, list[dict[str, str]]]) -> Iterable[dict[str, str]]:
    return file.get("slos", [])


def _objective(slo: dict[str, str]) -> Objective:
    bad, total = (_QUERY.fullmatch(slo[side].strip()) for side in ("bad", "total"))
    if bad is None or total is None or bad.group("source", "where") != total.group("source", "where"):
        words = "`bad` and `total` must each select one call from one measurement, with the same WHERE"
        raise ValueError(f"{slo['slo']}: {words}: InfluxQL divides only what one query counts")
    where = (f"({_quoted(bad['where'])})",) if bad["where"] else ()
    amount, whole = (_CALL.sub(r'\1("\2")', side["what"]) for side in (bad, total))
    return Objective(slo["slo"], float(slo["objective"]), amount, whole, bad["source"], where)


def _quoted(condition: str) -> str:
    """Names in double quotes, as boards write them; what stands in single quotes is left."""
    return re.sub(r"('[^']*')|\b(?!and\b|or\b)([a-z_]\w*)\b", lambda found: found[1] or f'"{found[2]}"', condition)
