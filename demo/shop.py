"""The simulated shop: what happened in a stretch of time, as line protocol. Pure: time and luck are handed in.

`traffic` asks for one stretch after the other. The invariant: the same seed and the same stretches make the same lines,
and every line lies within its stretch.
"""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import accumulate
from random import Random

from demo.catalogue import (
    CHANNELS,
    COUNTRIES,
    DEVICE_CLASSES,
    ENDPOINTS,
    PAGES,
    PRODUCTS,
    USERS,
    WAREHOUSES,
    Endpoint,
    Product,
    business,
)
from demo.faults import Faults, Kind
from foundation.line_protocol.encode import encode_head

_S = 1_000_000_000
_VIEWS_PER_REQUEST = 0.4
_CLICKS_PER_REQUEST = 0.15
_ORDERS_PER_REQUEST = 0.03
_FAULTY_FEATURE = "checkout"
_SLOWER = 9.0
_ERROR_SHARE = 0.006
_FAULTY_ERROR_SHARE = 0.4
_SLOW_SHOP_ORDERS = 0.6
"""Of the orders that customers would place, those that survive a slow checkout."""
_STOCK_EVERY_NS = 15 * _S
_RESTOCK_BELOW = 0.5
_DEPLOY_EVERY_S = 900.0
_RELEASES = 40


class Shop:
    """A shop with a memory: stock, releases and who is there. `requests_per_s` may be set at any time."""

    def __init__(self, seed: int, requests_per_s: float) -> None:
        self._luck = Random(seed)
        self.requests_per_s = requests_per_s
        self._heads: dict[tuple[str, ...], bytes] = {}
        self._weights = list(accumulate(endpoint.weight for endpoint in ENDPOINTS))
        self._appeal = list(accumulate(product.appeal for product in PRODUCTS))
        self._stock = {
            (product, warehouse): product.target * self._luck.uniform(0.6, 1.0)
            for product in PRODUCTS
            for warehouse in WAREHOUSES
        }
        self._releases = {endpoint.service: self._luck.randrange(8) for endpoint in ENDPOINTS}

    def live(self, since_ns: int, until_ns: int, faults: Faults) -> list[bytes]:
        """Everything that happened in (since, until], a line each, without newlines."""
        middle = datetime.fromtimestamp((since_ns + until_ns) / 2 / _S, UTC)
        requests = self.requests_per_s * business(middle) * (until_ns - since_ns) / _S
        slow, broken = faults.active(Kind.LATENCY, middle), faults.active(Kind.ERRORS, middle)
        orders = requests * _ORDERS_PER_REQUEST * (_SLOW_SHOP_ORDERS if slow else 1.0)
        stretch = (since_ns, until_ns)
        lines = [self._request(self._moment(stretch), slow, broken) for _ in range(self._count(requests))]
        lines += [self._view(self._moment(stretch), slow) for _ in range(self._count(requests * _VIEWS_PER_REQUEST))]
        lines += [self._click(self._moment(stretch)) for _ in range(self._count(requests * _CLICKS_PER_REQUEST))]
        lines += [self._order(self._moment(stretch), broken) for _ in range(self._count(orders))]
        lines += self._inventory(since_ns, until_ns)
        lines += self._deploy(stretch)
        return lines

    def orders(self, since_ns: int, until_ns: int) -> list[bytes]:
        """The orders alone of (since, until], as on a day without faults."""
        middle = datetime.fromtimestamp((since_ns + until_ns) / 2 / _S, UTC)
        requests = self.requests_per_s * business(middle) * (until_ns - since_ns) / _S
        stretch = (since_ns, until_ns)
        return [self._order(self._moment(stretch), False) for _ in range(self._count(requests * _ORDERS_PER_REQUEST))]

    def _request(self, at_ns: int, slow: bool, broken: bool) -> bytes:
        luck = self._luck
        endpoint = luck.choices(ENDPOINTS, cum_weights=self._weights)[0]
        hurt = endpoint.feature == _FAULTY_FEATURE
        took = luck.lognormvariate(0.0, endpoint.sigma) * endpoint.median_ms * (_SLOWER if slow and hurt else 1.0)
        failed = luck.random() < (_FAULTY_ERROR_SHARE if broken and hurt else _ERROR_SHARE)
        status = self._status(endpoint, failed)
        head = self._head(
            "http_request",
            ("endpoint", endpoint.path),
            ("feature", endpoint.feature),
            ("method", endpoint.method),
            ("release", self._release(endpoint.service)),
            ("service", endpoint.service),
            ("status", status),
        )
        size = 240 if failed else int(endpoint.size_bytes * luck.uniform(0.7, 1.3))
        return b"%s duration_ms=%.2f,error=%di,bytes=%di %d" % (head, took, failed, size, at_ns)

    def _status(self, endpoint: Endpoint, failed: bool) -> str:
        if failed:
            return self._luck.choice(("500", "502", "503"))
        if self._luck.random() < 0.015:  # noqa: PLR2004 - visitors mistype
            return "404" if endpoint.method == "GET" else "400"
        return "200" if endpoint.method == "GET" else "201"

    def _view(self, at_ns: int, slow: bool) -> bytes:
        page, device = self._pick(PAGES), self._pick(DEVICE_CLASSES)
        load = self._luck.lognormvariate(0.0, 0.4) * (1_150 if device == "mobile" else 640)
        load *= 2.5 if slow and page == "/checkout" else 1.0
        head = self._head("page_view", ("device_class", device), ("page", page), ("service", "storefront"))
        return b'%s user="%s",load_ms=%.1f %d' % (head, self._user(), load, at_ns)

    def _click(self, at_ns: int) -> bytes:
        product = self._product()
        head = self._head("product_click", ("category", product.category), ("product", product.name))
        return b'%s user="%s",count=1i %d' % (head, self._user(), at_ns)

    def _order(self, at_ns: int, broken: bool) -> bytes:
        product, items = self._product(), 1 + int(self._luck.expovariate(1.4))
        failed = self._luck.random() < (_FAULTY_ERROR_SHARE if broken else 0.02)
        if not failed:
            place = (product, self._luck.choice(WAREHOUSES))
            self._stock[place] = max(0.0, self._stock[place] - items)
        head = self._head("shop_order", ("channel", self._pick(CHANNELS)), ("country", self._pick(COUNTRIES)))
        amount = product.price * items * self._luck.uniform(0.9, 1.0)
        return b"%s amount=%.2f,items=%di,failed=%di %d" % (head, amount, items, failed, at_ns)

    def _inventory(self, since_ns: int, until_ns: int) -> list[bytes]:
        """Stock as counted at every full 15 s; what runs low was delivered in the meantime."""
        lines = []
        first = since_ns // _STOCK_EVERY_NS + 1
        for at_ns in range(first * _STOCK_EVERY_NS, until_ns + 1, _STOCK_EVERY_NS):
            for (product, warehouse), quantity in self._stock.items():
                full = product.target * self._luck.uniform(0.9, 1.1)
                left = full if quantity < product.target * _RESTOCK_BELOW else quantity
                self._stock[product, warehouse] = left
                head = self._head("inventory", ("product", product.name), ("warehouse", warehouse))
                lines.append(b"%s quantity=%di,target=%di %d" % (head, left, product.target, at_ns))
        return lines

    def _deploy(self, stretch: tuple[int, int]) -> list[bytes]:
        if self._luck.random() >= (stretch[1] - stretch[0]) / _S / _DEPLOY_EVERY_S:
            return []
        service = self._luck.choice(sorted(self._releases))
        self._releases[service] = (self._releases[service] + 1) % _RELEASES
        release = self._release(service)
        head = self._head("deploy", ("release", release), ("service", service))
        return [b'%s text="%s %s" %d' % (head, service.encode(), release.encode(), self._moment(stretch))]

    def _release(self, service: str) -> str:
        return f"1.{self._releases[service]}.0"

    def _head(self, measurement: str, *tags: tuple[str, str]) -> bytes:
        key = (measurement, *(value for _, value in tags))
        head = self._heads.get(key)
        if head is None:
            head = self._heads[key] = encode_head(measurement, tags)
        return head

    def _product(self) -> Product:
        return self._luck.choices(PRODUCTS, cum_weights=self._appeal)[0]

    def _pick(self, choices: tuple[tuple[str, int], ...]) -> str:
        names, weights = zip(*choices, strict=True)
        return str(self._luck.choices(names, weights)[0])

    def _user(self) -> bytes:
        """A visitor; some come often."""
        return b"u%d" % int(USERS * self._luck.betavariate(1.0, 3.0))

    def _moment(self, stretch: tuple[int, int]) -> int:
        return self._luck.randint(stretch[0] + 1, stretch[1])

    def _count(self, expected: float) -> int:
        """A whole number of events whose mean is `expected`, with the spread of independent events."""
        spread = self._luck.gauss(expected, expected**0.5)
        whole = int(max(0.0, spread))
        return whole + (self._luck.random() < spread - whole)
