"""Objectives: what was promised, how much of the error budget is left, how fast it burns and when it is gone."""

from __future__ import annotations

from grafana import objectives
from grafana.limits import BUDGET_LEFT_PCT, BURN_RATE, CRITICAL, FINE, WARN
from grafana.objectives import Objective
from grafana.panels import AREA, Field, Panel, every, row, stat, target, timeseries, within
from grafana.queries import WINDOW, column, outer, select
from grafana.render import Board, Heading, board
from grafana.states import between, timeline, word

_EMPTY = "nothing that this objective counts happened in this range"
_BUDGET_DAYS = 30
_BUDGET_RANGE = f"{_BUDGET_DAYS}d"
_DAY_S = 86_400
_BURN_STATES = (
    between(None, 1, "within budget", FINE),
    between(1, BURN_RATE.warn, "burning", WARN),
    between(BURN_RATE.warn, None, "burning fast", CRITICAL),
)


def build() -> Board:
    """The board."""
    return board(
        Heading(
            "tocsin-slo",
            "Objectives",
            "What was promised, how much of the error budget of 30 days is left, and when it is gone.",
            "product owners and responders",
        ),
        [panel for objective in objectives.read() for panel in _objective(objective)],
        since="now-6h",
    )


def _objective(one: Objective) -> list[Panel]:
    return [
        row(f"{one.name}: {one.percent:g} % of requests are answered without an error"),
        *_budget(one),
        *_burning(one),
    ]


def _budget(one: Objective) -> list[Panel]:
    left = f"(1 - {one.bad} / {one.total} / {one.budget:g}) * 100"
    return [
        within(
            _BUDGET_RANGE,
            stat(
                f"{one.name}: budget left",
                "What is left of the errors that 30 days allow, by the requests that the store has of them. Below 0 the"
                " promise is broken: stop what is risky until it recovers.",
                [target(select(left, source=one.source, where=one.where))],
                Field("percent", _EMPTY, BUDGET_LEFT_PCT, decimals=1),
                (6, 4),
            ),
        ),
        within(
            _BUDGET_RANGE,
            stat(
                f"{one.name}: budget lasts",
                "How long the budget lasts if errors go on as in the newest six hours (from 0, 6, 12 or 18 UTC on).",
                [target(_lasts(one))],
                Field(
                    "dtdurations",
                    _EMPTY,
                    words=(word(0, "nothing burns", FINE), between(None, -1e-9, "it is spent", CRITICAL)),
                ),
                (6, 4),
            ),
        ),
        *(_rate_now(one, window, words) for window, words in (("1h", "one hour"), ("6h", "six hours"))),
    ]


def _lasts(one: Objective) -> str:
    """Seconds: the share that is left, at the speed of the newest six hours; 0 where these burnt nothing."""
    columns = (column(one.bad, "bad"), column(one.total, "total"))
    inner = select(*columns, source=one.source, where=one.where, every="6h", fill="none")
    left = f'(1 - sum("bad") / sum("total") / {one.budget:g})'
    speed = f'(last("bad") / last("total") / {one.budget:g})'
    return outer(column(f"{left} / {speed} * {_BUDGET_DAYS * _DAY_S}", "lasts"), inner=inner)


def _rate_now(one: Objective, window: str, words: str) -> Panel:
    rate = f"{one.bad} / {one.total} / {one.budget:g}"
    return within(
        window,
        stat(
            f"{one.name}: burn rate, {words}",
            f"How many times as fast as it may the budget burnt in the last {words}. 1 uses it up in 30 days; at"
            f" {BURN_RATE.critical:g} in one hour, or {BURN_RATE.warn:g} in six, somebody is paged.",
            [target(select(rate, source=one.source, where=one.where))],
            Field("none", _EMPTY, BURN_RATE, decimals=2),
            (6, 4),
        ),
    )


def _burning(one: Objective) -> list[Panel]:
    rate = select(f"{one.bad} / {one.total} / {one.budget:g}", source=one.source, where=one.where, every=WINDOW)
    return [
        every(
            "5m",
            timeseries(
                f"{one.name}: burn rate over time",
                "Window by window, in budgets. Above a dashed line for long enough, somebody is paged.",
                [target(rate, alias="burn rate")],
                Field("none", _EMPTY, BURN_RATE, minimum=0, decimals=1),
                (24, 7),
                drawing=AREA,
            ),
        ),
        every(
            "5m",
            timeline(
                f"{one.name}: when it burnt",
                "The same in three words: within the budget, burning, burning fast enough to page.",
                [target(rate, alias=one.name)],
                Field("none", _EMPTY, decimals=1, words=_BURN_STATES),
                (24, 3),
            ),
        ),
    ]
