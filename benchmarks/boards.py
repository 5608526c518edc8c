"""What the shipped boards ask, as Grafana sends it: every panel, drop-down and annotation of the committed JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from foundation import durations
from tests.grafana.reading import expand, queries

_NS = 1_000_000_000
_MS = 1_000_000
_PIXELS = 1_000
"""Grafana asks for about as many windows as the panel is wide, and at least ten seconds each."""
_PICKED = {
    "tocsin-device": {"device": "climate-0001"},
    "tocsin-endpoint": {"service": "shop0", "endpoint": "\\/api\\/v1\\/thing0"},
}
"""What stands in the drop-downs of boards about one thing; the others show all."""
_WINDOWS_S = (10, 15, 20, 30, 60, 120, 300, 600, 900, 1_200, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400)


@dataclass(frozen=True, slots=True)
class Question:
    """One query of a board with its range, window and drop-downs (all values) put in."""

    board: str
    name: str
    influxql: str


def questions(from_ns: int, to_ns: int) -> Iterator[Question]:
    """What all boards ask when they show [from, to]. Each text comes once: panels that ask the same share it."""
    window_s = _window_s((to_ns - from_ns) // _NS)
    known = set()
    for asked in queries():
        since = from_ns if asked.window is None else to_ns - round(durations.parse(asked.window).total_seconds()) * _NS
        picked = _PICKED.get(asked.board)
        first_ms, last_ms = max(since, from_ns) // _MS, to_ns // _MS
        text = expand(asked.text, from_ms=first_ms, to_ms=last_ms, window_s=window_s, picked=picked)
        if text not in known:
            known.add(text)
            yield Question(asked.board, asked.name, text)


def _window_s(span_s: int) -> int:
    return next((step for step in _WINDOWS_S if step * _PIXELS >= span_s), _WINDOWS_S[-1])
