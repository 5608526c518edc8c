"""Hosts: CPU, memory, disk, load and network of the machines that report."""

from __future__ import annotations

from grafana.limits import CPU_PCT, DISK_PCT, MEMORY_PCT, Limits
from grafana.panels import (
    Field,
    Override,
    Panel,
    descending,
    override,
    row,
    steps,
    table,
    target,
    timeseries,
    transformed,
)
from grafana.queries import WINDOW, column, matches, select, tag_values
from grafana.render import Board, Heading, board
from grafana.transformations import arranged
from grafana.variables import tag

SOURCE = "host"
EMPTY = "no host reported in this range: the collector writes its own where collector.host.every is set"
_HOST = (matches("host"),)
_CPU, _MEMORY, _DISK = (
    Field("percent", EMPTY, limits, minimum=0, maximum=100, decimals=1) for limits in (CPU_PCT, MEMORY_PCT, DISK_PCT)
)
_TRAFFIC = Field("Bps", EMPTY, minimum=0)
_BAR = {"type": "gauge", "mode": "basic", "valueDisplayMode": "text"}


def build() -> Board:
    """The board."""
    return board(
        Heading("tocsin-host", "Hosts", "How busy and how full the machines are.", "operators"),
        [_busiest(), row("$host", repeat="host"), *_each()],
        variables=[tag("host", tag_values("host", SOURCE), label="Host", description="Machines to look at")],
        refresh="10s",
    )


def now(where: tuple[str, ...]) -> str:
    """The last word of each host, as a table whose columns `columns` writes."""
    newest = ("cpu", "cpu_pct"), ("memory", "mem_pct"), ("disk", "disk_used_pct"), ("load", "load1")
    traffic = ("received", "net_rx_bytes_per_s"), ("sent", "net_tx_bytes_per_s")
    shown = [column(f'last("{field}")', name) for name, field in (*newest, *traffic)]
    return select(*shown, source=SOURCE, where=where, by=("host",))


def columns() -> tuple[Override, ...]:
    """Units and limits of the columns that `now` makes."""
    return (
        _share("cpu", CPU_PCT),
        _share("memory", MEMORY_PCT),
        _share("disk", DISK_PCT),
        override("load", unit="short", decimals=2),
        override("received", unit="Bps"),
        override("sent", unit="Bps"),
    )


def _share(name: str, limits: Limits) -> Override:
    return override(
        name, unit="percent", decimals=1, min=0, max=100, thresholds=steps(limits), custom__cellOptions=_BAR
    )


def _busiest() -> Panel:
    panel = table(
        "Hosts, busiest first",
        "The last word of each host. Red CPU: see which process eats it; red memory: the next big allocation may kill"
        " one; red disk: make room before writes fail.",
        [target(now(_HOST), table=True)],
        Field("none", EMPTY),
        (24, 5),
        sort=descending("cpu"),
        overrides=columns(),
    )
    return transformed(panel, arranged("host", "cpu", "memory", "disk", "load", "received", "sent", hidden=("Time",)))


def _each() -> list[Panel]:
    return [
        _over_time("CPU", "Busy share of all cores. Long above the red line: spread the work.", "cpu_pct", _CPU),
        _over_time("Memory", "Memory in use. A steady rise is a leak.", "mem_pct", _MEMORY),
        _over_time("Disk", "Share of the disk in use. The slope says when it is full.", "disk_used_pct", _DISK),
        _over_time(
            "Load",
            "Processes that want a core, mean of a minute. Above the number of cores, work waits.",
            "load1",
            Field("short", EMPTY, minimum=0, decimals=2),
        ),
        _over_time("Received", "Bytes a second from the network.", "net_rx_bytes_per_s", _TRAFFIC),
        _over_time("Sent", "Bytes a second to the network.", "net_tx_bytes_per_s", _TRAFFIC),
    ]


def _over_time(title: str, description: str, quantity: str, field: Field) -> Panel:
    query = select(f'mean("{quantity}")', source=SOURCE, where=_HOST, by=("host",), every=WINDOW)
    return timeseries(title, description, [target(query, alias="$tag_host")], field, (8, 8))
