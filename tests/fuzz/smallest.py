"""The smallest body, or row of bodies, that still shows a fault: parts are taken out, large ones first, as it stays."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

Whole = TypeVar("Whole", bytes, list[bytes])
MOST_TRIES = 400


def smallest(body: Whole, still: Callable[[Whole], bool], most_tries: int = MOST_TRIES) -> Whole:
    """`body` with all taken out that `still` does not need, as far as so many tries get. `still(body)` is true."""
    tries, size = 0, max(len(body) // 2, 1)
    while size and tries < most_tries:
        at, shrunk = 0, False
        while at < len(body) and tries < most_tries:
            less = body[:at] + body[at + size :]
            tries += 1
            if still(less):
                body, shrunk = less, True
            else:
                at += size
        if not shrunk:
            size //= 2
    return body
