"""An aiohttp shop that tells Tocsin of its requests and orders. Run `python aiohttp_shop.py`."""

import os

from aiohttp import web

from tocsin_instrument import Telemetry
from tocsin_instrument.aiohttp import tocsin_middleware

telemetry = Telemetry(service="aiohttp-shop")


async def order(request: web.Request) -> web.Response:
    """One order; there are nine."""
    number = int(request.match_info["number"])
    if number > 9:
        raise web.HTTPNotFound
    telemetry.record("shop_order", {"channel": "web", "country": "CH"}, {"amount": 12.5 * number, "items": number})
    return web.Response(text=f"order {number}\n")


async def checkout(request: web.Request) -> web.Response:
    """Fails, so that there is something to see."""
    raise RuntimeError("the bank does not answer")


app = web.Application(middlewares=[tocsin_middleware(telemetry=telemetry)])
app.add_routes([web.get("/orders/{number}", order), web.post("/checkout", checkout)])

if __name__ == "__main__":
    web.run_app(app, host="127.0.0.1", port=int(os.environ.get("PORT", "8000")))
