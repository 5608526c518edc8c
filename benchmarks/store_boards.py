"""What the shipped boards ask, answered by the embedded store and by influxd over HTTP: how long each takes.

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
from benchmarks.store_pair import filled_pair
from benchmarks.store_points import START_NS, shipments

_HOUR_NS = 3_600_000_000_000
_QUICK, _POINTS = 100_000, 1_000_000
_MANY = 20_000_000
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
    ratios = []
    own_cpu = their_cpu = 0.0
    with (
        tempfile.TemporaryDirectory(prefix="tocsin-bench-") as name,
        filled_pair(Path(name), shipments(points, _HOUR_NS)) as pair,
    ):
        for question in questions(START_NS, START_NS + _HOUR_NS):
            if points > _MANY and question.name not in _TWELVE:
                continue
            before = pair.embedded.cpu_s
            ours = pair.embedded.time(question.influxql)
            if not pair.embedded.found:
                continue
            if pair.influxd is None:
                yield Figure(question.name, ours * 1e3, "ms")
                continue
            own_cpu += pair.embedded.cpu_s - before
            before = pair.influxd.cpu_s
            theirs = pair.influxd.time(question.influxql)
            their_cpu += pair.influxd.cpu_s - before
            ratios.append(theirs / ours)
            print(f"{ours * 1e3:9.1f} ms {theirs * 1e3:9.1f} ms {ratios[-1]:7.1f}  {question.name}", file=sys.stderr)
            yield Figure(question.name, ours * 1e3, "ms", "never slower", "influxd", theirs * 1e3)
    if ratios:
        yield Figure(f"faster than influxd, median over {points} points", statistics.median(ratios), "times", ">= 10")
        yield Figure("the same, smallest", min(ratios), "times", ">= 1")
        yield Figure("CPU time of all questions", own_cpu, "s", "", "influxd", their_cpu)
