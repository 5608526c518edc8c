"""Endpoint: one endpoint of one service, by status and release, with its newest failures."""

from __future__ import annotations

from grafana.boards import requests
from grafana.boards.requests import ERRORS, P95, RATE, SOURCE, TIME, split
from grafana.panels import (
    AREA,
    STACKED,
    Field,
    Panel,
    descending,
    override,
    table,
    target,
    timeseries,
    transformed,
)
from grafana.queries import WINDOW, matches, newest, per_second, select, share, tag_values
from grafana.render import Board, Heading, board
from grafana.transformations import arranged, without
from grafana.variables import tag

_ONE = (matches("service"), matches("endpoint"))


def build() -> Board:
    """The board."""
    return board(
        Heading(
            "tocsin-endpoint",
            "Endpoint",
            "How one endpoint is doing, since which release, and how it fails.",
            "developers and responders",
        ),
        [*requests.headlines(_ONE), *_times(), *_rates(), *_releases(), _failures()],
        variables=[
            tag("service", tag_values("service", SOURCE), label="Service", description="Whose endpoint", single=True),
            tag(
                "endpoint",
                tag_values("endpoint", SOURCE, (matches("service"),)),
                label="Endpoint",
                description="The endpoint to look at",
                single=True,
            ),
        ],
        refresh="10s",
        deploys_of=matches("service"),
    )


def _times() -> list[Panel]:
    return [
        requests.percentiles(
            "Response time of $endpoint",
            "p50, p95 and p99. p99 alone rising: a few slow calls; all three: the endpoint or what it calls.",
            _ONE,
            (12, 8),
        ),
        requests.spread(_ONE, (12, 8)),
    ]


def _rates() -> list[Panel]:
    errors = select(share("error"), source=SOURCE, where=_ONE, every=WINDOW)
    return [
        timeseries(
            "Requests by status",
            "Requests a second by HTTP status. 5xx is ours to mend; a wave of 4xx is often a client's release.",
            [split(per_second("duration_ms"), "status", _ONE, fill="0")],
            RATE,
            (12, 8),
            drawing=STACKED,
        ),
        timeseries(
            "Errors over time",
            "Share of the requests that failed, window by window. Steps at a deploy mark: that release.",
            [target(errors, alias="errors")],
            ERRORS,
            (12, 8),
            drawing=AREA,
        ),
    ]


def _releases() -> list[Panel]:
    rows = select(
        *requests.numbers("requests", "errors", "p50", "p95", "p99"), source=SOURCE, where=_ONE, by=("release",)
    )
    return [
        timeseries(
            "Response time by release (p95)",
            "A line ends where its release was replaced. A higher line than the one before: that release is slower.",
            [split(P95, "release", _ONE)],
            TIME,
            (12, 8),
        ),
        transformed(
            table(
                "Releases",
                "What each release answered in this range, newest name first.",
                [target(rows, table=True)],
                Field("none", requests.EMPTY),
                (12, 8),
                sort=descending("release"),
                overrides=requests.overrides(),
            ),
            without("Time"),
        ),
    ]


def _failures() -> Panel:
    rows = newest(
        "duration_ms", "status", "method", "release", "bytes", source=SOURCE, where=(*_ONE, '"error" = 1'), rows=50
    )
    panel = table(
        "Newest failures",
        "The last 50 requests that failed. The same release or status all over is the first thing to follow.",
        [target(rows, table=True)],
        Field("none", "no request failed in this range"),
        (24, 9),
        sort=descending("when"),
        overrides=(
            override("Time", unit="dateTimeAsIso", displayName="when"),
            override("duration_ms", unit="ms", decimals=0, displayName="took"),
            override("bytes", unit="decbytes", displayName="size"),
        ),
    )
    return transformed(panel, arranged("Time", "status", "duration_ms", "method", "release", "bytes"))
