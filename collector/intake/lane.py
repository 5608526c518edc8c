"""The fast lane: writes that can only be answered 204, judged and made durable together, without a request object each.

A connection shows its plain POSTs here. Those of line protocol whose every line is of known shape, sent by who may,
wait until the event loop has read whatever else there is; then all of one errand and source go through the door as one
body and are answered when it is durable.

Invariant: the lane answers 204 and nothing else. What it does not take, or gives back, reaches aiohttp as if the lane
were not there, and nothing of it was counted, kept or learnt; every other answer is made on that path.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from collector.intake.access import Access
from collector.intake.answers import NoContent
from collector.intake.body import BodyRefused, Inflater
from collector.intake.buckets import Buckets
from collector.intake.door import Door
from collector.intake.head import Head, read_head
from collector.intake.limits import Guard
from collector.intake.metrics import IntakeMetrics
from collector.intake.write import Errand
from foundation.clock import Clock
from foundation.errors import ConfigError
from foundation.logs import logger

_log = logger("collector.intake")
_MOST_PLANS = 2_048
"""Heads remembered; senders repeat theirs but for the length of the body."""
_MOST_GROUP_BYTES = 256 << 10
_STORED = 204


class Rider(Protocol):
    """The connection that a request came on."""

    def acknowledge(self, wire: bytes, now: float) -> None:
        """Answer the request with these bytes; `now` is the event loop's time."""

    def take_back(self, request: bytes) -> None:
        """Hand the request on to aiohttp."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How long the body behind a head is, and what the request is for; None where that is not the lane's."""

    body_bytes: int
    errand: Errand | None = None
    gzip: bool = False


_Request = tuple[Rider, bytes, bytes, float]
"""Who sent it, the whole of it, its lines with a newline at the end, and when it came."""


@dataclass(slots=True)
class _Group:
    errand: Errand
    source: str
    ways: Ways
    requests: list[_Request] = field(default_factory=list)
    size_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Ways:
    """What intake goes by until it is configured anew: what a head asks for, who may, and the door."""

    foresee: Callable[[Head], Errand | None]
    access: Access
    door: Door


class Lane:
    """One for all connections of a listening socket."""

    def __init__(self, ways: Ways, buckets: Buckets, guard: Guard, metrics: IntakeMetrics, clock: Clock) -> None:
        self._ways = ways
        self._buckets = buckets
        self._guard = guard
        self._metrics = metrics
        self._clock = clock
        self._stored = NoContent(clock)
        self._plans: dict[bytes, Plan] = {}
        self._errands: dict[Errand, Errand] = {}
        self._groups: dict[tuple[int, str], _Group] = {}
        self._carrying: set[asyncio.Task[None]] = set()
        self._loop = asyncio.get_running_loop()

    def adopt(self, ways: Ways) -> None:
        """Go other ways from now on; what is under way ends as it began."""
        self._ways = ways
        self._forget()

    def plan(self, head: bytes) -> Plan | None:
        """What to do with a request that has this head (no empty line behind it); None where that is in doubt."""
        return self._plans.get(head) or self._make_plan(head)

    def take(self, rider: Rider, plan: Plan, request: bytes, source: str) -> bool:
        """Take a whole request in, to be answered or handed back later; False leaves it to aiohttp."""
        errand = plan.errand
        if errand is None or not self._guard.room:
            return False
        body = request[-plan.body_bytes :]
        if plan.gzip:
            try:
                inflater = Inflater(errand.most_bytes)
                inflater.feed(body)
                body = inflater.finish()
            except BodyRefused:
                return False
        if not body.endswith(b"\n"):
            body += b"\n"
        key = (id(errand), errand.source or source)
        group = self._groups.get(key)
        if group is None:
            if not self._groups:
                self._loop.call_soon(self._set_off)
            group = self._groups[key] = _Group(errand, key[1], self._ways)
        self._guard.begin()
        group.requests.append((rider, request, body, self._clock.monotonic()))
        group.size_bytes += len(body)
        if group.size_bytes > _MOST_GROUP_BYTES:
            del self._groups[key]
            self._send_off(group)
        return True

    def abandon(self) -> None:
        """Count a request of which only the head has come before the client left."""
        self._metrics.refused_bodies.labels("aborted").inc()

    def _set_off(self) -> None:
        groups, self._groups = self._groups, {}
        for group in groups.values():
            self._send_off(group)

    def _send_off(self, group: _Group) -> None:
        task = asyncio.create_task(self._carry(group), name="intake.lane")
        self._carrying.add(task)
        task.add_done_callback(self._carrying.discard)

    async def _carry(self, group: _Group) -> None:
        """Answer every request of the group, or give it back."""
        try:
            stored = await self._store(group)
        except Exception as error:  # noqa: BLE001 - the edge: whatever it was, the other path answers and logs it again
            _log.error("requests leave the fast lane by a fault of ours", error=error)
            stored = []
        now, loop_now = self._clock.monotonic(), self._loop.time()
        wire = self._stored.wire()
        if stored:
            self._metrics.count_answers(group.errand.path, _STORED, [now - began for _, _, _, began in stored])
        for rider, *_ in stored:
            self._guard.end()
            rider.acknowledge(wire, loop_now)
        if len(stored) < len(group.requests):
            kept = {id(one) for one in stored}
            for one in group.requests:
                if id(one) not in kept:
                    self._guard.end()
                    one[0].take_back(one[1])

    async def _store(self, group: _Group) -> list[_Request]:
        """Those of the requests whose lines are durable."""
        errand, door, requests = group.errand, group.ways.door, group.requests
        if group.ways.access.generation != errand.generation:
            self._forget()
            return []
        if not self._buckets.certain(errand.bucket):
            return []
        body = door.known(b"".join([lines for _, _, lines, _ in requests]), errand.precision, bucket=errand.bucket)
        if body is None:
            now_ns = self._clock.now_ns()
            alone = [
                (one, door.known(one[2], errand.precision, bucket=errand.bucket, stamp_ns=now_ns + number))
                for number, one in enumerate(requests)
            ]
            requests = [one for one, kept in alone if kept is not None]
            body = b"".join(kept for _, kept in alone if kept is not None)
        if body and await door.admit_known(body, bucket=errand.bucket, source=group.source):
            return requests
        return []

    def _make_plan(self, head: bytes) -> Plan | None:
        read = read_head(head)
        if read is None:
            return None
        try:
            errand = self._ways.foresee(read)
        except ConfigError:
            errand = None
        if errand is not None and not 0 < read.body_bytes <= errand.most_bytes:
            errand = None
        if errand is not None:
            errand = self._errands.setdefault(errand, errand)
        plan = Plan(read.body_bytes, errand, read.gzip)
        if len(self._plans) >= _MOST_PLANS:
            self._forget()
        self._plans[head] = plan
        return plan

    def _forget(self) -> None:
        self._plans.clear()
        self._errands.clear()
