"""Every board that ships, by its uid. A new board is one file and one line."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from grafana.boards import alerts, business, device, devices, endpoint, host, overview, pipeline, red, slo
from grafana.render import Board

BOARDS: Mapping[str, Callable[[], Board]] = {
    "tocsin-overview": overview.build,
    "tocsin-red": red.build,
    "tocsin-endpoint": endpoint.build,
    "tocsin-slo": slo.build,
    "tocsin-business": business.build,
    "tocsin-devices": devices.build,
    "tocsin-device": device.build,
    "tocsin-host": host.build,
    "tocsin-alerts": alerts.build,
    "tocsin-pipeline": pipeline.build,
}
