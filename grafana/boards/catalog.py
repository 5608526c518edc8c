"""Every board that ships, by its uid. A new board is one file and one line."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from grafana.boards import business, devices, host, pipeline, red
from grafana.render import Board

BOARDS: Mapping[str, Callable[[], Board]] = {
    "tocsin-red": red.build,
    "tocsin-business": business.build,
    "tocsin-devices": devices.build,
    "tocsin-host": host.build,
    "tocsin-pipeline": pipeline.build,
}
