"""This machine's CPU, memory, disk and network as the measurement `host`.

A sample that cannot be taken in (the buffer is full) is dropped and counted: the next one says more than an old one.

    cpu_pct              busy share of all cores since the last sample
    mem_pct              used share of memory
    swap_used_pct        used share of swap, 0 where there is none
    load1 load5 load15   run queue
    disk_used_pct        used share of the file system that holds `disk`
    disk_free_bytes      what is left of it
    net_rx_bytes         received since the machine started (net_tx_bytes: sent)
    net_rx_bytes_per_s   the same as a rate since the last sample (net_tx_bytes_per_s: sent)
    processes            how many run
    uptime_s             since the machine started

The only tag is `host`.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import psutil
from prometheus_client import CollectorRegistry, Counter

from collector.intake.contract import HandIn
from foundation.clock import Clock
from foundation.errors import Permanent, Transient
from foundation.lifecycle import OnIncident, Tasks
from foundation.line_protocol.encode import encode
from foundation.logs import logger

_log = logger("collector.intake.host")
_SOURCE = "host"


@dataclass(frozen=True, slots=True, kw_only=True)
class HostConfig:
    """`every`: time between samples. `disk`: any path on the file system to watch. `name`: the tag, else the host's."""

    enabled: bool = True
    every: timedelta = timedelta(seconds=10)
    disk: Path = Path("/")
    name: str | None = None

    def __post_init__(self) -> None:
        """Refuse a busy loop."""
        if self.every < timedelta(seconds=1):
            raise ValueError("every is at least 1s: sampling a host more often measures the sampling")


class HostMetrics:
    """What sampling counts."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.dropped = Counter(
            "tocsin_host_samples_dropped_total", "Host samples not taken in, by reason.", ("reason",), registry=registry
        )


class HostInput:
    """Samples the machine every `config.every`."""

    name = "host"

    def __init__(self, config: HostConfig, hand_in: HandIn, *, clock: Clock, registry: CollectorRegistry) -> None:
        self._config = config
        self._hand_in = hand_in
        self._clock = clock
        self._tasks: Tasks | None = None
        self._seen: tuple[float, int, int] | None = None
        self._worked: tuple[float, float] | None = None
        self._metrics = HostMetrics(registry)

    async def start(self, on_incident: OnIncident) -> None:
        """Begin to sample; the first sample is taken one period from now, because rates need two looks."""
        self._tasks = Tasks(on_incident)
        self._task = self._tasks.spawn(self._sample_for_ever(), "intake.host")

    async def stop(self) -> None:
        """Stop sampling."""
        if self._tasks is not None:
            await self._tasks.stop()

    def adopt(self, config: HostConfig) -> None:
        """Sample by `config` after the next start."""
        self._config = config

    async def _sample_for_ever(self) -> None:
        await asyncio.to_thread(self._look)
        while True:
            await asyncio.sleep(self._config.every.total_seconds())
            await self.sample()

    async def sample(self) -> None:
        """Hand in one sample; a failure is counted and logged, never raised."""
        try:
            fields = await asyncio.to_thread(self._look)
            host = self._config.name or socket.gethostname() or "localhost"
            line = encode("host", {"host": host}, fields, self._clock.now_ns())
            await self._hand_in(line + b"\n", _SOURCE)
        except Transient as error:
            self._drop("full", error)
        except Permanent as error:
            self._drop("refused", error)
        except (OSError, psutil.Error) as error:
            self._drop("unreadable", error)

    def _drop(self, reason: str, error: Exception) -> None:
        self._metrics.dropped.labels(reason).inc()
        _log.warning("a sample of this host was dropped", reason=reason, cause=error)

    def _look(self) -> Mapping[str, float | int]:
        """Read everything; blocks for a millisecond or two. Called by one thread at a time."""
        load1, load5, load15 = psutil.getloadavg()
        disk = psutil.disk_usage(str(self._config.disk))
        return {
            "cpu_pct": self._busy_pct(),
            "mem_pct": psutil.virtual_memory().percent,
            "swap_used_pct": float(psutil.swap_memory().percent),
            "load1": load1,
            "load5": load5,
            "load15": load15,
            "disk_used_pct": disk.percent,
            "disk_free_bytes": disk.free,
            **self._network(),
            "processes": len(psutil.pids()),
            "uptime_s": int(self._clock.now().timestamp() - psutil.boot_time()),
        }

    def _busy_pct(self) -> float:
        """From the counters: psutil's own percentage is since the last look of the same thread, and says 0 in
        each that is new.
        """
        times = psutil.cpu_times()
        idle = times.idle + getattr(times, "iowait", 0.0)
        total = sum(times) - getattr(times, "guest", 0.0) - getattr(times, "guest_nice", 0.0)
        before, self._worked = self._worked, (total, idle)
        total_before, idle_before = before or self._worked
        span = total - total_before
        return round((1 - min(max((idle - idle_before) / span, 0), 1)) * 100, 1) if span > 0 else 0.0

    def _network(self) -> Mapping[str, float | int]:
        now = self._clock.monotonic()
        count = psutil.net_io_counters()
        if count is None:
            return {}
        before, self._seen = self._seen, (now, count.bytes_recv, count.bytes_sent)
        since, received, sent = before or self._seen
        span = max(now - since, 1e-3)
        return {
            "net_rx_bytes": count.bytes_recv,
            "net_tx_bytes": count.bytes_sent,
            "net_rx_bytes_per_s": max(count.bytes_recv - received, 0) / span,
            "net_tx_bytes_per_s": max(count.bytes_sent - sent, 0) / span,
        }
