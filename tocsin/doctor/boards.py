"""The boards: whether every panel's query is answered, and which boards have nothing to show."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from tocsin.doctor.finding import Finding, NotNow, fine, hint, wrong
from tocsin.doctor.intake import asked
from tocsin.doctor.patient import Patient

_LOOKED_AT: Final = timedelta(minutes=15)
_WINDOW_S: Final = 60
_VARIABLE: Final = re.compile(r"\$\{\w+:regex\}")
_GRAFANA: Final = re.compile(r"\$\{?\w+")
_MOST_TOLD: Final = 5


@dataclass(frozen=True, slots=True)
class Drawn:
    """A panel's query as a board asks it now, with every value of its variables."""

    board: str
    panel: str
    query: str


class BoardData:
    """Whether what the boards ask is answered, over the last quarter of an hour."""

    name = "board data"

    def look(self, patient: Patient) -> Iterator[Finding]:
        """See Check."""
        config, door = patient.config.console, patient.collector
        problem, _ = asked(door, {"db": config.bucket, "q": "SHOW MEASUREMENTS LIMIT 1"})
        if problem:
            raise NotNow("/query does not answer")
        panels = list(queries(config.boards, patient.clock.now_ns()))
        answers = {text: asked(door, {"db": config.bucket, "q": text}) for text in {one.query for one in panels}}
        failed = [one for one in panels if answers[one.query][0]]
        for one in failed[:_MOST_TOLD]:
            words = f"{one.board}, panel {one.panel!r}: {answers[one.query][0]}"
            yield wrong(words, f"mend its query in {config.boards}")
        if len(failed) > _MOST_TOLD:
            yield wrong(f"and {len(failed) - _MOST_TOLD} panels more", f"mend their queries in {config.boards}")
        filled = {one.board for one in panels if answers[one.query][1]}
        empty = sorted({one.board for one in panels} - filled - {one.board for one in failed})
        if empty:
            words = f"nothing to show in the last {_LOOKED_AT.seconds // 60} min: {', '.join(empty)}"
            yield hint(words, "send what they ask for (docs/measurements.md), or `tocsin up --demo` to see them filled")
        if not failed and filled:
            yield fine(f"{len(filled)} boards have something to show, {len(answers)} queries are answered")


def queries(folder: Path, now_ns: int) -> Iterator[Drawn]:
    """What the board files of a folder ask. Files with a fault are another check's business."""
    now_ms = now_ns // 1_000_000
    range_ = f"time >= {now_ms - int(_LOOKED_AT.total_seconds() * 1000)}ms and time <= {now_ms}ms"
    for path in sorted(folder.glob("*.json")):
        try:
            board = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        for panel in _panels(board):
            for target in panel.get("targets", ()):
                text = _expanded(str(target.get("query", "")), range_)
                if text and not _GRAFANA.search(text):
                    yield Drawn(str(board.get("title", path.stem)), str(panel.get("title", "")), text)


def _panels(board: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for panel in board.get("panels", ()):
        yield panel
        yield from panel.get("panels", ())


def _expanded(query: str, range_: str) -> str:
    """As Grafana would send it. What has other variables is left out: nobody can say what they would be."""
    text = query.replace("$timeFilter", range_)
    text = text.replace("${__interval_ms}", str(_WINDOW_S * 1000)).replace("${__interval}", f"{_WINDOW_S}s")
    return _VARIABLE.sub(".*", text)
