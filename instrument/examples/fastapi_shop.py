"""A FastAPI shop that tells Tocsin of its requests. Run `python fastapi_shop.py`."""

import os

import uvicorn
from fastapi import FastAPI, HTTPException

from tocsin_instrument.asgi import TocsinMiddleware

app = FastAPI()
app.add_middleware(TocsinMiddleware, service="fastapi-shop")


@app.get("/orders/{number}")
async def order(number: int) -> str:
    """One order; there are nine."""
    if number > 9:
        raise HTTPException(404)
    return f"order {number}\n"


@app.post("/checkout")
async def checkout() -> str:
    """Fails, so that there is something to see."""
    raise RuntimeError("the bank does not answer")


if __name__ == "__main__":
    uvicorn.run(app, port=int(os.environ.get("PORT", "8000")))
