"""Overview: what is wrong now. A number for each part, a line for each service and host, and where to go on."""

from __future__ import annotations

from dataclasses import replace

from grafana.boards import alerts, devices, host, requests
from grafana.limits import (
    BEHIND_S,
    CRITICAL,
    ERROR_PCT,
    FINE,
    FIRING,
    RESPONSE_MS,
    SILENT_DEVICES,
    WARN,
    Limits,
)
from grafana.links import from_row, onward
from grafana.panels import (
    AREA,
    Field,
    Panel,
    Words,
    descending,
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
from grafana.queries import WINDOW, column, per_minute, percentile, select, share
from grafana.render import Board, Heading, board
from grafana.states import between, timeline
from grafana.transformations import arranged

_NOW = "5m"
_ORDERS, _PAID = "shop_order", ('"failed" = 0',)
_USERS = select('count(distinct("user"))', source="page_view", every="1m", fill="0")


def build() -> Board:
    """The board."""
    return board(
        Heading(
            "tocsin-overview",
            "At a glance",
            "What is wrong now. Blue is fine; what is not blue leads on with a click.",
            "whoever is called first",
        ),
        [*_lamps(), *_services(), _rules(), *_business(), _by_service(), _by_host(), *_over_time()],
        refresh="5s",
    )


def _lamps() -> list[Panel]:
    errors = select(share("error"), source=requests.SOURCE)
    slow = select(percentile("duration_ms", 95), source=requests.SOURCE)
    age = select('max("value")', source="tocsin_buffer_age_seconds")
    late = Field("s", "no word from the collector", BEHIND_S, decimals=0, link=onward("Pipeline", "tocsin-pipeline"))
    count = Field("locale", "0", decimals=0)
    return [
        within(
            "30d",
            _lamp(
                "Alerts firing",
                "Alerts that opened and did not end, by what the store was told in 30 days.",
                alerts.firing_count(()),
                replace(count, limits=FIRING, link=onward("Alert history", "tocsin-alerts")),
            ),
        ),
        _recent(
            "Errors",
            "Share of the requests of the last five minutes that failed, all services.",
            errors,
            replace(requests.ERRORS, link=onward("Response times", "tocsin-red")),
        ),
        _recent(
            "Response time (p95)",
            "95 of 100 requests of the last five minutes were answered within this time.",
            slow,
            replace(requests.TIME, link=onward("Response times", "tocsin-red")),
        ),
        within(
            devices.SILENT_WITHIN,
            _lamp(
                "Devices silent",
                "Devices of the last three hours that were not heard in the last two minutes.",
                devices.silent(()),
                replace(count, limits=SILENT_DEVICES, link=onward("Devices", "tocsin-devices")),
            ),
        ),
        within(
            _NOW,
            _lamp(
                "Behind",
                "How old the oldest line was that waited for the store, last five minutes.",
                age,
                late,
                width=4,
            ),
        ),
    ]


def _lamp(title: str, words: str, query: str, field: Field, *, width: int = 5) -> Panel:
    return stat(title, f"{words} Click for more.", [target(query)], field, (width, 3))


def _recent(title: str, words: str, query: str, field: Field) -> Panel:
    return within(_NOW, _lamp(title, words, query, field))


def _business() -> list[Panel]:
    orders = select(per_minute("amount"), source=_ORDERS, where=_PAID, every="1m", fill="0")
    revenue = select(per_minute("amount", "sum"), source=_ORDERS, where=_PAID, every="1m", fill="0")
    link = onward("Business", "tocsin-business")
    shown = (
        ("Orders a minute", "Paid orders a minute, mean of the last five.", orders, "cpm"),
        ("Revenue a minute", "Paid euros a minute, mean of the last five.", revenue, "currencyEUR"),
        ("Active users", "Different people who viewed a page in a minute, mean of the last five.", _USERS, "short"),
    )
    return [
        within(
            _NOW,
            stat(
                title,
                f"{words} Click for more.",
                [target(query.replace("${__interval_ms}", "60000"))],
                Field(unit, "nothing in the last five minutes", decimals=0, link=link),
                (8, 3),
                calc="mean",
                sparkline=True,
            ),
        )
        for title, words, query, unit in shown
    ]


def _services() -> list[Panel]:
    errors = _states(ERROR_PCT, "fine", "fails a little", "fails")
    times = _states(RESPONSE_MS, "fine", "slow", "very slow")
    return [
        _timeline(
            "Services by errors", "share of errors", share("error"), Field("percent", requests.EMPTY, words=errors)
        ),
        _timeline("Services by response time", "p95", requests.P95, Field("ms", requests.EMPTY, words=times)),
    ]


def _states(limits: Limits, fine: str, warn: str, critical: str) -> tuple[Words, ...]:
    return (
        between(None, limits.warn, fine, FINE),
        between(limits.warn, limits.critical, warn, WARN),
        between(limits.critical, None, critical, CRITICAL),
    )


def _timeline(title: str, what: str, expression: str, field: Field) -> Panel:
    query = select(expression, source=requests.SOURCE, by=("service",), every=WINDOW)
    words = f"Each service by its {what}, minute by minute: since when is it broken, and which broke first?"
    return timeline(title, words, [target(query, alias="$tag_service")], field, (8, 7))


def _rules() -> Panel:
    summed = select(column('sum("opened")', "firing"), source=alerts.SOURCE, by=("alertname", "service"))
    panel = table(
        "Rules that fired",
        "Rules that fired in the last 30 days, and how many alerts of each are open now. Click one for its history.",
        [target(summed, table=True)],
        Field("none", "no rule has fired in 30 days"),
        (8, 7),
        sort=descending("firing now"),
        overrides=(
            override("firing", unit="locale", decimals=0, displayName="firing now"),
            override("firing", thresholds=steps(FIRING), custom__cellOptions=requests.WORDS),
            alerts.RULE,
            override("alertname", links=[from_row("Its history", "tocsin-alerts", alertname="alertname")]),
        ),
    )
    return within("30d", transformed(panel, arranged("alertname", "firing", "service", hidden=("Time",))))


def _by_service() -> Panel:
    rows = select(*requests.numbers("requests", "errors", "p95"), source=requests.SOURCE, by=("service",))
    panel = table(
        "Each service",
        "Requests, errors and p95 of the last five minutes. Click a service to see it alone.",
        [target(rows, table=True)],
        Field("none", requests.EMPTY),
        (12, 7),
        sort=descending("p95"),
        overrides=(
            override("service", links=[from_row("Its response times", "tocsin-red", service="service")]),
            *requests.overrides()[:2],
            requests.overrides()[3],
        ),
    )
    return within(_NOW, transformed(panel, arranged("service", "requests", "errors", "p95", hidden=("Time",))))


def _by_host() -> Panel:
    panel = table(
        "Each host",
        "The last word of each machine in the last five minutes. Click one to see it alone.",
        [target(host.now(()), table=True)],
        Field("none", host.EMPTY),
        (12, 7),
        sort=descending("cpu"),
        overrides=(override("host", links=[from_row("This host", "tocsin-host", host="host")]), *host.columns()),
    )
    hidden = ("Time", "received", "sent", "load")
    return within(_NOW, transformed(panel, arranged("host", "cpu", "memory", "disk", hidden=hidden)))


def _over_time() -> list[Panel]:
    orders = select(column(per_minute("amount"), "orders"), source=_ORDERS, where=_PAID, every=WINDOW, fill="0")
    return [
        requests.percentiles(
            "Response time",
            "p50, p95 and p99 of all services. Compare with the deploy marks.",
            (),
            (12, 7),
        ),
        every(
            "1m",
            timeseries(
                "Orders",
                "Paid orders a minute. A fall that the response times do not explain: see the payments.",
                [target(orders, alias="orders")],
                Field("cpm", "no orders in this range", minimum=0),
                (12, 7),
                drawing=AREA,
            ),
        ),
    ]
