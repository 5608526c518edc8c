"""Business: orders, revenue, people on the site, what they click, and whether the stock lasts."""

from __future__ import annotations

from grafana.limits import ERROR_PCT, STOCK_PCT
from grafana.panels import (
    AREA,
    STACKED,
    Field,
    Panel,
    at_most,
    bargauge,
    every,
    ordered,
    stat,
    target,
    timeseries,
    transformed,
    within,
    without,
)
from grafana.queries import WINDOW, column, matches, per_minute, percentile, select, share, tag_values
from grafana.render import Board, Heading, board
from grafana.variables import tag

_ORDERS = "shop_order"
_NO_ORDERS = "no orders in this range"
_NO_VIEWS = "no visits in this range"
_COUNTRY = (matches("country"),)
_PAID = (*_COUNTRY, '"failed" = 0')
_USERS = select('count(distinct("user"))', source="page_view", every="1m", fill="0")


def build() -> Board:
    """The board."""
    return board(
        Heading(
            "tocsin-business",
            "Business",
            "What the shop earns, who is on it, what they want, and what runs out. Amounts in euros.",
            "product owners",
        ),
        [*_headlines(), *_sales(), *_people(), _clicked(), _stock()],
        variables=[
            tag("country", tag_values("country", _ORDERS), label="Country", description="Where orders come from")
        ],
        refresh="10s",
    )


def _headlines() -> list[Panel]:
    return [
        stat(
            "Orders",
            "Paid orders of the range.",
            [target(select('count("amount")', source=_ORDERS, where=_PAID))],
            Field("locale", _NO_ORDERS, decimals=0),
            (5, 4),
        ),
        stat(
            "Revenue",
            "Sum of the paid orders of the range, in euros.",
            [target(select('sum("amount")', source=_ORDERS, where=_PAID))],
            Field("currencyEUR", _NO_ORDERS),
            (5, 4),
        ),
        stat(
            "Average order",
            "Revenue divided by paid orders of the range, in euros.",
            [target(select('mean("amount")', source=_ORDERS, where=_PAID))],
            Field("currencyEUR", _NO_ORDERS, decimals=2),
            (4, 4),
        ),
        stat(
            "Failed payments",
            "Share of the orders of the range whose payment failed. Red: ask the payment provider, then see checkout.",
            [target(select(share("failed"), source=_ORDERS, where=_COUNTRY))],
            Field("percent", _NO_ORDERS, ERROR_PCT, decimals=2),
            (5, 4),
        ),
        within(
            "10m",
            stat(
                "Active users",
                "Different people who viewed a page in a minute: mean of the last ten minutes.",
                [target(_USERS)],
                Field("short", "no visits in the last ten minutes", decimals=0),
                (5, 4),
                calc="mean",
                sparkline=True,
            ),
        ),
    ]


def _sales() -> list[Panel]:
    orders = select(per_minute("amount"), source=_ORDERS, where=_PAID, by=("channel",), every=WINDOW, fill="0")
    revenue = select(per_minute("amount", "sum"), source=_ORDERS, where=_PAID, by=("country",), every=WINDOW, fill="0")
    return [
        every(
            "1m",
            timeseries(
                "Orders a minute",
                "Paid orders a minute by channel. One channel at zero while the others sell: that channel is broken.",
                [target(orders, alias="$tag_channel")],
                Field("cpm", _NO_ORDERS, minimum=0),
                (12, 8),
                drawing=STACKED,
            ),
        ),
        every(
            "1m",
            timeseries(
                "Revenue a minute",
                "Paid euros a minute by country.",
                [target(revenue, alias="$tag_country")],
                Field("currencyEUR", _NO_ORDERS, minimum=0),
                (12, 8),
                drawing=STACKED,
            ),
        ),
    ]


def _people() -> list[Panel]:
    pages = select(percentile("load_ms", 95), source="page_view", by=("page",), every=WINDOW)
    return [
        timeseries(
            "Active users a minute",
            "Different people who viewed a page, minute by minute.",
            [target(_USERS, alias="users")],
            Field("short", _NO_VIEWS, minimum=0, decimals=0),
            (12, 8),
            drawing=AREA,
        ),
        every(
            "1m",
            timeseries(
                "Page load time (p95)",
                "How long 95 of 100 page views took to load at most, by page.",
                [target(pages, alias="$tag_page")],
                Field("ms", _NO_VIEWS, minimum=0, decimals=0),
                (12, 8),
            ),
        ),
    ]


def _clicked() -> Panel:
    clicks = select(column('sum("count")', "clicks"), source="product_click", by=("product",))
    panel = bargauge(
        "Most clicked products, last 10 minutes",
        "Clicks by product in the last ten minutes, whatever the board's range.",
        [target(clicks, table=True)],
        Field("short", "no clicks in the last ten minutes", minimum=0, decimals=0),
        (12, 9),
    )
    return within("10m", transformed(panel, without("Time"), ordered("clicks", largest_first=True), at_most(10)))


def _stock() -> Panel:
    fill = column('last("quantity") / last("target") * 100', "stock")
    panel = bargauge(
        "Stock against target, lowest first",
        "What is there, in percent of what should be there. Red: order now.",
        [target(select(fill, source="inventory", by=("product", "warehouse")), table=True)],
        Field("percent", "no inventory in this range", STOCK_PCT, minimum=0, maximum=100, decimals=0),
        (12, 9),
    )
    return transformed(panel, without("Time"), ordered("stock", largest_first=False), at_most(10))
