"""Hosts: CPU, memory, disk, load and network of the machines that report."""

from __future__ import annotations

from grafana.limits import CPU_PCT, DISK_PCT, MEMORY_PCT
from grafana.panels import Field, Panel, stat, target, timeseries
from grafana.queries import WINDOW, matches, select, tag_values
from grafana.render import Board, Heading, board
from grafana.variables import tag

_SOURCE = "host"
_EMPTY = "no host reported in this range"
_HOST = (matches("host"),)
_CPU, _MEMORY, _DISK = (
    Field("percent", _EMPTY, limits, minimum=0, maximum=100, decimals=1) for limits in (CPU_PCT, MEMORY_PCT, DISK_PCT)
)
_TRAFFIC = Field("Bps", _EMPTY, minimum=0)


def build() -> Board:
    """The board."""
    return board(
        Heading("tocsin-host", "Hosts", "How busy and how full the machines are.", "operators"),
        [
            _now("CPU", "Busy share of all cores, last value. Red: see which process eats it.", "cpu_pct", _CPU),
            _now(
                "Memory",
                "Memory in use, last value. Red: the next big allocation may kill a process.",
                "mem_pct",
                _MEMORY,
            ),
            _now(
                "Disk",
                "Share of the disk in use, last value. Red: make room before writes fail.",
                "disk_used_pct",
                _DISK,
            ),
            _over_time("CPU", "Busy share of all cores. Long above the red line: spread the work.", "cpu_pct", _CPU),
            _over_time("Memory", "Memory in use. A steady rise is a leak.", "mem_pct", _MEMORY),
            _over_time("Disk", "Share of the disk in use. The slope says when it is full.", "disk_used_pct", _DISK),
            _over_time(
                "Load",
                "Processes that want a core, mean of a minute. Above the number of cores, work waits.",
                "load1",
                Field("short", _EMPTY, minimum=0, decimals=2),
            ),
            _over_time("Received", "Bytes a second from the network.", "net_rx_bytes_per_s", _TRAFFIC),
            _over_time("Sent", "Bytes a second to the network.", "net_tx_bytes_per_s", _TRAFFIC),
        ],
        variables=[tag("host", tag_values("host", _SOURCE), label="Host", description="Machines to look at")],
        refresh="10s",
    )


def _now(title: str, description: str, quantity: str, field: Field) -> Panel:
    query = select(f'last("{quantity}")', source=_SOURCE, where=_HOST)
    return stat(f"{title} now", description, [target(query)], field, (8, 4))


def _over_time(title: str, description: str, quantity: str, field: Field) -> Panel:
    query = select(f'mean("{quantity}")', source=_SOURCE, where=_HOST, by=("host",), every=WINDOW)
    return timeseries(title, description, [target(query, alias="$tag_host")], field, (12, 8))
