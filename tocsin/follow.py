"""Follows the configuration file of a running process: on a change and at SIGHUP it is read whole and taken up.

The front door runs it beside the roles. Invariants: a file with an error changes nothing, the error is logged, counted
and shown; what a running process cannot take up is named, and the rest of the file is taken up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from prometheus_client import CollectorRegistry, Counter, Gauge

from foundation.differences import differences, in_force
from foundation.errors import ConfigError
from foundation.lifecycle import TakeUp
from foundation.logs import logger
from foundation.standing import Standing
from tocsin.config import Source, Stamp, TocsinConfig

_log = logger("tocsin.follow")
_LOOK_S = 0.5


class FollowMetrics:
    """What is counted about the configuration."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.ok = Gauge(
            "tocsin_config_ok",
            "1 while tocsin.yml on disk is without an error, 0 while it has errors and the one before stays in force.",
            registry=registry,
        )
        self.waiting = Gauge(
            "tocsin_config_restart_needed",
            "Settings that differ between tocsin.yml on disk and the process, and wait for a restart.",
            registry=registry,
        )
        self.readings = Counter(
            "tocsin_config_readings",
            "Times that a changed tocsin.yml was read, by outcome: taken_up or refused.",
            ("outcome",),
            registry=registry,
        )
        self.ok.set(1)
        for outcome in ("taken_up", "refused"):
            self.readings.labels(outcome)


class Follower:
    """Follows `source`, from which `config` was read when its stamp was `stamp`.

    `prepare` lets the roles look at another configuration, `standing` is told how it stands.
    """

    def __init__(
        self,
        source: Source,
        config: TocsinConfig,
        stamp: Stamp | None,
        prepare: Callable[[TocsinConfig], Awaitable[TakeUp]],
        *,
        standing: Standing,
        metrics: FollowMetrics,
    ) -> None:
        self._source = source
        self._config = config
        self._prepare = prepare
        self._standing = standing
        self._metrics = metrics
        self._read = self._seen = stamp
        self._was_there = stamp is not None

    async def run(self, hang_up: asyncio.Event) -> None:
        """Look about twice a second, and at once when `hang_up` is set, until cancelled."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_S):
                    await hang_up.wait()
            asked = hang_up.is_set()
            hang_up.clear()
            await self.look(asked=asked)

    async def look(self, *, asked: bool = False) -> None:
        """Read the file if it is another than at the last reading and its writer is done with it, or if `asked`.

        After an error it is read again at every look: what it refers to may have been mended.
        """
        stamp = await asyncio.to_thread(self._source.stamp)
        at_rest, self._seen = stamp == self._seen, stamp
        if not (asked or (at_rest and (stamp != self._read or self._standing.errors))):
            return
        self._read = stamp
        self._was_there = self._was_there or stamp is not None
        try:
            wanted = await asyncio.to_thread(self._source.read, was_there=self._was_there)
            config = in_force(self._config, wanted)
            take_up = await self._prepare(config)
            await take_up()
        except ConfigError as error:
            self._refuse(error.problems, None)
        except Exception as error:  # noqa: BLE001 - whatever goes wrong with a new configuration, the old one runs on
            self._refuse((f"{self._source.path}: cannot be taken up: {error}",), error)
        else:
            self._taken_up(config, wanted)

    def _refuse(self, problems: tuple[str, ...], surprise: Exception | None) -> None:
        if problems == self._standing.errors:
            return
        self._standing.errors = problems
        self._metrics.ok.set(0)
        self._metrics.readings.labels("refused").inc()
        _log.error(
            "configuration not taken up, the one before stays in force", error=surprise, problems="\n".join(problems)
        )

    def _taken_up(self, config: TocsinConfig, wanted: TocsinConfig) -> None:
        changed = ", ".join(found.path for found in differences(self._config, config))
        waiting = tuple(found.path for found in differences(config, wanted))
        self._config = config
        self._metrics.ok.set(1)
        self._metrics.waiting.set(len(waiting))
        self._metrics.readings.labels("taken_up").inc()
        _log.info("configuration taken up", file=self._source.path, changed=changed or "nothing")
        if waiting and waiting != self._standing.waiting:
            _log.warning(f"needs a restart: {', '.join(waiting)}", file=self._source.path)
        self._standing.errors, self._standing.waiting = (), waiting
