"""Pipeline: our own health. What comes in, what waits, what is delivered, and what was given up."""

from __future__ import annotations

from grafana.limits import BEHIND_S
from grafana.panels import Field, Panel, stat, target, timeseries
from grafana.queries import WINDOW, column, growth, matches, select, tag_values
from grafana.render import Board, Heading, board
from grafana.variables import tag

_ACCEPTED = "tocsin_buffer_accepted_lines_total"
_DELIVERED = "tocsin_delivered_lines_total"
_WAITING = "tocsin_buffer_lines"
_AGE = "tocsin_buffer_age_seconds"
_EMPTY = "no word from the collector in this range"
_HOST = (matches("host"),)
_LINES = Field("wps", "the collector has not reported twice in this range", minimum=0)
_BEHIND = Field("s", _EMPTY, BEHIND_S, minimum=0)


def build() -> Board:
    """The board."""
    return board(
        Heading(
            "tocsin-pipeline",
            "Pipeline",
            "Whether Tocsin itself is well: what comes in, what waits, what is delivered, what was given up.",
            "operators",
        ),
        [*_headlines(), *_flow(), *_backlog(), *_trouble()],
        variables=[tag("host", tag_values("host", _ACCEPTED), label="Host", description="Collectors to look at")],
        refresh="10s",
    )


def _headlines() -> list[Panel]:
    waiting = select(
        column('last("value")', "lines"), source=_WAITING, where=_HOST, by=("host", "destination", "bucket")
    )
    oldest = select(column('last("value")', "age"), source=_AGE, where=_HOST, by=("host", "destination", "bucket"))
    return [
        stat(
            "Lines waiting",
            "Lines acknowledged and not yet in the store, all buckets together. Rising: the store is slow or away.",
            [target(waiting, table=True)],
            Field("locale", _EMPTY, decimals=0),
            (12, 4),
            calc="sum",
        ),
        stat(
            "Oldest waiting line",
            "How far the store is behind. Red: boards and alerts see old data; nothing is lost.",
            [target(oldest, table=True)],
            Field("s", _EMPTY, BEHIND_S),
            (12, 4),
            calc="max",
        ),
    ]


def _flow() -> list[Panel]:
    return [
        _counter("Lines accepted", "Lines made durable, a second.", _ACCEPTED, ("host", "bucket"), _LINES),
        _counter(
            "Lines delivered",
            "Lines stored, a second. Below the accepted: lines wait.",
            _DELIVERED,
            ("destination", "bucket", "host"),
            _LINES,
        ),
    ]


def _backlog() -> list[Panel]:
    lines = select('max("value")', source=_WAITING, where=_HOST, by=("destination", "bucket"), every=WINDOW)
    age = select('max("value")', source=_AGE, where=_HOST, by=("destination", "bucket"), every=WINDOW)
    name = "$tag_destination $tag_bucket"
    return [
        timeseries(
            "Waiting",
            "Lines acknowledged and not yet in the store. A slope that stays: the store cannot keep up.",
            [target(lines, alias=name)],
            Field("short", _EMPTY, minimum=0, decimals=0),
            (12, 8),
        ),
        timeseries(
            "Behind",
            "Age of the oldest waiting line. Above the red line alerts may come late.",
            [target(age, alias=name)],
            _BEHIND,
            (12, 8),
        ),
    ]


def _trouble() -> list[Panel]:
    retried = Field("eps", "no delivery had to be tried again", minimum=0)
    dead = Field("eps", "no line was given up", minimum=0)
    return [
        _counter(
            "Retries",
            "Deliveries that had to be tried again, by reason.",
            "tocsin_retries_total",
            ("destination", "reason", "host"),
            retried,
        ),
        _counter(
            "Dead letters",
            "Lines that the store refused for good; they are kept.",
            "tocsin_dead_lines_total",
            ("bucket", "reason", "host"),
            dead,
        ),
    ]


def _counter(title: str, description: str, source: str, by: tuple[str, ...], field: Field) -> Panel:
    query = select(growth("value"), source=source, where=_HOST, by=by, every=WINDOW)
    alias = " ".join(f"$tag_{name}" for name in by)
    return timeseries(title, description, [target(query, alias=alias)], field, (12, 6))
