"""What the shipped boards ask, answered by the embedded store and by influxd over HTTP: how long each takes.

Each question is asked as a board does that refreshes, a little later each time, so that no text comes twice; what it
takes for the first time, when a board is opened, is told apart. Each is asked while the other one is at rest.

Over more than twenty million points twelve of them are asked, for influxd takes minutes with all; what it does not
answer within a minute counts as a minute. Questions to which there is no answer (nobody failed, nothing was deployed)
are left out: they would measure HTTP.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.boards import questions
from benchmarks.contract import Wish
from benchmarks.figures import Figure
from benchmarks.store_pair import Asked, filled_pair
from benchmarks.store_points import START_NS, shipments

_HOUR_NS = 3_600_000_000_000
_QUICK, _POINTS = 100_000, 1_000_000
_MANY = 20_000_000
_TURNS, _LATER_NS = 8, 1_370_000_000
"""Asked so often, each time so much later: no bound falls on a window's."""
_TWELVE = frozenset(
    {
        "tocsin-business: Page load time (p95)",
        "tocsin-business: Revenue a minute",
        "tocsin-devices: Devices, longest silent first",
        "tocsin-devices: Temperature by site",
        "tocsin-overview: Each service",
        "tocsin-red: Errors by service",
        "tocsin-red: Request rate by service",
        "tocsin-red: Requests by status",
        "tocsin-red: Response time",
        "tocsin-red: Response time by feature (p95)",
        "tocsin-red: Slowest endpoints",
        "tocsin-red: p95",
    }
)


def measure(wish: Wish) -> Iterator[Figure]:
    """Each question's time and the rival's; then the median and the smallest of the ratios."""
    points = _QUICK if wish.quick else wish.points or _POINTS
    found: list[tuple[Asked, Asked]] = []
    own_cpu = their_cpu = 0.0
    with (
        tempfile.TemporaryDirectory(prefix="tocsin-bench-") as name,
        filled_pair(Path(name), shipments(points, _HOUR_NS)) as pair,
    ):
        for question, texts in _asked():
            if points > _MANY and question not in _TWELVE:
                continue
            if pair.influxd is not None:
                pair.influxd.rest()
            before = pair.embedded.cpu_s
            ours = pair.embedded.time(texts)
            if not pair.embedded.found:
                continue
            if pair.influxd is None:
                yield Figure(question, ours.again * 1e3, "ms")
                continue
            own_cpu += pair.embedded.cpu_s - before
            pair.embedded.rest()
            before = pair.influxd.cpu_s
            theirs = pair.influxd.time(texts)
            their_cpu += pair.influxd.cpu_s - before
            found.append((ours, theirs))
            _tell(question, ours, theirs)
            yield Figure(question, ours.again * 1e3, "ms", "never slower", "influxd", theirs.again * 1e3)
    if found:
        again = [theirs.again / ours.again for ours, theirs in found]
        first = [theirs.first / ours.first for ours, theirs in found]
        yield Figure(f"faster than influxd, median over {points} points", statistics.median(again), "times", ">= 10")
        yield Figure("the same, smallest", min(again), "times", ">= 1")
        yield Figure("questions that are slower", sum(ratio < 1 for ratio in again), "", "0")
        yield Figure("asked for the first time: faster, median", statistics.median(first), "times", ">= 10")
        yield Figure("asked for the first time: slower", sum(ratio < 1 for ratio in first), "", "0")
        yield Figure("CPU time of all questions", own_cpu, "s", "", "influxd", their_cpu)


def _asked() -> Iterator[tuple[str, list[str]]]:
    """Each question's name, and its texts in the order in which they are asked."""
    starts = (START_NS + turn * _LATER_NS for turn in range(_TURNS))
    for same in zip(*(questions(start, start + _HOUR_NS) for start in starts), strict=True):
        yield same[0].name, [one.influxql for one in same]


def _tell(question: str, ours: Asked, theirs: Asked) -> None:
    times = " ".join(f"{one * 1e3:9.1f} ms" for one in (ours.again, theirs.again, ours.first, theirs.first))
    print(f"{times} {theirs.again / ours.again:7.1f} {theirs.first / ours.first:7.1f}  {question}", file=sys.stderr)
