"""The demo as a role: its pager accepts, its shop and devices live. Built by the front door; wires things, no more."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from random import Random

from demo.config import DemoConfig
from demo.fleet import Fleet
from demo.pager import Pager
from demo.push import Push
from demo.shop import Shop
from demo.traffic import Traffic
from foundation.clock import Clock
from foundation.lifecycle import OnIncident, TakeUp, Tasks
from foundation.tls import Trust
from foundation.web import Address, Listening, Site


class Demo:
    """Simulated traffic into the collector at `config.collector`, and a pager for what comes of it.

    `trust`: whose certificate the collector's may be.
    """

    name = "demo"

    def __init__(
        self,
        config: DemoConfig,
        *,
        state: Path,
        clock: Clock,
        on_incident: OnIncident,
        listening: Listening | None = None,
        trust: Trust = True,
    ) -> None:
        self._config = config
        self._site = Site(Pager(clock).app(), Address.parse(config.listen), listening=listening)
        self._push = Push(config.collector, Random(config.seed), config.token, trust)
        self._shop = Shop(config.seed, config.requests_per_s)
        self._before = Shop(config.seed + 1, config.requests_per_s)
        self._traffic = Traffic(
            self._shop,
            self._before,
            Fleet(config.seed, config.devices, config.report_every),
            self._push,
            clock=clock,
            state=state,
        )
        self._tasks = Tasks(on_incident)

    async def start(self) -> str:
        """Returns the pager's address; the traffic begins by itself. Raises ConfigError when the address is taken."""
        address = await self._site.start()
        await self._push.open()
        _ = self._tasks.spawn(self._live_in_shop(), "demo.shop")
        _ = self._tasks.spawn(self._traffic.run_fleet(), "demo.fleet")
        _ = self._tasks.spawn(self._traffic.follow_faults(), "demo.faults")
        return str(address)

    async def _live_in_shop(self) -> None:
        await self._traffic.fill_history(self._config.history)
        await self._traffic.run_shop()

    async def stop(self) -> None:
        """Stop the traffic, then the pager."""
        await self._tasks.stop(1.0)
        await self._push.close()
        await self._site.stop()

    async def prepare(self, config: DemoConfig) -> TakeUp:
        """Look at a new section, in which what is FIXED is as it was. Faults are followed anyway."""
        return partial(self._adopt, config)

    async def _adopt(self, config: DemoConfig) -> None:
        self._push.point_at(config.collector, config.token)
        self._shop.requests_per_s = self._before.requests_per_s = config.requests_per_s
