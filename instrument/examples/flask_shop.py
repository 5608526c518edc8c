"""A Flask shop that tells Tocsin of its requests. Run `python flask_shop.py`."""

import os

from flask import Flask, abort

from tocsin_instrument.flask import instrument

app = Flask(__name__)
instrument(app, service="flask-shop")


@app.get("/orders/<int:number>")
def order(number: int) -> str:
    """One order; there are nine."""
    if number > 9:
        abort(404)
    return f"order {number}\n"


@app.post("/checkout")
def checkout() -> str:
    """Fails, so that there is something to see."""
    raise RuntimeError("the bank does not answer")


if __name__ == "__main__":
    app.run(port=int(os.environ.get("PORT", "8000")))
