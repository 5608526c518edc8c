"""What a request was, as a value, and how its endpoint and feature are called. Pure.

The middlewares make it, `telemetry` turns it into a point. The invariant: names are few. An endpoint is a route's
template (`/orders/{id}`), never a path that a visitor made up, since each new one would be a new series.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

UNMATCHED = "unmatched"
"""The endpoint of requests that no route took."""

OTHER = "other"
"""The endpoint of those beyond the most that are told apart, and a method that HTTP does not know."""

UNROUTED = frozenset({401, 403, 404, 405, 429})
"""Answers that come from in front of a router as a rule: where no route is known, the path is a visitor's invention."""

CLIENT_WENT = 499
"""The status of a request whose client went before there was an answer."""

SERVER_ERROR = 500
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT"})
_PARAMETER = re.compile(r"<(?:[^<>:]+:)?([^<>]+)>")
_PIECE = re.compile(r"\\.|\((?:\?P<(\w+)>|\?:)?|\[(?:\\.|[^\]\\])*\]|.", re.DOTALL)
_IDENTIFIER = re.compile(r"\d+|[0-9a-fA-F-]{16,}|.{40,}")
_HOME = "home"


@dataclass(frozen=True)
class Request:
    """A request that was answered; `size` in bytes of body, `exception` the class name of what the app raised."""

    method: str
    endpoint: str
    status: int
    duration_ms: float
    size: int
    exception: str = ""

    @property
    def is_error(self) -> bool:
        """Whether the server is to blame."""
        return self.status >= SERVER_ERROR or bool(self.exception)


def method_of(method: str) -> str:
    """A method as a tag."""
    upper = method.upper()
    return upper if upper in _METHODS else OTHER


def feature_of(endpoint: str) -> str:
    """The feature that an endpoint belongs to, unless the app says otherwise: the first fixed part of its path."""
    fixed = (part for part in endpoint.split("/") if part and not part.startswith("{"))
    return next(fixed, _HOME)


def template_of(route: str) -> str:
    """A route as Flask and Django write it (`orders/<int:id>`, `^orders/(?P<id>[0-9])$`) in the form `/orders/{id}`."""
    return "/" + _PARAMETER.sub(r"{\1}", _without_patterns(route)).lstrip("/")


def _without_patterns(route: str) -> str:
    """A regular expression's groups as `<name>`, or `<value>` where they have none; other routes as they are."""
    if "(" not in route and "^" not in route:
        return route
    made, depth = [], 0
    for found in _PIECE.finditer(route):
        piece = found[0]
        if piece == ")":
            depth = max(0, depth - 1)
        elif piece.startswith("("):
            if not depth:
                made.append(f"<{found[1] or 'value'}>")
            depth += 1
        elif not depth and piece not in ("^", "$"):
            made.append(piece.removeprefix("\\"))
    return "".join(made)


def template_from(path: str, parameters: Mapping[str, object]) -> str:
    """The template of a path, given what the framework read out of it."""
    names = {}
    for name, value in parameters.items():
        if "/" in str(value):  # of a converter that takes what is left of the path
            path = path.replace(f"/{value}", f"/{{{name}}}")
        else:
            names[str(value)] = name
    return "/".join(f"{{{names[part]}}}" if part in names and part else part for part in path.split("/"))


def guess_template(path: str) -> str:
    """The likely template of a path of which nothing is known: numbers and long identifiers become `{id}`."""
    return "/".join("{id}" if _IDENTIFIER.fullmatch(part) else part for part in path.split("/"))
