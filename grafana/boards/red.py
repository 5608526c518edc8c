"""Response times: rate, errors and duration of every service, feature, endpoint and release."""

from __future__ import annotations

from grafana.boards import requests
from grafana.boards.requests import ERRORS, P95, RATE, SOURCE, TIME, split
from grafana.links import from_row
from grafana.panels import STACKED, Field, Panel, descending, every, override, repeated, row, table, target, timeseries
from grafana.panels import transformed as changed
from grafana.queries import matches, per_second, select, share, tag_values
from grafana.render import Board, Heading, board
from grafana.transformations import without
from grafana.variables import tag

_PICKED = (matches("service"), matches("feature"), matches("endpoint"))


def build() -> Board:
    """The board."""
    return board(
        Heading(
            "tocsin-red",
            "Response times",
            "How fast the services answer, how often they fail, and which endpoint is to blame.",
            "responders and developers",
        ),
        [*requests.headlines(_PICKED), *_times(), *_rates(), *_releases(), _slowest(), *_features()],
        variables=[
            tag("service", tag_values("service", SOURCE), label="Service", description="Services to look at"),
            tag(
                "feature",
                tag_values("feature", SOURCE, (matches("service"),)),
                label="Feature",
                description="Features of the picked services",
            ),
            tag(
                "endpoint",
                tag_values("endpoint", SOURCE, (matches("service"), matches("feature"))),
                label="Endpoint",
                description="Endpoints of the picked features",
            ),
        ],
        refresh="10s",
        deploys_of=matches("service"),
    )


def _times() -> list[Panel]:
    return [
        requests.percentiles(
            "Response time",
            "p50, p95 and p99 of all picked endpoints. p99 alone rising: a few slow calls; all three: overload.",
            _PICKED,
            (12, 8),
        ),
        requests.spread(_PICKED, (12, 8)),
    ]


def _rates() -> list[Panel]:
    return [
        timeseries(
            "Request rate by service",
            "Requests a second. Compare a dip with the deploy marks.",
            [split(per_second("duration_ms"), "service", _PICKED, fill="0")],
            RATE,
            (8, 8),
        ),
        every(
            "1m",
            timeseries(
                "Errors by service",
                "Share of the requests that failed, window by window. Above the red line people notice.",
                [split(share("error"), "service", _PICKED)],
                ERRORS,
                (8, 8),
            ),
        ),
        timeseries(
            "Requests by status",
            "Requests a second by HTTP status. 5xx is ours to mend; a wave of 4xx is often a client's release.",
            [split(per_second("duration_ms"), "status", _PICKED, fill="0")],
            RATE,
            (8, 8),
            drawing=STACKED,
        ),
    ]


def _releases() -> list[Panel]:
    return [
        timeseries(
            "Response time by feature (p95)",
            "What people feel, feature by feature. The highest line is where to look first.",
            [split(P95, "feature", _PICKED)],
            TIME,
            (12, 8),
        ),
        changed(
            table(
                "Releases, slowest first",
                "Every release that answered in this range. A new one that is slower or fails more than the one before"
                " it: roll it back.",
                [target(_by("service", "release", shown=("requests", "errors", "p50", "p95")), table=True)],
                Field("none", requests.EMPTY),
                (12, 8),
                sort=descending("p95"),
                overrides=requests.overrides(),
            ),
            without("Time"),
        ),
    ]


def _slowest() -> Panel:
    link = from_row("This endpoint alone", "tocsin-endpoint", service="service", endpoint="endpoint")
    rows = _by("service", "feature", "endpoint", shown=("requests", "errors", "p50", "p95", "p99"))
    panel = table(
        "Slowest endpoints",
        "Every picked endpoint over the whole range, slowest p95 first. Click one to see it alone.",
        [target(rows, table=True)],
        Field("none", requests.EMPTY),
        (24, 10),
        sort=descending("p95"),
        overrides=(override("endpoint", links=[link]), *requests.overrides()),
    )
    return changed(panel, without("Time"))


def _by(*tags: str, shown: tuple[str, ...]) -> str:
    return select(*requests.numbers(*shown), source=SOURCE, where=_PICKED, by=tags)


def _features() -> list[Panel]:
    one = requests.percentiles(
        "Response time of $feature",
        "p50, p95 and p99 of one feature. Features that slow down together share something that is slow.",
        _PICKED,
        (24, 7),
    )
    return [row("Feature by feature"), repeated("feature", one)]
