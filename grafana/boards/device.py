"""Device: one device; whether it is heard, its battery and signal, and everything that it measures."""

from __future__ import annotations

from grafana.boards.devices import EMPTY, READING, STATUS
from grafana.limits import BATTERY_PCT, CRITICAL, FINE, SIGNAL_DBM, Limits
from grafana.panels import (
    Field,
    Panel,
    descending,
    every,
    fixed,
    override,
    stat,
    table,
    target,
    timeseries,
    transformed,
)
from grafana.queries import WINDOW, column, matches, newest, select, tag_values
from grafana.render import Board, Heading, board
from grafana.states import between, timeline, word
from grafana.transformations import arranged
from grafana.variables import tag

_ONE = (matches("site"), matches("device"))
_HEARD = (word(0, "silent", CRITICAL), between(1, None, "up", FINE))
_DRAWN = {
    "temperature": ("celsius", "orange"),
    "humidity": ("humidity", "blue"),
    "power": ("watt", "orange"),
    "voltage": ("volt", "blue"),
    "CO2": ("ppm", "purple"),
}
"""Unit and colour of each quantity."""
_NO_KIND = "this device measures none of these"


def build() -> Board:
    """The board."""
    return board(
        Heading("tocsin-device", "Device", "How one device is, and what it measures.", "operators"),
        [*_headlines(), _heard(), *_condition(), *_readings(), _newest()],
        variables=[
            tag("site", tag_values("site", STATUS), label="Site", description="Where to look for it"),
            tag(
                "device",
                tag_values("device", STATUS, (matches("site"),)),
                label="Device",
                description="The device to look at",
                single=True,
            ),
        ],
        refresh="10s",
    )


def _headlines() -> list[Panel]:
    heard = Field("locale", "0", Limits(1, 1, falling=True), decimals=0)
    words = "Share of the charge that is left, last word. Red: change it before it goes silent."
    return [
        stat(
            "Heartbeats",
            "Heartbeats in this range. None: it is silent; look at its power, then its signal.",
            [target(select('count("battery_pct")', source=STATUS, where=_ONE))],
            heard,
            (6, 4),
        ),
        _last("Battery", words, "battery_pct", Field("percent", EMPTY, BATTERY_PCT, decimals=0)),
        _last(
            "Signal",
            "Strength of its radio, last word. Red: move it, or a gateway.",
            "rssi_dbm",
            Field("dBm", EMPTY, SIGNAL_DBM, decimals=0),
        ),
        _last("Uptime", "Since it was last switched on. Short again and again: it restarts.", "uptime_s", _UPTIME),
    ]


_UPTIME = Field("dtdhms", EMPTY)


def _last(title: str, words: str, quantity: str, field: Field) -> Panel:
    return stat(title, words, [target(select(f'last("{quantity}")', source=STATUS, where=_ONE))], field, (6, 4))


def _heard() -> Panel:
    query = select('count("battery_pct")', source=STATUS, where=_ONE, by=("device",), every=WINDOW, fill="0")
    return timeline(
        "Heard",
        "Whether it was heard, minute by minute. Short gaps: radio; long ones: power.",
        [target(query, alias="$tag_device")],
        Field("none", EMPTY, words=_HEARD),
        (24, 3),
    )


def _condition() -> list[Panel]:
    return [
        _over_time("Battery over time", "The slope says when it is empty.", "battery_pct", _BATTERY),
        _over_time("Signal over time", "Below the amber line readings get lost.", "rssi_dbm", _SIGNAL),
        _over_time(
            "Uptime over time", "Each fall to zero is a restart.", "uptime_s", Field("dtdhms", EMPTY, minimum=0)
        ),
    ]


_BATTERY = Field("percent", EMPTY, BATTERY_PCT, minimum=0, maximum=100, decimals=0)
_SIGNAL = Field("dBm", EMPTY, SIGNAL_DBM, decimals=0)


def _over_time(title: str, words: str, quantity: str, field: Field) -> Panel:
    query = select(f'last("{quantity}")', source=STATUS, where=_ONE, every=WINDOW)
    name = title.split(maxsplit=1)[0].lower()
    return every(
        "1m", timeseries(title, f"Last word of each window. {words}", [target(query, alias=name)], field, (8, 7))
    )


def _readings() -> list[Panel]:
    return [
        _measured("Climate", {"temperature": "temperature_c", "humidity": "humidity_pct"}),
        _measured("Power and air", {"power": "power_w", "voltage": "voltage_v", "CO2": "co2_ppm"}),
    ]


def _measured(title: str, quantities: dict[str, str]) -> Panel:
    columns = [column(f'mean("{field}")', name) for name, field in quantities.items()]
    query = select(*columns, source=READING, where=_ONE, every=WINDOW)
    panel = timeseries(
        title,
        "What it measured, mean of each window. A value that never changes: the sensor hangs.",
        [target(query, alias="$col")],
        Field("none", _NO_KIND, decimals=1),
        (12, 8),
        overrides=tuple(
            override(name, unit=unit, color=fixed(colour))
            for name, (unit, colour) in ((name, _DRAWN[name]) for name in quantities)
        ),
    )
    return every("1m", panel)


def _newest() -> Panel:
    rows = newest("battery_pct", "rssi_dbm", "uptime_s", "firmware", source=STATUS, where=_ONE, rows=30)
    panel = table(
        "Newest heartbeats",
        "The last 30, as they came, with the firmware that sent them.",
        [target(rows, table=True)],
        Field("none", EMPTY),
        (24, 8),
        sort=descending("when"),
        overrides=(
            override("Time", unit="dateTimeAsIso", displayName="when"),
            override("battery_pct", unit="percent", decimals=1, displayName="battery"),
            override("rssi_dbm", unit="dBm", decimals=0, displayName="signal"),
            override("uptime_s", unit="dtdhms", displayName="uptime"),
        ),
    )
    return transformed(panel, arranged("Time", "battery_pct", "rssi_dbm", "uptime_s", "firmware"))
