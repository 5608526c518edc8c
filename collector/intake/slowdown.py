"""Wrong tokens are slowed: the more an address brings, the longer each waits for its 401, up to two seconds.

Only the answer to a wrong token is held back, outside the number of requests under way, so whoever holds a right one
behind the same address (NAT) waits for nothing. Addresses are forgotten as they behave, and the least recent ones when
there are many. Nothing of a token is kept or logged.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from ipaddress import IPv6Address, ip_address

from collector.intake.metrics import IntakeMetrics
from foundation.clock import Clock

MOST_ADDRESSES = 10_000
LONGEST_S = 2.0
FREE = 5
"""Wrong tokens of an address that are answered at once: somebody is setting something up."""
_FIRST_S = 0.1
_FORGIVEN_EVERY_S = 10.0
_MOST_REMEMBERED = 20.0
"""Wrong tokens that count: after about three minutes without any an address is as good as new."""
_MOST_HELD = 1_000
"""Answers held back at a time; what is beyond them costs us more than it slows."""
_NETWORK_BITS = 64
"""Of an IPv6 address; below them a client gives itself as many as it likes."""


class WrongTokens:
    """How many wrong tokens each address brought lately: one is forgiven every ten seconds. Pure."""

    def __init__(self) -> None:
        self._seen: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def count(self, address: str, now_s: float) -> float:
        """Count one more, and tell for how many seconds its answer is held back."""
        whose = _network(address)
        wrong, last_s = self._seen.pop(whose, (0.0, now_s))
        forgiven = max(now_s - last_s, 0.0) / _FORGIVEN_EVERY_S
        wrong = min(max(wrong - forgiven, 0.0) + 1.0, _MOST_REMEMBERED)
        self._seen[whose] = wrong, now_s
        if len(self._seen) > MOST_ADDRESSES:
            self._seen.popitem(last=False)
        return 0.0 if wrong <= FREE else min(_FIRST_S * 2.0 ** (wrong - FREE - 1.0), LONGEST_S)

    def __len__(self) -> int:
        return len(self._seen)


class Slowdown:
    """Holds answers back."""

    def __init__(self, clock: Clock, metrics: IntakeMetrics) -> None:
        self._clock = clock
        self._metrics = metrics
        self._wrong = WrongTokens()
        self._held = 0

    async def hold(self, address: str | None) -> None:
        """Return when the answer to a wrong token from the address may go out."""
        delay_s = self._wrong.count(address or "", self._clock.monotonic())
        if not delay_s or self._held >= _MOST_HELD:
            return
        self._metrics.slowed.inc()
        self._held += 1
        try:
            await asyncio.sleep(delay_s)
        finally:
            self._held -= 1


def _network(address: str) -> str:
    try:
        parsed = ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if not isinstance(parsed, IPv6Address):
        return address
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return f"{int(parsed) >> (128 - _NETWORK_BITS):x}/{_NETWORK_BITS}"
