"""Response times: rate, errors and duration of every service, feature and endpoint."""

from __future__ import annotations

from typing import Any

from grafana.limits import ERROR_PCT, RESPONSE_MS
from grafana.panels import (
    AREA,
    STACKED,
    Field,
    Panel,
    colour,
    descending,
    override,
    stat,
    steps,
    table,
    target,
    timeseries,
    transformed,
    without,
)
from grafana.queries import WINDOW, column, matches, per_second, percentile, select, share, tag_values
from grafana.render import Board, Heading, board
from grafana.variables import tag

_SOURCE = "http_request"
_EMPTY = "no requests in this range"
_PICKED = (matches("service"), matches("endpoint"))
_P50, _P95, _P99 = (percentile("duration_ms", rank) for rank in (50, 95, 99))
_TIME = Field("ms", _EMPTY, RESPONSE_MS, minimum=0, decimals=0)
_RATE = Field("reqps", _EMPTY, minimum=0)
_ERRORS = Field("percent", _EMPTY, ERROR_PCT, minimum=0, decimals=2)


def build() -> Board:
    """The board."""
    return board(
        Heading(
            "tocsin-red",
            "Response times",
            "How fast the services answer, how often they fail, and which endpoint is to blame.",
            "responders and developers",
        ),
        [*_headlines(), *_times(), *_rates(), _slowest()],
        variables=[
            tag("service", tag_values("service", _SOURCE), label="Service", description="Services to look at"),
            tag(
                "endpoint",
                tag_values("endpoint", _SOURCE, (matches("service"),)),
                label="Endpoint",
                description="Endpoints of the picked services",
            ),
        ],
        refresh="10s",
        deploys_of=matches("service"),
    )


def _headlines() -> list[Panel]:
    return [
        stat(
            "Requests a second",
            "Mean rate of the range. A sudden fall means that people cannot reach us; look at the errors next.",
            [target(select(per_second("duration_ms"), source=_SOURCE, where=_PICKED, every=WINDOW, fill="0"))],
            Field("reqps", _EMPTY, decimals=1),
            (6, 4),
            calc="mean",
            sparkline=True,
        ),
        stat(
            "Errors",
            "Share of all requests of the range that failed. Red: find the endpoint in the table below.",
            [target(select(share("error"), source=_SOURCE, where=_PICKED))],
            _ERRORS,
            (6, 4),
        ),
        *(_headline(rank, words) for rank, words in ((50, "50 of 100"), (95, "95 of 100"), (99, "99 of 100"))),
    ]


def _headline(rank: int, words: str) -> Panel:
    return stat(
        f"p{rank}",
        f"{words} requests of the range were answered within this time. Red: see which feature, then which endpoint.",
        [target(select(percentile("duration_ms", rank), source=_SOURCE, where=_PICKED))],
        _TIME,
        (4, 4),
    )


def _times() -> list[Panel]:
    percentiles = (column(_P50, "p50"), column(_P95, "p95"), column(_P99, "p99"))
    return [
        timeseries(
            "Response time",
            "p50, p95 and p99 of all picked endpoints. p99 alone rising: a few slow calls; all three: overload.",
            [target(select(*percentiles, source=_SOURCE, where=_PICKED, every=WINDOW), alias="$col")],
            _TIME,
            (12, 8),
            drawing=AREA,
            overrides=(colour("p50", "green"), colour("p95", "blue"), colour("p99", "purple")),
        ),
        timeseries(
            "Response time by feature (p95)",
            "What people feel, feature by feature. The highest line is where to look first.",
            [_split(_P95, "feature")],
            _TIME,
            (12, 8),
        ),
    ]


def _rates() -> list[Panel]:
    return [
        timeseries(
            "Request rate by service",
            "Requests a second. Compare a dip with the deploy marks.",
            [_split(per_second("duration_ms"), "service", fill="0")],
            _RATE,
            (8, 8),
        ),
        timeseries(
            "Errors by service",
            "Share of the requests that failed, window by window. Above the red line people notice.",
            [_split(share("error"), "service")],
            _ERRORS,
            (8, 8),
        ),
        timeseries(
            "Requests by status",
            "Requests a second by HTTP status. 5xx is ours to mend; a wave of 4xx is often a client's release.",
            [_split(per_second("duration_ms"), "status", fill="0")],
            _RATE,
            (8, 8),
            drawing=STACKED,
        ),
    ]


def _split(expression: str, by: str, *, fill: str = "null") -> dict[str, Any]:
    query = select(expression, source=_SOURCE, where=_PICKED, by=(by,), every=WINDOW, fill=fill)
    return target(query, alias=f"$tag_{by}")


def _slowest() -> Panel:
    rows = select(
        column('count("duration_ms")', "requests"),
        column(share("error"), "errors"),
        column(_P50, "p50"),
        column(_P95, "p95"),
        column(_P99, "p99"),
        source=_SOURCE,
        where=_PICKED,
        by=("service", "feature", "endpoint"),
    )
    link = {
        "title": "Only this endpoint",
        "url": "/d/tocsin-red?var-service=${__data.fields.service:percentencode}"
        "&var-endpoint=${__data.fields.endpoint:percentencode}&${__url_time_range}",
    }
    bar = {"type": "gauge", "mode": "basic", "valueDisplayMode": "text"}
    words = {"type": "color-text"}
    panel = table(
        "Slowest endpoints",
        "Every picked endpoint over the whole range, slowest p95 first. Click one to see it alone.",
        [target(rows, table=True)],
        Field("none", _EMPTY),
        (24, 10),
        sort=descending("p95"),
        overrides=(
            override("endpoint", links=[link]),
            override("requests", unit="locale", decimals=0),
            override("errors", unit="percent", decimals=2, thresholds=steps(ERROR_PCT), custom__cellOptions=words),
            override("p50", unit="ms", decimals=0),
            override("p95", unit="ms", decimals=0, min=0, thresholds=steps(RESPONSE_MS), custom__cellOptions=bar),
            override("p99", unit="ms", decimals=0),
        ),
    )
    return transformed(panel, without("Time"))
