"""Devices: who is up, who is silent, battery, signal, and what they measure."""

from __future__ import annotations

from typing import Any

from grafana.limits import BATTERY_PCT, SIGNAL_DBM
from grafana.panels import (
    Field,
    Panel,
    ascending,
    every,
    override,
    stat,
    steps,
    table,
    target,
    timeseries,
    transformed,
    within,
    without,
)
from grafana.queries import WINDOW, column, matches, per_second, select, tag_values
from grafana.render import Board, Heading, board
from grafana.variables import tag

_STATUS = "device_status"
_READING = "device_reading"
_EMPTY = "no device reported in this range"
_SITE = (matches("site"),)
_COUNT = Field("locale", "no device is reporting", decimals=0)


def build() -> Board:
    """The board."""
    return board(
        Heading(
            "tocsin-devices",
            "Devices",
            "Which devices report, which went silent, whose battery ends, and what they measure.",
            "operators",
        ),
        [*_headlines(), *_readings(), _last_heard(), _signal()],
        variables=[tag("site", tag_values("site", _STATUS), label="Site", description="Sites to look at")],
        refresh="10s",
    )


def _headlines() -> list[Panel]:
    heard = select(column('last("battery_pct")', "devices"), source=_STATUS, where=_SITE, by=("device",))
    rate = select(per_second("temperature_c"), source=_READING, where=_SITE, every=WINDOW, fill="0")
    return [
        within(
            "1m",
            stat(
                "Heard in the last minute",
                "Devices with a heartbeat in the last minute. Fewer than in the whole range: some are silent.",
                [target(heard, table=True)],
                _COUNT,
                (6, 4),
                calc="count",
            ),
        ),
        stat(
            "Heard in this range",
            "Devices with at least one heartbeat in the board's range.",
            [target(heard, table=True)],
            _COUNT,
            (6, 4),
            calc="count",
        ),
        stat(
            "Lowest battery",
            "The weakest battery of the range. Red: the table below says whose.",
            [target(select('min("battery_pct")', source=_STATUS, where=_SITE))],
            Field("percent", _EMPTY, BATTERY_PCT, decimals=0),
            (6, 4),
        ),
        every(
            "30s",
            stat(
                "Readings a second",
                "Temperature readings that arrive, mean of the range.",
                [target(rate)],
                Field("eps", _EMPTY, decimals=1),
                (6, 4),
                calc="mean",
                sparkline=True,
            ),
        ),
    ]


def _readings() -> list[Panel]:
    return [
        _by_site("Temperature by site", "temperature_c", Field("celsius", _EMPTY, decimals=1)),
        _by_site("Humidity by site", "humidity_pct", Field("humidity", _EMPTY, decimals=1)),
    ]


def _by_site(title: str, quantity: str, field: Field) -> Panel:
    query = select(f'mean("{quantity}")', source=_READING, where=_SITE, by=("site",), every=WINDOW)
    words = "Mean of all sensors of a site. One line leaving the others: see the devices of that site."
    return every("1m", timeseries(title, words, [target(query, alias="$tag_site")], field, (12, 8)))


def _last_heard() -> Panel:
    seen = select(
        column('last("battery_pct")', "battery"), source=_STATUS, where=_SITE, by=("device", "site", "firmware")
    )
    return table(
        "Devices, longest silent first",
        "When each device was last heard in this range. Long ago: look at its power, then its signal.",
        [target(seen, table=True)],
        Field("none", _EMPTY),
        (12, 12),
        sort=ascending("last heard"),
        overrides=(override("Time", unit="dateTimeFromNow", displayName="last heard"), _battery()),
    )


def _signal() -> Panel:
    rows = select(
        column('mean("rssi_dbm")', "signal"),
        column('min("battery_pct")', "battery"),
        column('last("uptime_s")', "uptime"),
        source=_STATUS,
        where=_SITE,
        by=("device", "site"),
    )
    words = {"type": "color-text"}
    panel = table(
        "Devices, weakest signal first",
        "Mean signal strength, lowest battery and uptime of each device. Red signal: move the gateway or the device.",
        [target(rows, table=True)],
        Field("none", _EMPTY),
        (12, 12),
        sort=ascending("signal"),
        overrides=(
            override("signal", unit="dBm", decimals=0, thresholds=steps(SIGNAL_DBM), custom__cellOptions=words),
            _battery(),
            override("uptime", unit="dtdhms"),
        ),
    )
    return transformed(panel, without("Time"))


def _battery() -> dict[str, Any]:
    bar = {"type": "gauge", "mode": "basic", "valueDisplayMode": "text"}
    limits = steps(BATTERY_PCT)
    return override("battery", unit="percent", decimals=0, min=0, max=100, thresholds=limits, custom__cellOptions=bar)
