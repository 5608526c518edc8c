"""Tells Tocsin how an app's features respond: one point a request, pushed beside the app. Standard library only.

In the order in which a request walks:

    asgi, wsgi, flask, aiohttp, django   the middlewares: they see a request begin and end, and find its route
    stopwatch    how long a request took; told once, however it ends
    request      what a request was, as a value; the names of endpoints and features
    telemetry    Telemetry, the front: requests and readings of the app's own in, never an error out
    outlet       one process's way out: times, memory, the thread
    line         points as line protocol
    queue        lines that wait, at most so many
    push         the thread that sends them, tries again, and gives up what is refused
    transport    one POST to the collector
    settings     where to, as whom: arguments and TOCSIN_* of the environment

Invariants: a request is never delayed by the network and never fails because of this package; memory is bounded; what
could not be sent is counted and told. Nothing but the standard library is imported (the frameworks are only spoken to).
"""

from tocsin_instrument.settings import Settings
from tocsin_instrument.telemetry import Telemetry

__all__ = ["Settings", "Telemetry"]
