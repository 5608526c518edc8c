"""Beside a real influxd: with `bad_lines: reject` the same bodies get the same status and leave the same points.

A bucket is used until a body has left something in it. A body of which influxd dies is a finding: it was to be refused
here. The server is then started anew.
"""

from __future__ import annotations

import http.client
import tempfile
from contextlib import ExitStack
from pathlib import Path
from random import Random
from typing import Self

from tests.fakes.agreement import judge, one_shard, ours, ours_alone, post, readable, theirs, told_apart
from tests.fakes.bodies import grow_body
from tests.fakes.influxd import Influxd, running_influxd
from tests.fuzz.lane import Findings, GoesOn
from tests.fuzz.smallest import smallest

_MOST_TRIES = 150
_BUCKETS = 400
"""After so many buckets the server is started anew: it keeps something of each in memory."""


class BesideInfluxd:
    """Bodies of up to eight lines in nanoseconds."""

    name = "influxd"

    def __init__(self, program: Path) -> None:
        self._program = program

    def run(self, seed: int, goes_on: GoesOn, findings: Findings) -> None:
        """Compare until it is enough."""
        luck = Random(seed)  # noqa: S311 - examples that a run with the same seed finds again
        with tempfile.TemporaryDirectory() as folder, _Servers(self._program, Path(folder)) as servers:
            while goes_on():
                body = grow_body(luck, most_lines=8, most_mutations=luck.choice((0, 1, 1, 2, 3, 6)))
                said = _compare(body, servers, findings)
                if said:
                    quiet = Findings()
                    found = smallest(body, lambda less: bool(_compare(less, servers, quiet)), _MOST_TRIES)  # noqa: B023 - called here alone
                    findings.disagreements.append(f"{found!r}: {_compare(found, servers, quiet) or said}")


class _Servers:
    """One influxd after the other, and an empty bucket in it."""

    def __init__(self, program: Path, folder: Path) -> None:
        self._program = program
        self._folder = folder
        self._running = ExitStack()
        self._started = 0
        self._number = 0
        self._made = ""
        self._server: Influxd | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._running.close()

    def bucket(self) -> tuple[Influxd, str]:
        """A running server and the name of a bucket that holds nothing."""
        if self._server is None or (not self._made and self._number % _BUCKETS == 0):
            self.restart()
        assert self._server is not None
        if not self._made:
            self._number += 1
            self._made = self._server.make_bucket(f"fuzz-{self._number}")
        return self._server, f"fuzz-{self._number}"

    def used(self) -> None:
        """The bucket holds something now."""
        if self._server is not None:
            self._server.drop_bucket(self._made)
        self._made = ""

    def restart(self) -> None:
        """Another server, with nothing in it."""
        self._running.close()
        self._made = ""
        self._started += 1
        folder = self._folder / str(self._started)
        self._server = self._running.enter_context(running_influxd(self._program, folder))


def _compare(body: bytes, servers: _Servers, findings: Findings) -> str:
    """What differs, empty for nothing."""
    status, outcome = judge(body)
    if ours_alone(outcome):
        findings.note("never sent, refused here on purpose")
        return ""
    server, bucket = servers.bucket()
    try:
        answer, words = post(server, bucket, body)
    except (OSError, http.client.HTTPException) as error:
        servers.restart()
        return f"influxd ended ({error!r}); here it is {status}"
    findings.bodies += 1
    findings.lines += len(readable(body)) + outcome.dropped
    found = ""
    if answer == 400 or status == 400 or one_shard(body):
        if answer != status:
            found = f"here {status}, influxd {answer}: {words[:300]!r}"
    else:
        findings.note("types over several shards, status not compared")
        status = 400
    if not found and status != 400 and told_apart(body):
        findings.note("compared with what is stored of them")
        here, there = ours(outcome), theirs(server, bucket)
        found = "" if here == there else f"stored here {here}, in influxd {there}"
    if answer != 400:
        servers.used()
    return found
