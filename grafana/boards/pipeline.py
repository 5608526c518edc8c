"""Pipeline: our own health. What comes in, what waits, what is delivered, and what was given up."""

from __future__ import annotations

from grafana.limits import BEHIND_S, DEAD_LINES
from grafana.panels import Field, Panel, stat, target, timeseries
from grafana.queries import WINDOW, column, growth, matches, select, tag_values
from grafana.render import Board, Heading, board
from grafana.variables import tag

_ACCEPTED = "tocsin_buffer_accepted_lines_total"
_DELIVERED = "tocsin_delivered_lines_total"
_WAITING = "tocsin_buffer_lines"
_AGE = "tocsin_buffer_age_seconds"
_RETRIES = "tocsin_retries_total"
_DEAD = "tocsin_dead_lines_total"
_COMMITTING = "tocsin_buffer_commit_seconds_sum"
_STORE = "tocsin_store_seconds_sum"
_TOO_FEW = "the collector has not reported twice in this range"
_EMPTY = "no word from the collector in this range"
_HOST = (matches("host"),)
_LINES = Field("wps", _TOO_FEW, minimum=0)
_SHARE = Field("percentunit", _TOO_FEW, minimum=0)
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
        [*_headlines(), *_flow(), *_backlog(), *_work()],
        variables=[tag("host", tag_values("host", _ACCEPTED), label="Host", description="Collectors to look at")],
        refresh="10s",
    )


def _headlines() -> list[Panel]:
    place = ("host", "destination", "bucket")
    return [
        _now(
            "Lines waiting",
            "Lines acknowledged and not yet in the store, all buckets together. Rising: the store is slow or away.",
            (_WAITING, place, "sum"),
            Field("locale", _EMPTY, decimals=0),
        ),
        _now(
            "Oldest waiting line",
            "How far the store is behind. Red: boards and alerts see old data; nothing is lost.",
            (_AGE, place, "max"),
            Field("s", _EMPTY, BEHIND_S),
        ),
        _now(
            "Retries",
            "Deliveries that had to be tried again since the collector started. Rising: see the collector's log.",
            (_RETRIES, ("host", "destination", "reason"), "sum"),
            Field("locale", "0", decimals=0),
        ),
        _now(
            "Dead letters",
            "Lines that the store refused for good since the collector started; they are kept in its state.",
            (_DEAD, ("host", "bucket", "reason"), "sum"),
            Field("locale", "0", DEAD_LINES, decimals=0),
        ),
    ]


def _now(title: str, description: str, what: tuple[str, tuple[str, ...], str], field: Field) -> Panel:
    source, by, calc = what
    query = select(column('last("value")', "last"), source=source, where=_HOST, by=by)
    return stat(title, description, [target(query, table=True)], field, (6, 4), calc=calc)


def _flow() -> list[Panel]:
    return [
        _counter("Lines accepted", "Lines made durable, a second.", _ACCEPTED, ("host", "bucket"), _LINES),
        _counter(
            "Lines delivered",
            "Lines stored, a second. Below the accepted for long: lines wait.",
            _DELIVERED,
            ("destination", "bucket", "host"),
            _LINES,
        ),
    ]


def _backlog() -> list[Panel]:
    return [
        _highest(
            "Waiting",
            "Lines acknowledged and not yet in the store. A slope that stays: the store cannot keep up.",
            _WAITING,
            Field("short", _EMPTY, minimum=0, decimals=0),
        ),
        _highest("Behind", "Age of the oldest waiting line. Above the red line alerts may come late.", _AGE, _BEHIND),
    ]


def _highest(title: str, description: str, source: str, field: Field) -> Panel:
    query = select('max("value")', source=source, where=_HOST, by=("destination", "bucket"), every=WINDOW)
    return timeseries(title, description, [target(query, alias="$tag_destination $tag_bucket")], field, (12, 8))


def _work() -> list[Panel]:
    return [
        _counter(
            "Time spent syncing to disk",
            "Share of the time in group commits: compress, write, sync. Near 100 %: the disk is the limit.",
            _COMMITTING,
            ("host",),
            _SHARE,
        ),
        _counter(
            "Time spent in the store",
            "Share of the time in writes and queries. Writes near 100 %: the store is the limit, and lines will wait.",
            _STORE,
            ("call", "outcome", "store", "host"),
            _SHARE,
        ),
    ]


def _counter(title: str, description: str, source: str, by: tuple[str, ...], field: Field) -> Panel:
    query = select(growth("value"), source=source, where=_HOST, by=by, every=WINDOW)
    alias = " ".join(f"$tag_{name}" for name in by)
    return timeseries(title, description, [target(query, alias=alias)], field, (12, 8))
