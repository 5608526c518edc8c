"""What boards about requests share: their measurement, units, limits and the panels that several of them show."""

from __future__ import annotations

from grafana.heat import RESPONSE_MS as RANGES
from grafana.heat import counts, heatmap
from grafana.limits import ERROR_PCT, RESPONSE_MS
from grafana.panels import (
    AREA,
    Field,
    Override,
    Panel,
    Size,
    Target,
    colour,
    override,
    stat,
    steps,
    target,
    timeseries,
)
from grafana.queries import WINDOW, column, per_second, percentile, select, share

SOURCE = "http_request"
EMPTY = "no requests in this range: is the app instrumented, and does it reach the collector?"
P50, P95, P99 = (percentile("duration_ms", rank) for rank in (50, 95, 99))
TIME = Field("ms", EMPTY, RESPONSE_MS, minimum=0, decimals=0)
RATE = Field("reqps", EMPTY, minimum=0)
ERRORS = Field("percent", EMPTY, ERROR_PCT, minimum=0, decimals=2)
BAR = {"type": "gauge", "mode": "basic", "valueDisplayMode": "text"}
WORDS = {"type": "color-text"}


def split(expression: str, by: str, where: tuple[str, ...], *, fill: str = "null") -> Target:
    """The expression window by window, a series for each value of the tag."""
    return target(select(expression, source=SOURCE, where=where, by=(by,), every=WINDOW, fill=fill), alias=f"$tag_{by}")


def headlines(where: tuple[str, ...]) -> list[Panel]:
    """Rate, errors and three percentiles of the whole range."""
    rate = select(per_second("duration_ms"), source=SOURCE, where=where, every=WINDOW, fill="0")
    return [
        stat(
            "Requests a second",
            "Mean rate of the range. A sudden fall means that people cannot reach us; look at the errors next.",
            [target(rate)],
            Field("reqps", EMPTY, decimals=1),
            (6, 4),
            calc="mean",
            sparkline=True,
        ),
        stat(
            "Errors",
            "Share of all requests of the range that failed. Red: find the endpoint in the table below.",
            [target(select(share("error"), source=SOURCE, where=where))],
            ERRORS,
            (6, 4),
        ),
        *(_headline(rank, words, where) for rank, words in ((50, "50 of 100"), (95, "95 of 100"), (99, "99 of 100"))),
    ]


def _headline(rank: int, words: str, where: tuple[str, ...]) -> Panel:
    return stat(
        f"p{rank}",
        f"{words} requests of the range were answered within this time. Red: see which feature, then which endpoint.",
        [target(select(percentile("duration_ms", rank), source=SOURCE, where=where))],
        TIME,
        (4, 4),
    )


def percentiles(title: str, description: str, where: tuple[str, ...], size: Size) -> Panel:
    """P50, p95 and p99 over time, always in the same colours."""
    three = (column(P50, "p50"), column(P95, "p95"), column(P99, "p99"))
    return timeseries(
        title,
        description,
        [target(select(*three, source=SOURCE, where=where, every=WINDOW), alias="$col")],
        TIME,
        size,
        drawing=AREA,
        overrides=(colour("p50", "blue"), colour("p95", "orange"), colour("p99", "purple")),
    )


def spread(where: tuple[str, ...], size: Size) -> Panel:
    """The heat map of response times."""
    return heatmap(
        "How response times are spread",
        "Requests by response time, window by window; what stands out is most of them. Two bands: two kinds, or a"
        " cache that misses. A band that climbs: overload.",
        counts("duration_ms", SOURCE, where, RANGES),
        Field("ms", EMPTY),
        size,
    )


def numbers(*shown: str) -> list[str]:
    """The columns of a table of requests, by the names that `overrides` knows."""
    known = {"requests": 'count("duration_ms")', "errors": share("error"), "p50": P50, "p95": P95, "p99": P99}
    return [column(known[name], name) for name in shown]


def overrides() -> tuple[Override, ...]:
    """Units and limits of the columns that `numbers` makes."""
    return (
        override("requests", unit="locale", decimals=0),
        override("errors", unit="percent", decimals=2, thresholds=steps(ERROR_PCT), custom__cellOptions=WORDS),
        override("p50", unit="ms", decimals=0),
        override("p95", unit="ms", decimals=0, min=0, thresholds=steps(RESPONSE_MS), custom__cellOptions=BAR),
        override("p99", unit="ms", decimals=0),
    )
