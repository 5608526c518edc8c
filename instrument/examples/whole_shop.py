"""A FastAPI shop that fills every board an app can fill: requests, views, clicks, orders, stock and its own deploys.

Run `TOCSIN_SERVICE=shop TOCSIN_RELEASE=1.4 python whole_shop.py`.
"""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI, HTTPException

from tocsin_instrument import Telemetry
from tocsin_instrument.asgi import TocsinMiddleware

PRODUCTS = ("kettle", "teapot", "samovar")
PRICES = {"kettle": 39.5, "teapot": 24.0}  # nobody has thought of the samovar's
TARGET = 20


def shop(telemetry: Telemetry) -> FastAPI:
    """The shop; what it says of itself goes to `telemetry`."""
    stock = dict.fromkeys(PRICES, TARGET)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        telemetry.deploy("the shop opens")
        yield
        await asyncio.to_thread(telemetry.close)

    app = FastAPI(lifespan=lifespan)
    app.add_middleware(TocsinMiddleware, telemetry=telemetry)

    def view(page: str, user: str, load_ms: float) -> None:
        tags = {"service": "shop", "page": page, "device_class": "mobile"}
        telemetry.record("page_view", tags, {"user": user, "load_ms": load_ms})

    @app.get("/")
    async def home(user: str) -> str:
        """The first page."""
        view("home", user, 180.0)
        return "welcome\n"

    @app.get("/products/{id}")
    async def product(id: str, user: str) -> str:  # noqa: A002 - what the boards call it
        """A product's page; 404 where there is none."""
        if id not in PRODUCTS:
            raise HTTPException(404)
        price = PRICES[id]
        view("product", user, 240.0)
        telemetry.record("product_click", {"product": id, "category": "kitchen"}, {"user": user, "count": 1})
        return f"{id}: {price}\n"

    @app.post("/checkout")
    async def checkout(product: str, card: str) -> str:
        """An order; the bank takes some cards, declines others, and does not answer to the rest."""
        if card == "lost":
            raise RuntimeError("the bank does not answer")
        order = {"amount": PRICES[product], "items": 1, "failed": int(card == "declined")}
        telemetry.record("shop_order", {"channel": "web", "country": "ch"}, order)
        if card == "declined":
            raise HTTPException(402)
        stock[product] -= 1
        left = {"quantity": stock[product], "target": TARGET}
        telemetry.record("inventory", {"product": product, "warehouse": "main"}, left)
        return "thank you\n"

    return app


if __name__ == "__main__":
    uvicorn.run(shop(Telemetry(service="shop")), port=int(os.environ.get("PORT", "8000")))
