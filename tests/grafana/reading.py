"""What the tests of boards share: every board as committed, its queries, and what a query means at one moment."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from grafana.render import FOLDER

BOARDS = {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.json"))}
"""As committed: what Grafana and the console really read."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One query of a board: `where` says which panel, variable or annotation it belongs to."""

    board: str
    where: str
    kind: str
    text: str
    window: str | None = None
    shift: str | None = None

    @property
    def name(self) -> str:
        return f"{self.board}: {self.where}"


def panels(board: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every panel, those inside rows included."""
    for panel in board["panels"]:
        yield panel
        yield from panel.get("panels", [])


def queries() -> list[Asked]:
    """Every query that a board asks: panels, variables, annotations."""
    found = []
    for uid, board in BOARDS.items():
        for panel in panels(board):
            found += [
                Asked(
                    uid,
                    panel["title"] if len(panel["targets"]) == 1 else f"{panel['title']} {target['refId']}",
                    "panel",
                    target["query"],
                    panel.get("timeFrom"),
                    panel.get("timeShift"),
                )
                for target in panel.get("targets", [])
            ]
        found += [
            Asked(uid, variable["name"], "variable", variable["query"]["query"])
            for variable in board["templating"]["list"]
            if variable["type"] == "query"
        ]
        found += [
            Asked(uid, mark["name"], "annotation", mark["target"]["query"]) for mark in board["annotations"]["list"]
        ]
    return found


ONE = {
    "tocsin-device": {"device": "d001"},
    "tocsin-endpoint": {"service": "shop", "endpoint": "\\/products\\/\\{id\\}"},
}
"""What a board's variables of one value are on; they have no All."""
UNITS_S = {"m": 60, "h": 3_600, "d": 86_400}


def seconds(duration: str) -> int:
    """Of Grafana's words for a panel's own window or shift: 5m, 1h, 30d."""
    return int(duration[:-1]) * UNITS_S[duration[-1]]


def expand(text: str, *, from_ms: int, to_ms: int, window_s: int = 60, picked: Mapping[str, str] | None = None) -> str:
    """The query as Grafana sends it: range, window, and for each variable what is picked (a regex; `.*` is all)."""
    text = text.replace("$timeFilter", f"time >= {from_ms}ms and time <= {to_ms}ms")
    text = text.replace("${__interval_ms}", str(window_s * 1000)).replace("${__interval}", f"{window_s}s")
    return re.sub(r"\$\{(\w+):regex\}", lambda found: (picked or {}).get(found[1], ".*"), text)
