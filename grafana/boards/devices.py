"""Devices: who is up, who is silent, battery, signal, firmware, and what they measure."""

from __future__ import annotations

from grafana.limits import BATTERY_PCT, CRITICAL, FINE, SIGNAL_DBM, SILENT_DEVICES, Limits
from grafana.links import from_row
from grafana.panels import (
    STACKED,
    Field,
    Override,
    Panel,
    ascending,
    bargauge,
    every,
    override,
    stat,
    steps,
    table,
    target,
    timeseries,
    transformed,
    within,
)
from grafana.queries import WINDOW, column, matches, outer, select, tag_values
from grafana.render import Board, Heading, board
from grafana.states import between, timeline, word
from grafana.transformations import arranged, ordered, without
from grafana.variables import tag

SILENT_WITHIN = "3h"
"""How far back a silent device is known: each device is counted minute by minute, so longer would cost."""
STATUS = "device_status"
READING = "device_reading"
EMPTY = "no device reported in this range: see the pipeline board, then the gateway"
_SITE = (matches("site"), matches("firmware"))
_COUNT = Field("locale", "no device is reporting", decimals=0)
_LAST = select(column('last("battery_pct")', "battery"), source=STATUS, where=_SITE, by=("device",))
_HEARD = (word(0, "silent", CRITICAL), between(1, None, "up", FINE))


def build() -> Board:
    """The board."""
    return board(
        Heading(
            "tocsin-devices",
            "Devices",
            "Which devices report, which went silent, whose battery ends, and what they measure.",
            "operators",
        ),
        [*_headlines(), _sites(), _firmware(), _worst(), *_over_time()],
        variables=[
            tag("site", tag_values("site", STATUS), label="Site", description="Sites to look at"),
            tag(
                "firmware",
                tag_values("firmware", STATUS, (matches("site"),)),
                label="Firmware",
                description="Firmware on the picked sites",
            ),
        ],
        refresh="10s",
    )


def silent(where: tuple[str, ...]) -> str:
    """How many devices of the range have no heartbeat in its last two windows of a minute."""
    beats = column('moving_average(count("battery_pct"), 2)', "beats")
    windows = select(beats, source=STATUS, where=where, by=("device",), every="1m", fill="0")
    newest = outer(column('last("beats")', "beats"), inner=windows, by=("device",))
    return outer(column('count("beats")', "silent"), inner=newest, where='"beats" = 0')


def _headlines() -> list[Panel]:
    return [
        within(
            "1m",
            stat(
                "Up",
                "Devices with a heartbeat in the last minute.",
                [target(_LAST, table=True)],
                _COUNT,
                (5, 4),
                calc="count",
            ),
        ),
        within(
            SILENT_WITHIN,
            stat(
                "Silent",
                "Devices that were heard in the last three hours, and not in the last two. The table below begins"
                " with them.",
                [target(silent(_SITE))],
                Field("locale", "0", SILENT_DEVICES, decimals=0),
                (5, 4),
            ),
        ),
        _below("Low battery", "battery_pct", BATTERY_PCT, "Devices whose last word was of a battery below {} %."),
        _below(
            "Weak signal", "rssi_dbm", SIGNAL_DBM, "Devices last heard with less than {} dBm: move them or a gateway."
        ),
        stat(
            "Lowest battery",
            "The weakest battery of the range. Red: the table below says whose.",
            [target(select('min("battery_pct")', source=STATUS, where=_SITE))],
            Field("percent", EMPTY, BATTERY_PCT, decimals=0),
            (4, 4),
        ),
    ]


def _below(title: str, field: str, limits: Limits, words: str) -> Panel:
    last = select(column(f'last("{field}")', "newest"), source=STATUS, where=_SITE, by=("device",))
    query = outer(column('count("newest")', "devices"), inner=last, where=f'"newest" < {limits.warn:g}')
    return stat(title, words.format(f"{limits.warn:g}"), [target(query)], Field("locale", "0", decimals=0), (5, 4))


def _sites() -> Panel:
    query = select('count("battery_pct")', source=STATUS, where=_SITE, by=("site",), every=WINDOW, fill="0")
    return timeline(
        "Sites",
        "Whether anything was heard of a site, minute by minute. A whole site silent: its gateway or its power.",
        [target(query, alias="$tag_site")],
        Field("none", EMPTY, words=_HEARD),
        (16, 8),
    )


def _firmware() -> Panel:
    last = select(column('last("battery_pct")', "battery"), source=STATUS, where=_SITE, by=("device", "firmware"))
    query = outer(column('count("battery")', "devices"), inner=last, by=("firmware",))
    panel = bargauge(
        "Firmware",
        "Devices by the firmware that they reported in this range; one that was updated meanwhile counts for both.",
        [target(query, table=True)],
        Field("locale", EMPTY, minimum=0, decimals=0),
        (8, 8),
    )
    return transformed(panel, without("Time"), ordered("devices", largest_first=True))


def _worst() -> Panel:
    rows = select(
        column('last("battery_pct")', "battery"),
        column('"rssi_dbm"', "signal"),
        column('"uptime_s"', "uptime"),
        source=STATUS,
        where=_SITE,
        by=("device", "site", "firmware"),
    )
    panel = table(
        "Devices, longest silent first",
        "The last word of each device. Long ago: look at its power, then its signal. Click one to see it alone.",
        [target(rows, table=True)],
        Field("none", EMPTY),
        (24, 11),
        sort=ascending("last heard"),
        overrides=(
            override("Time", unit="dateTimeFromNow", displayName="last heard"),
            override("device", links=[from_row("This device alone", "tocsin-device", site="site", device="device")]),
            battery(),
            signal(),
            override("uptime", unit="dtdhms"),
        ),
    )
    return transformed(panel, arranged("device", "Time", "battery", "signal", "site", "firmware", "uptime"))


def battery() -> Override:
    """A table's column of that name: a bar, red near its end."""
    bar = {"type": "gauge", "mode": "basic", "valueDisplayMode": "text"}
    limits = steps(BATTERY_PCT)
    return override("battery", unit="percent", decimals=0, min=0, max=100, thresholds=limits, custom__cellOptions=bar)


def signal() -> Override:
    """A table's column of that name: red where it is weak."""
    words = {"type": "color-text"}
    return override("signal", unit="dBm", decimals=0, thresholds=steps(SIGNAL_DBM), custom__cellOptions=words)


def _over_time() -> list[Panel]:
    seen = select(
        column('last("battery_pct")', "seen"),
        source=STATUS,
        where=_SITE,
        by=("device", "site"),
        every=WINDOW,
        fill="none",
    )
    reporting = outer('count("seen")', inner=seen, where="$timeFilter", by=("site",), every=WINDOW)
    return [
        every(
            "1m",
            timeseries(
                "Devices reporting",
                "Devices heard in each window, site upon site. A band that gets thin: they went silent together.",
                [target(reporting, alias="$tag_site")],
                Field("locale", EMPTY, minimum=0, decimals=0),
                (12, 8),
                drawing=STACKED,
            ),
        ),
        every(
            "1m",
            timeseries(
                "Lowest battery by site",
                "The weakest battery of each site. A line that reaches the red one: somebody has to go there.",
                [_site(STATUS, "min", "battery_pct", _SITE)],
                Field("percent", EMPTY, BATTERY_PCT, minimum=0, maximum=100, decimals=0),
                (12, 8),
            ),
        ),
        _by_site("Temperature by site", "temperature_c", Field("celsius", EMPTY, decimals=1)),
        _by_site("Humidity by site", "humidity_pct", Field("humidity", EMPTY, decimals=1)),
    ]


def _by_site(title: str, quantity: str, field: Field) -> Panel:
    words = "Mean of all sensors of a site. One line leaving the others: see the devices of that site."
    return every("1m", timeseries(title, words, [_site(READING, "mean", quantity, (matches("site"),))], field, (12, 8)))


def _site(source: str, aggregate: str, quantity: str, where: tuple[str, ...]) -> dict[str, object]:
    query = select(f'{aggregate}("{quantity}")', source=source, where=where, by=("site",), every=WINDOW)
    return target(query, alias="$tag_site")
