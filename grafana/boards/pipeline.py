"""Pipeline: our own health. What comes in, what waits, what is delivered, and what was given up."""

from __future__ import annotations

from grafana.limits import BEHIND_S, BUFFER_PCT, DEAD_LINES, REJECTED_LINES
from grafana.panels import Field, Panel, stat, target, timeseries, transformed
from grafana.queries import WINDOW, column, growth, matches, outer, select, tag_values
from grafana.render import Board, Heading, board
from grafana.transformations import quotient
from grafana.variables import tag

_ACCEPTED = "tocsin_buffer_accepted_lines_total"
_DELIVERED = "tocsin_delivered_lines_total"
_WAITING = "tocsin_buffer_lines"
_AGE = "tocsin_buffer_age_seconds"
_RETRIES = "tocsin_retries_total"
_DEAD = "tocsin_dead_lines_total"
_COMMITTING = "tocsin_buffer_commit_seconds_sum"
_STORE = "tocsin_store_seconds_sum"
_REJECTED = "tocsin_rejected_lines_total"
_TURNED_AWAY = "tocsin_auth_failures_total"
_REQUESTS = "tocsin_requests_total"
_TOO_FEW = "the collector has not reported twice in this range"
_EMPTY = "no word from the collector in this range"
_HOST = (matches("host"),)
_LINES = Field("suffix: lines/s", _TOO_FEW, minimum=0)
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
        [*_headlines(), *_flow(), *_backlog(), *_refused(), *_requests(), *_work()],
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
        _now(
            "Rejected",
            "Lines that intake did not take since the collector started. `tocsin tail --rejected` shows them.",
            (_REJECTED, ("host", "reason"), "sum"),
            Field("locale", "0", REJECTED_LINES, decimals=0),
        ),
        _now(
            "Wrong tokens",
            "Requests turned away since the collector started: token missing, unknown, expired or without the right."
            " `tocsin token list` says which there are.",
            (_TURNED_AWAY, ("host", "reason"), "sum"),
            Field("locale", "0", decimals=0),
        ),
    ]


def _now(title: str, description: str, what: tuple[str, tuple[str, ...], str], field: Field) -> Panel:
    source, by, calc = what
    query = select(column('last("value")', "last"), source=source, where=_HOST, by=by)
    return stat(title, description, [target(query, table=True)], field, (4, 4), calc=calc)


def _flow() -> list[Panel]:
    return [
        _counter("Lines accepted", "Lines made durable, a second.", _ACCEPTED, ("bucket", "host"), _LINES),
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
    return timeseries(title, description, [target(query, alias="$tag_destination · $tag_bucket")], field, (12, 8))


def _refused() -> list[Panel]:
    return [
        _counter(
            "Rejected by reason",
            "Lines not taken, a second. field_type: a sender changed a type; the other reasons: docs/metrics.md.",
            _REJECTED,
            ("reason", "host"),
            Field("suffix: lines/s", "nothing was rejected between two reports", minimum=0),
        ),
        _buffer(),
    ]


def _buffer() -> Panel:
    used, quota = (
        select(column('max("value")', name), source=f"tocsin_buffer_{name}_bytes", where=_HOST, every=WINDOW)
        for name in ("used", "quota")
    )
    panel = timeseries(
        "Buffer used",
        "Share of the buffer's quota that is on disk. At 100 % intake answers 503 and senders wait.",
        [target(used, table=True), target(quota, table=True, ref="B")],
        Field("percentunit", _EMPTY, BUFFER_PCT.scaled(0.01), minimum=0, maximum=1, decimals=1),
        (12, 8),
    )
    return transformed(panel, *quotient("used", "quota", "used"))


def _requests() -> list[Panel]:
    spent, answered = (_all_paths(f"tocsin_request_seconds_{name}", name) for name in ("sum", "count"))
    mean = timeseries(
        "Time to answer",
        "Mean time from a request to its answer, all paths. Much above a disk's sync: the machine is busy.",
        [target(spent, table=True), target(answered, table=True, ref="B")],
        Field("s", _TOO_FEW, minimum=0),
        (12, 8),
    )
    return [
        _counter(
            "Requests by status",
            "Requests a second by what was answered. 4xx: senders are wrong; 503: they have to wait.",
            _REQUESTS,
            ("status", "path", "host"),
            Field("reqps", _TOO_FEW, minimum=0),
        ),
        transformed(mean, *quotient("sum", "count", "mean")),
    ]


def _all_paths(source: str, name: str) -> str:
    """Growth a second of a counter that each path has, all of them together."""
    each = select(
        column(growth("value"), "grown"), source=source, where=_HOST, by=("path", "host"), every=WINDOW, fill="none"
    )
    return outer(column('sum("grown")', name), inner=each, where="$timeFilter", every=WINDOW)


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
    alias = " · ".join(f"$tag_{name}" for name in by)
    return timeseries(title, description, [target(query, alias=alias)], field, (12, 8))
