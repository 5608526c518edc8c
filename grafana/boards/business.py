"""Business: orders, revenue, people on the site, what they click, and whether the stock lasts."""

from __future__ import annotations

from grafana.limits import ERROR_PCT, STOCK_PCT
from grafana.panels import (
    AREA,
    STACKED,
    Field,
    Panel,
    bargauge,
    earlier,
    every,
    stat,
    target,
    timeseries,
    transformed,
    within,
)
from grafana.queries import WINDOW, column, matches, per_minute, percentile, select, share, tag_values
from grafana.render import Board, Heading, board
from grafana.transformations import at_most, ordered, quotient, without
from grafana.variables import tag

_ORDERS = "shop_order"
_WEEK = "7d"
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
    orders = stat(
        "Orders",
        "Paid orders of the range.",
        [target(select('count("amount")', source=_ORDERS, where=_PAID))],
        Field("locale", _NO_ORDERS, decimals=0),
        (4, 4),
    )
    revenue = stat(
        "Revenue",
        "Sum of the paid orders of the range, in euros.",
        [target(select('sum("amount")', source=_ORDERS, where=_PAID))],
        Field("currencyEUR", _NO_ORDERS),
        (4, 4),
    )
    return [
        orders,
        revenue,
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
            (4, 4),
        ),
        _conversion(),
        within(
            "10m",
            stat(
                "Active users",
                "Different people who viewed a page in a minute: mean of the last ten minutes.",
                [target(_USERS)],
                Field("short", "no visits in the last ten minutes", decimals=0),
                (4, 4),
                calc="mean",
                sparkline=True,
            ),
        ),
        _week_before(orders, "Paid orders of the same range a week before."),
        _week_before(revenue, "Revenue of the same range a week before, in euros."),
    ]


def _week_before(panel: Panel, description: str) -> Panel:
    """The same number, seven days earlier, beside which today's can be judged."""
    before = panel | {"title": f"{panel['title']} a week before", "description": description}
    return earlier(_WEEK, before | {"gridPos": {"w": 12, "h": 3}})


def _conversion() -> Panel:
    orders = select(column('count("amount")', "orders"), source=_ORDERS, where=('"failed" = 0',))
    views = select(column('count("user")', "views"), source="page_view")
    panel = stat(
        "Conversion",
        "Paid orders for each page view of the range, all countries. It falls while people stay: the way to the order"
        " is broken, see the checkout's response times.",
        [target(orders, table=True), target(views, table=True, ref="B")],
        Field("percentunit", "no visits in this range", decimals=1),
        (4, 4),
    )
    return transformed(panel, *quotient("orders", "views", "conversion"))


def _sales() -> list[Panel]:
    orders = _by("channel", per_minute("amount"))
    return [
        every("1m", orders),
        every(
            "1m",
            earlier(
                _WEEK,
                orders
                | {
                    "title": "Orders a minute, a week before",
                    "description": "The same range seven days earlier. The shape of the day is the same: a gap between"
                    " the two is news.",
                },
            ),
        ),
        every(
            "1m",
            timeseries(
                "Revenue a minute",
                "Paid euros a minute by country.",
                [target(_paid(per_minute("amount", "sum"), "country"), alias="$tag_country")],
                Field("currencyEUR", _NO_ORDERS, minimum=0),
                (12, 8),
                drawing=STACKED,
            ),
        ),
        _converting(),
    ]


def _by(tag_name: str, expression: str) -> Panel:
    return timeseries(
        "Orders a minute",
        "Paid orders a minute by channel. One channel at zero while the others sell: that channel is broken.",
        [target(_paid(expression, tag_name), alias=f"$tag_{tag_name}")],
        Field("cpm", _NO_ORDERS, minimum=0),
        (12, 8),
        drawing=STACKED,
    )


def _paid(expression: str, by: str) -> str:
    return select(expression, source=_ORDERS, where=_PAID, by=(by,), every=WINDOW, fill="0")


def _converting() -> Panel:
    orders = select(
        column('count("amount")', "orders"), source=_ORDERS, where=('"failed" = 0',), every=WINDOW, fill="0"
    )
    views = select(column('count("user")', "views"), source="page_view", every=WINDOW, fill="0")
    panel = timeseries(
        "Conversion over time",
        "Paid orders for each page view, window by window, all countries. Compare a dip with the deploy marks.",
        [target(orders, table=True), target(views, table=True, ref="B")],
        Field("percentunit", "no visits in this range", minimum=0, decimals=1),
        (12, 8),
        drawing=AREA,
    )
    return every("1m", transformed(panel, *quotient("orders", "views", "conversion")))


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
