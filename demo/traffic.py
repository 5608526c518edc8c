"""Lets the shop and the fleet live in real time, after a short history, and follows the faults.

`app` runs these loops. A collector that is away holds them up and is caught up with afterwards, a minute at most: what
a simulation missed while nobody listened is not worth a flood.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import timedelta
from pathlib import Path
from typing import Any

from demo import faults, past
from demo.faults import Faults
from demo.fleet import Fleet, Report
from demo.past import WEEK_NS
from demo.push import Push
from demo.shop import Shop
from foundation.clock import Clock
from foundation.logs import logger

_S = 1_000_000_000
_SHOP_TICK_S = 1.0
_FLEET_TICK_S = 0.25
_CATCH_UP_NS = 60 * _S
_HISTORY_STRETCH_NS = 30 * _S
_HISTORY_ITEMS = 1_000
_FULL_HISTORY_NS = 120 * _S
_THINNED_TO = 4
_DEVICE_ATTEMPTS = 4
_AT_ONCE = 64
_log = logger("demo.traffic")


class Traffic:
    """The demo's loops; `broken` is what the faults file says. `before` is the shop of a week before, of which only the
    orders are told.
    """

    def __init__(self, shop: Shop, before: Shop, fleet: Fleet, push: Push, *, clock: Clock, state: Path) -> None:
        self._shop = shop
        self._before = before
        self._fleet = fleet
        self._push = push
        self._clock = clock
        self._state = state
        self._broken = Faults()
        self._ready = asyncio.Event()
        self._began_ns = 0
        self._on_their_way: set[asyncio.Task[None]] = set()

    async def fill_history(self, length: timedelta) -> None:
        """Live through `length` before now, unless the store has seen the shop in that time; then let the loops go."""
        self._began_ns = self._clock.now_ns()
        first_ns = self._began_ns - length // timedelta(microseconds=1) * 1_000
        seen_ns = await self._push.last_event() if length else self._began_ns
        if seen_ns is None or seen_ns < first_ns:
            incident = past.incident(self._began_ns)
            for since_ns in range(first_ns, self._began_ns, _HISTORY_STRETCH_NS):
                await self._live_through(since_ns, min(since_ns + _HISTORY_STRETCH_NS, self._began_ns), incident)
            if first_ns < incident.began_ns:
                await self._push.lines(incident.events())
            _log.info("the demo has a past", minutes=round(length.total_seconds() / 60))
        self._ready.set()

    async def _live_through(self, since_ns: int, until_ns: int, incident: past.Incident) -> None:
        lines = self._shop.live(since_ns, until_ns, incident.faults(since_ns, until_ns))
        await self._push.lines(lines + self._before.orders(since_ns - WEEK_NS, until_ns - WEEK_NS))
        reports = self._fleet.reports(since_ns, until_ns, Faults())
        items = [item for report in reports if self._is_kept(report) for item in report.items]
        for start in range(0, len(items), _HISTORY_ITEMS):
            await self._push.telemetry(items[start : start + _HISTORY_ITEMS])

    def _is_kept(self, report: Report) -> bool:
        """Of the older past a part of the devices' reports is enough to draw it."""
        return report.number % _THINNED_TO == 0 or report.at_ns > self._began_ns - _FULL_HISTORY_NS

    async def run_shop(self) -> None:
        """Push what happened in the shop, about once a second."""
        await self._ready.wait()
        last_ns = self._began_ns
        while True:
            await asyncio.sleep(_SHOP_TICK_S)
            now_ns = self._clock.now_ns()
            since_ns = max(last_ns, now_ns - _CATCH_UP_NS)
            lines = self._shop.live(since_ns, now_ns, self._broken)
            lines += self._before.orders(since_ns - WEEK_NS, now_ns - WEEK_NS)
            last_ns = max(last_ns, now_ns)
            if lines:
                await self._push.lines(lines)

    async def run_fleet(self) -> None:
        """Let every device post when it is due, each by itself."""
        await self._ready.wait()
        last_ns = self._began_ns
        try:
            while True:
                await asyncio.sleep(_FLEET_TICK_S)
                now_ns = self._clock.now_ns()
                for report in self._fleet.reports(max(last_ns, now_ns - _CATCH_UP_NS), now_ns, self._broken):
                    await self._send(report)
                last_ns = max(last_ns, now_ns)
        finally:
            for task in self._on_their_way:
                task.cancel()

    async def follow_faults(self) -> None:
        """Read the faults file once a second and say what changed."""
        while True:
            read = faults.read(self._state)
            if read != self._broken:
                _log.info("faults", **{kind.value: f"until {end:%H:%M:%S} UTC" for kind, end in read.until.items()})
            self._broken = read
            await asyncio.sleep(1.0)

    async def _send(self, report: Report) -> None:
        if len(self._on_their_way) >= _AT_ONCE:
            await asyncio.wait(self._on_their_way, return_when=asyncio.FIRST_COMPLETED)
        self._spawn(self._push.telemetry(list(report.items), attempts=_DEVICE_ATTEMPTS), report.device)

    def _spawn(self, coro: Coroutine[Any, Any, None], device: str) -> None:
        task = asyncio.create_task(coro, name=f"demo.device.{device}")
        self._on_their_way.add(task)
        task.add_done_callback(self._on_their_way.discard)
