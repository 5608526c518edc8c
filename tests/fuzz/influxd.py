"""Beside a real influxd: with `bad_lines: reject` the same bodies get the same statuses and leave the same points.

Alone: each body into a bucket that holds nothing. In a row: many bodies into one bucket, so that what one of them
teaches about types holds for the next; every point is then compared. A body of which influxd dies is a finding: it was
to be refused here.
"""

from __future__ import annotations

import http.client
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from random import Random
from typing import Self

from collector.decode.contract import Arrival
from collector.pipeline import BadLines
from foundation.line_protocol.precision import Precision
from tests.fakes.agreement import (
    NOW_NS,
    SHARD_NS,
    Series,
    judge,
    one_shard,
    ours,
    ours_alone,
    post,
    readable,
    series_here,
    series_there,
    status_of,
    theirs,
    told_apart,
)
from tests.fakes.bodies import grow_body
from tests.fakes.influxd import Influxd, running_influxd
from tests.fakes.pins import ForgetfulPins
from tests.fuzz.lane import Findings, GoesOn
from tests.fuzz.smallest import smallest

_MOST_TRIES = 150
_ROW = 60
_BUCKETS = 400
"""After so many buckets the server is started anew: it keeps something of each in memory."""
_AWAY = (OSError, http.client.HTTPException)


class Alone:
    """Bodies of up to eight lines in nanoseconds, each by itself."""

    name = "influxd, bodies alone"

    def __init__(self, program: Path) -> None:
        self._program = program

    def run(self, seed: int, goes_on: GoesOn, findings: Findings) -> None:
        """Compare until it is enough."""
        luck = Random(seed)  # noqa: S311 - examples that a run with the same seed finds again
        with _Servers.running(self._program) as servers:
            while goes_on():
                body = grow_body(luck, most_lines=8, most_mutations=luck.choice((0, 1, 1, 2, 3, 6)))
                said = _compare(body, servers, findings)
                if said:
                    found = smallest(body, lambda less: bool(_compare(less, servers, Findings())), _MOST_TRIES)
                    findings.disagreements.append(f"{found!r}: {_compare(found, servers, Findings()) or said}")


class InRows:
    """Rows of sixty bodies of up to twelve lines, every line with a timestamp of its own in one shard of influxd."""

    name = "influxd, bodies in rows"

    def __init__(self, program: Path) -> None:
        self._program = program

    def run(self, seed: int, goes_on: GoesOn, findings: Findings) -> None:
        """Compare until it is enough."""
        luck = Random(seed)  # noqa: S311 - examples that a run with the same seed finds again
        with _Servers.running(self._program) as servers:
            while goes_on():
                stamps = count(1)
                row = [
                    grow_body(luck, most_lines=12, most_mutations=luck.choice((0, 0, 1, 2, 3)), stamps=stamps)
                    for _ in range(_ROW)
                ]
                said = _compare_row(row, servers, findings)
                if said:
                    findings.disagreements.append(_smallest_row(row, servers) or f"{row!r}: {said}")


class _Servers:
    """One influxd after the other, and an empty bucket in it."""

    def __init__(self, program: Path, folder: Path) -> None:
        self._program = program
        self._folder = folder
        self._running = ExitStack()
        self._started = 0
        self._buckets = 0
        self._made = ""
        self._server: Influxd | None = None

    @classmethod
    @contextmanager
    def running(cls, program: Path) -> Iterator[Self]:
        """None at first; all are gone at the end."""
        with tempfile.TemporaryDirectory() as folder:
            servers = cls(program, Path(folder))
            try:
                yield servers
            finally:
                servers._running.close()

    def bucket(self) -> tuple[Influxd, str]:
        """A running server and the name of a bucket that holds nothing."""
        if self._server is None or (not self._made and self._buckets >= _BUCKETS):
            self.restart()
        assert self._server is not None
        if not self._made:
            self._buckets += 1
            self._made = self._server.make_bucket(f"fuzz-{self._buckets}")
        return self._server, f"fuzz-{self._buckets}"

    def used(self) -> None:
        """The bucket holds something now."""
        if self._server is not None and self._made:
            self._server.drop_bucket(self._made)
        self._made = ""

    def restart(self) -> None:
        """Another server, with nothing in it."""
        self._running.close()
        self._made, self._buckets = "", 0
        self._started += 1
        self._server = self._running.enter_context(running_influxd(self._program, self._folder / str(self._started)))


def _compare(body: bytes, servers: _Servers, findings: Findings) -> str:
    """What differs, empty for nothing."""
    status, outcome = judge(body)
    if ours_alone(outcome):
        findings.note("never sent, refused here on purpose")
        return ""
    server, bucket = servers.bucket()
    try:
        answer, words = post(server, bucket, body)
    except _AWAY as error:
        servers.restart()
        return f"influxd ended ({error!r}); here it is {status}"
    findings.bodies += 1
    findings.lines += len(readable(body)) + outcome.dropped
    comparable = 400 in (answer, status) or one_shard(body)
    found = "" if answer == status or not comparable else f"here {status}, influxd {answer}: {words[:300]!r}"
    if not comparable:
        findings.note("types over several shards, not compared")
    elif not found and status != 400 and told_apart(body):
        findings.note("compared with what is stored of them")
        here, there = ours(outcome), theirs(server, bucket)
        found = "" if here == there else f"stored here {here}, in influxd {there}"
    if answer != 400:
        servers.used()
    return found


def _compare_row(row: list[bytes], servers: _Servers, findings: Findings) -> str:
    """What differs at the first body that is judged otherwise, or in the end; empty for nothing."""
    pipeline = ForgetfulPins.pipeline(BadLines.REJECT)
    server, bucket = servers.bucket()
    here: Series = {}
    try:
        for body in row:
            if not _all_stamped(body):
                findings.note("left out: a mutation took a timestamp away, or out of the shard")
                continue
            if ours_alone(judge(body)[1]):
                findings.note("never sent, refused here on purpose")
                continue
            arrival = Arrival(body, NOW_NS, Precision.NS, forgive_cr=False)
            outcome = pipeline.run("line_protocol", arrival, bucket="b", source="test")
            answer, words = post(server, bucket, body)
            findings.bodies += 1
            findings.lines += outcome.accepted + outcome.dropped
            if answer != status_of(outcome):
                return f"here {status_of(outcome)}, influxd {answer}: {words[:300]!r}"
            series_here(outcome, here)
        there = series_there(server, bucket)
    except _AWAY as error:
        servers.restart()
        return f"influxd ended ({error!r})"
    finally:
        servers.used()
    findings.note("points compared", sum(len(points) for points in here.values()))
    return "" if here == there else _difference(here, there)


def _difference(here: Series, there: Series) -> str:
    for key in sorted(here.keys() | there.keys(), key=repr):
        if here.get(key) != there.get(key):
            return f"{key}: stored here {here.get(key)}, in influxd {there.get(key)}"
    return "nothing"


def _all_stamped(body: bytes) -> bool:
    return all(line.time_ns is not None and 0 <= line.time_ns < SHARD_NS for line in readable(body))


def _smallest_row(row: list[bytes], servers: _Servers) -> str:
    """The fewest bodies that still differ, the last of them as short as it gets; empty if none differ any more."""

    def differs(less: list[bytes]) -> bool:
        return bool(_compare_row(less, servers, Findings()))

    if not differs(row):
        return ""
    few = smallest(row, differs, _MOST_TRIES)
    shorter: Callable[[bytes], bool] = lambda body: differs([*few[:-1], body])  # noqa: E731 - one line says it
    few = [*few[:-1], smallest(few[-1], shorter, _MOST_TRIES)]
    return f"{few!r}: {_compare_row(few, servers, Findings())}"
