"""What the shop is made of, and the shape of its day. Values only."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime

_DAY_S = 86_400
_PEAK_S = 17 * 3_600
"""The shop is busiest at 17:00 UTC and quietest twelve hours before."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint. Of 1 000 requests `weight` go here; they take `median_ms`, log-normal with `sigma`."""

    service: str
    feature: str
    path: str
    method: str
    weight: int
    median_ms: float
    sigma: float
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Product:
    """Something to click and buy. `appeal` is its share of attention, against the others'."""

    name: str
    category: str
    price: float
    appeal: float
    target: int


ENDPOINTS = (
    Endpoint("storefront", "browse", "/", "GET", 180, 38, 0.35, 42_000),
    Endpoint("storefront", "browse", "/category", "GET", 150, 55, 0.40, 38_000),
    Endpoint("storefront", "browse", "/product", "GET", 210, 62, 0.40, 51_000),
    Endpoint("search", "search", "/search", "GET", 120, 85, 0.45, 18_000),
    Endpoint("search", "search", "/suggest", "GET", 90, 18, 0.35, 2_400),
    Endpoint("cart", "cart", "/cart", "GET", 60, 30, 0.35, 6_200),
    Endpoint("cart", "cart", "/cart/items", "POST", 50, 44, 0.40, 1_100),
    Endpoint("payments", "checkout", "/checkout", "POST", 40, 120, 0.35, 3_300),
    Endpoint("payments", "checkout", "/payment", "POST", 30, 160, 0.35, 1_800),
    Endpoint("account", "login", "/login", "POST", 40, 95, 0.35, 900),
    Endpoint("account", "orders", "/orders", "GET", 30, 70, 0.40, 9_500),
)
PRODUCTS = (
    Product("espresso-machine", "kitchen", 249.0, 1.3, 60),
    Product("pour-over-kettle", "kitchen", 59.0, 1.6, 120),
    Product("cast-iron-pan", "kitchen", 45.0, 1.1, 150),
    Product("chef-knife", "kitchen", 89.0, 0.9, 100),
    Product("desk-lamp", "home", 39.0, 1.4, 140),
    Product("wool-blanket", "home", 79.0, 0.8, 90),
    Product("ceramic-vase", "home", 29.0, 0.6, 110),
    Product("door-bell", "home", 69.0, 1.0, 80),
    Product("trail-shoes", "outdoor", 129.0, 1.8, 160),
    Product("rain-jacket", "outdoor", 149.0, 1.2, 110),
    Product("day-pack", "outdoor", 85.0, 0.9, 100),
    Product("head-torch", "outdoor", 35.0, 0.7, 130),
    Product("mechanical-keyboard", "office", 119.0, 1.7, 90),
    Product("monitor-arm", "office", 99.0, 0.8, 70),
    Product("notebook-set", "office", 19.0, 1.0, 300),
    Product("usb-hub", "office", 49.0, 1.2, 150),
)
PAGES = (("/", 5), ("/category", 4), ("/product", 6), ("/search", 3), ("/cart", 2), ("/checkout", 1))
DEVICE_CLASSES = (("mobile", 58), ("desktop", 34), ("tablet", 8))
CHANNELS = (("web", 55), ("app", 38), ("marketplace", 7))
COUNTRIES = (("DE", 32), ("FR", 18), ("NL", 12), ("AT", 10), ("PL", 10), ("ES", 9), ("SE", 9))
WAREHOUSES = ("berlin", "lyon")
USERS = 2_500


def business(at: datetime) -> float:
    """How busy the shop is at a time of day, against its average: a smooth day from 0.55 to 1.45."""
    second = at.hour * 3_600 + at.minute * 60 + at.second
    return 1.0 + 0.45 * math.cos(2 * math.pi * (second - _PEAK_S) / _DAY_S)
