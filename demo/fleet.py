"""The simulated devices: who reports when, and what. Pure: time and luck are handed in.

Each device reports at its own phase of the period, so a fleet never speaks with one voice. The invariant: the same seed
and the same stretches make the same reports.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from demo.catalogue import business
from demo.faults import Faults, Kind

_S = 1_000_000_000
_MS = 1_000_000
SITES = ("berlin", "hamburg", "lyon", "malmo", "porto", "turin", "vienna", "wroclaw")
SILENT_SITE = "porto"
"""Where the fault `silence` cuts the line."""
_KINDS = ("climate", "climate", "freezer", "meter", "air")
_FIRMWARE = ("2.3.1", "2.3.1", "2.4.0")
_NEW_BATTERY_BELOW = 8.0
_REBOOT_SHARE = 0.0002
_LOOSE_PROBE = 7
_LOOSE_SHARE = 0.1
"""Of the reports of one device, those in which it says words instead of a temperature: the collector refuses them."""


@dataclass(frozen=True, slots=True)
class Report:
    """What one device posts at once: telemetry items in JSON, stamped in ms, and when it does so.

    `number` counts periods since 1970, so that reports can be thinned evenly.
    """

    at_ns: int
    number: int
    device: str
    items: tuple[dict[str, Any], ...]


@dataclass(slots=True)
class _Device:
    name: str
    site: str
    kind: str
    firmware: str
    phase_ns: int
    battery_pct: float
    drain_pct_per_h: float
    rssi_dbm: float
    warmth: float
    uptime_s: int


class Fleet:
    """`count` devices at eight sites, each reporting once every `every`."""

    def __init__(self, seed: int, count: int, every: timedelta) -> None:
        self._luck = Random(seed + 1)
        self._every_ns = every // timedelta(microseconds=1) * 1_000
        self._devices = [self._make(number) for number in range(count)]
        self._loose = self._devices[_LOOSE_PROBE] if count > _LOOSE_PROBE else None

    def reports(self, since_ns: int, until_ns: int, faults: Faults) -> list[Report]:
        """The reports that are due in (since, until], oldest first; a silenced site is left out."""
        due = [(at_ns, device) for device in self._devices for at_ns in self._due(device, since_ns, until_ns)]
        due.sort(key=lambda pair: (pair[0], pair[1].name))
        return [self._report(device, at_ns) for at_ns, device in due if not _is_silent(device, at_ns, faults)]

    def _make(self, number: int) -> _Device:
        luck = self._luck
        kind = luck.choice(_KINDS)
        return _Device(
            name=f"{kind}-{number:04d}",
            site=SITES[number % len(SITES)],
            kind=kind,
            firmware=luck.choice(_FIRMWARE),
            phase_ns=luck.randrange(self._every_ns),
            battery_pct=luck.uniform(25.0, 100.0),
            drain_pct_per_h=luck.uniform(0.2, 1.5),
            rssi_dbm=luck.uniform(-92.0, -48.0),
            warmth=luck.gauss(0.0, 1.0),
            uptime_s=luck.randrange(40 * 86_400),
        )

    def _due(self, device: _Device, since_ns: int, until_ns: int) -> Iterator[int]:
        periods = (since_ns - device.phase_ns) // self._every_ns + 1
        yield from range(periods * self._every_ns + device.phase_ns, until_ns + 1, self._every_ns)

    def _report(self, device: _Device, at_ns: int) -> Report:
        self._age(device)
        time_ms = at_ns // _MS
        tags = {"device": device.name, "site": device.site}
        reading = {
            "measurement": "device_reading",
            "tags": {**tags, "kind": device.kind},
            "fields": self._measured(device, datetime.fromtimestamp(at_ns / _S, UTC)),
            "time": time_ms,
        }
        status = {
            "measurement": "device_status",
            "tags": {**tags, "firmware": device.firmware},
            "fields": {
                "battery_pct": round(device.battery_pct, 2),
                "rssi_dbm": round(self._luck.gauss(device.rssi_dbm, 1.5), 1),
                "uptime_s": device.uptime_s,
            },
            "time": time_ms,
        }
        return Report(at_ns, at_ns // self._every_ns, device.name, (reading, status))

    def _age(self, device: _Device) -> None:
        """One period passes."""
        period_s = self._every_ns / _S
        device.battery_pct -= device.drain_pct_per_h * period_s / 3_600
        if device.battery_pct < _NEW_BATTERY_BELOW:
            device.battery_pct = 100.0
        device.uptime_s = 0 if self._luck.random() < _REBOOT_SHARE else device.uptime_s + round(period_s)
        device.warmth = 0.98 * device.warmth + 0.2 * self._luck.gauss(0.0, 1.0)

    def _measured(self, device: _Device, at: datetime) -> dict[str, float] | dict[str, str]:
        quantities = self._quantities(device, at)
        if device is self._loose and self._luck.random() < _LOOSE_SHARE:
            return {"temperature_c": "probe?"}
        return quantities

    def _quantities(self, device: _Device, at: datetime) -> dict[str, float]:
        """What it measures: a slow walk of its own on top of the day."""
        busy = business(at) - 1.0
        noise = self._luck.gauss(0.0, 0.1)
        match device.kind:
            case "climate":
                warm = 20.5 + 2.2 * busy + device.warmth + noise
                return {"temperature_c": round(warm, 2), "humidity_pct": round(62.0 - 1.1 * warm + 4 * noise + 4, 1)}
            case "freezer":
                return {"temperature_c": round(-19.0 + 0.6 * device.warmth + noise, 2)}
            case "meter":
                watts = 1_400 * math.exp(0.5 * busy + 0.12 * device.warmth)
                return {"power_w": round(watts, 1), "voltage_v": round(230.0 + 6 * noise, 1)}
            case _:
                people = max(0.0, 0.8 + busy + 0.3 * device.warmth)
                return {"co2_ppm": round(430 + 320 * people, 0), "temperature_c": round(21 + device.warmth, 2)}


def _is_silent(device: _Device, at_ns: int, faults: Faults) -> bool:
    return device.site == SILENT_SITE and faults.active(Kind.SILENCE, datetime.fromtimestamp(at_ns / _S, UTC))
