"""How a store that keeps its points itself stands, as metrics taken at each scrape: rollups and disk.

`catalog.build` registers it for the store that was configured.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

    from store.contract import RollupStanding, StoreStanding


class StandingMetrics(Collector):
    """Asks the store at each scrape."""

    def __init__(self, registry: CollectorRegistry, ask: Callable[[], StoreStanding]) -> None:
        self._ask = ask
        registry.register(self)

    def describe(self) -> Iterable[Metric]:
        """The names alone: the registry must not ask before there is a file."""
        return [*_of_rollups(()), *_of_disk(None)]

    def collect(self) -> Iterator[Metric]:
        """One sample for each rollup, and those of the disk."""
        standing = self._ask()
        yield from _of_rollups(standing.rollups)
        yield from _of_disk(standing)


def _of_rollups(standings: Iterable[RollupStanding]) -> list[Metric]:
    label = ("rollup",)
    lag = GaugeMetricFamily(
        "tocsin_rollup_lag_seconds", "How long ago the oldest window began that is over and not rolled.", labels=label
    )
    pending = GaugeMetricFamily(
        "tocsin_rollup_pending_windows", "Windows that are over and have to be rolled, or rolled again.", labels=label
    )
    failing = GaugeMetricFamily(
        "tocsin_rollup_failing", "1 while the rollup fails; `tocsin status` says why.", labels=label
    )
    windows = CounterMetricFamily(
        "tocsin_rollup_windows",
        "Windows by outcome: rolled for the first time, rolled again because of later lines, frozen because points of "
        "theirs were deleted for their age.",
        labels=("rollup", "outcome"),
    )
    failures = CounterMetricFamily("tocsin_rollup_failures", "Attempts to roll that failed.", labels=label)
    for one in standings:
        lag.add_metric((one.name,), one.lag_s)
        pending.add_metric((one.name,), one.pending_windows)
        failing.add_metric((one.name,), bool(one.problem))
        for outcome, count in (("rolled", one.rolled), ("again", one.again), ("frozen", one.frozen)):
            windows.add_metric((one.name, outcome), count)
        failures.add_metric((one.name,), one.failures)
    return [lag, pending, failing, windows, failures]


def _of_disk(standing: StoreStanding | None) -> list[Metric]:
    used = GaugeMetricFamily("tocsin_store_used_bytes", "Bytes that the embedded store holds in its file and its log.")
    quota = GaugeMetricFamily("tocsin_store_quota_bytes", "Bytes that it may hold; 0 is no bound.")
    problems = GaugeMetricFamily(
        "tocsin_store_problems",
        "What keeps the store from its work: a quota used up, a clock that it cannot believe, no room to compact.",
    )
    if standing is not None:
        used.add_metric((), standing.used_bytes)
        quota.add_metric((), standing.quota_bytes)
        problems.add_metric((), len(standing.problems))
    return [used, quota, problems]
