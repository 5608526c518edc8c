"""Alerts: what is firing, what fired lately, how long it took to end, and which rules make the most noise.

All of it is of `alert_event`, one point a change of an alert: what opens counts 1, what ends counts -1.
"""

from __future__ import annotations

from grafana.limits import CRITICAL, FINE, FIRING, WARN
from grafana.panels import (
    BARS,
    Field,
    Override,
    Panel,
    bargauge,
    descending,
    every,
    override,
    stat,
    table,
    target,
    timeseries,
    transformed,
    within,
)
from grafana.queries import WINDOW, column, matches, newest, outer, select, tag_values
from grafana.render import Board, Heading, board
from grafana.states import between, timeline
from grafana.transformations import arranged, at_most, ordered, without
from grafana.variables import tag

SOURCE = "alert_event"
QUIET = "no alert changed in this range"
_PICKED = (matches("alertname"),)
_FIRED = (*_PICKED, '"opened" = 1')
_ENDED = (*_PICKED, '"opened" = -1')
RULE = override("alertname", displayName="rule")
_LOOK_BACK = "30d"
_SHOWN = 100


def build() -> Board:
    """The board."""
    return board(
        Heading(
            "tocsin-alerts",
            "Alert history",
            "What is firing, what fired, how long it took to end, and which rules make the most noise.",
            "responders and whoever owns the rules",
        ),
        [*_headlines(), _states(), _firing(), *_noise(), _history()],
        variables=[tag("alertname", tag_values("alertname", SOURCE), label="Rule", description="Rules to look at")],
        since="now-6h",
        refresh="10s",
    )


def firing_count(where: tuple[str, ...]) -> str:
    """How many alerts are open: what opened, less what ended, rule by rule; nothing where none is."""
    summed = select(column('sum("opened")', "firing"), source=SOURCE, where=where, by=("alertname", "service"))
    return outer(column('sum("firing")', "firing"), inner=summed, where='"firing" > 0')


def _headlines() -> list[Panel]:
    longest = "Of the alerts that ended in this range."
    return [
        within(
            _LOOK_BACK,
            stat(
                "Firing now",
                "Alerts that opened in the last 30 days and did not end. The console's page Alerts asks alerting.",
                [target(firing_count(_PICKED))],
                Field("locale", "0", FIRING, decimals=0),
                (5, 4),
            ),
        ),
        _count("Fired", "Alerts that began to fire in this range.", _FIRED),
        _count("Resolved", "Alerts that ended in this range.", _ENDED),
        _lasted("Time to resolve", f"{longest} Mean of how long they were open.", "mean"),
        _lasted("Longest", f"{longest} The one that was open for the longest.", "max"),
    ]


def _count(title: str, words: str, where: tuple[str, ...]) -> Panel:
    query = select('count("opened")', source=SOURCE, where=where)
    return stat(title, words, [target(query)], Field("locale", "0", decimals=0), (5, 4))


def _lasted(title: str, words: str, aggregate: str) -> Panel:
    query = select(f'{aggregate}("lasted_s")', source=SOURCE, where=_ENDED)
    size = (5, 4) if aggregate == "mean" else (4, 4)
    return stat(title, words, [target(query)], Field("dtdurations", "no alert ended in this range"), size)


def _states() -> Panel:
    query = select(
        'cumulative_sum(sum("opened"))', source=SOURCE, where=_PICKED, by=("alertname",), every=WINDOW, fill="0"
    )
    words = (between(None, 0, "quiet", FINE), between(1, None, "firing", CRITICAL))
    return timeline(
        "When each rule fired",
        "From the beginning of the range on; what was firing before it is not counted. Many short stretches: the rule"
        " flaps, give it a `for` or a `resolve`.",
        [target(query, alias="$tag_alertname")],
        Field("none", QUIET, words=words),
        (14, 8),
    )


def _firing() -> Panel:
    rows = select(
        column('last("summary")', "summary"), '"severity"', '"state"', source=SOURCE, where=_PICKED, by=("alertname",)
    )
    panel = table(
        "Last word of each rule",
        "The newest change of every rule. Red: the newest is that it fires.",
        [target(rows, table=True)],
        Field("none", QUIET),
        (10, 8),
        sort=descending("when"),
        overrides=(_when("dateTimeFromNow"), RULE, state()),
    )
    return transformed(panel, arranged("Time", "alertname", "state", "severity", "summary"))


def _when(unit: str) -> Override:
    return override("Time", unit=unit, displayName="when")


def state() -> Override:
    """A table's column of that name: red while nobody has it in hand, orange once somebody has, blue when over."""
    open_to_all = dict.fromkeys(("firing", "no-data", "released"), CRITICAL)
    colours = {**open_to_all, "acknowledged": WARN, "inactive": FINE, "pending": "text"}
    mapped = {name: {"text": name, "color": colour, "index": at} for at, (name, colour) in enumerate(colours.items())}
    mapping = {"type": "value", "options": mapped}
    return override("state", mappings=[mapping], custom__cellOptions={"type": "color-text"})


def _noise() -> list[Panel]:
    fired = select(column('count("opened")', "fired"), source=SOURCE, where=_FIRED, by=("alertname",))
    ended = select(
        column('mean("lasted_s")', "mean"),
        column('max("lasted_s")', "longest"),
        column('count("lasted_s")', "resolved"),
        source=SOURCE,
        where=_ENDED,
        by=("alertname",),
    )
    over_time = select('count("opened")', source=SOURCE, where=_FIRED, by=("alertname",), every=WINDOW, fill="0")
    return [
        transformed(
            bargauge(
                "Noisiest rules",
                "How often each rule fired in this range. The top of this list is what to mend first: the rule, or what"
                " it watches.",
                [target(fired, table=True)],
                Field("locale", "no rule fired in this range", minimum=0, decimals=0),
                (8, 8),
            ),
            without("Time"),
            ordered("fired", largest_first=True),
            at_most(10),
        ),
        transformed(
            table(
                "Time to resolve by rule",
                "How long alerts of a rule were open until they ended. Long means: hard to mend, or nobody heard.",
                [target(ended, table=True)],
                Field("none", "no alert ended in this range"),
                (8, 8),
                sort=descending("mean"),
                overrides=(
                    RULE,
                    override("mean", unit="dtdurations"),
                    override("longest", unit="dtdurations"),
                    override("resolved", unit="locale", decimals=0),
                ),
            ),
            without("Time"),
        ),
        every(
            "5m",
            timeseries(
                "Alerts over time",
                "Alerts that began to fire, window by window, by rule.",
                [target(over_time, alias="$tag_alertname")],
                Field("short", "no rule fired in this range", minimum=0, decimals=0),
                (8, 8),
                drawing=BARS,
            ),
        ),
    ]


def _history() -> Panel:
    names = ("alertname", "change", "state", "severity", "service", "value", "summary")
    panel = table(
        "History",
        f"The newest {_SHOWN} changes, those that nobody was told of (pending, cancelled) among them.",
        [target(newest(*names, source=SOURCE, where=_PICKED, rows=_SHOWN), table=True)],
        Field("none", QUIET),
        (24, 10),
        sort=descending("when"),
        overrides=(
            _when("dateTimeAsIso"),
            RULE,
            state(),
            override("value", unit="locale", displayName="value, in the rule's unit"),
        ),
    )
    return transformed(
        panel, arranged("Time", "alertname", "change", "state", "severity", "service", "summary", "value")
    )
