"""The lines that benchmarks send: about 120 bytes, 4 tags, 2 fields, nanosecond timestamps, 100 series."""

from __future__ import annotations

import random

_START_NS = 1_767_225_600_000_000_000
_STEP_NS = 1_000_003
_LEADING = b" 1767225"
"""What every timestamp begins with, as long as bodies cover less than a thousand seconds."""


def bodies(count: int, lines: int, *, seed: int = 1) -> list[bytes]:
    """`count` bodies of `lines` lines each, no two lines alike."""
    luck = random.Random(seed)
    stamps = iter(range(_START_NS, _START_NS + count * lines * _STEP_NS, _STEP_NS))
    return [b"".join(_line(luck, next(stamps)) for _ in range(lines)) for _ in range(count)]


def later(body: bytes, turn: int) -> bytes:
    """The body again, a thousand seconds later for each `turn`: other points of the same series."""
    return body if not turn else body.replace(_LEADING, b" %d" % (int(_LEADING) + turn))


def readings(count: int, items: int, *, seed: int = 3) -> list[bytes]:
    """`count` JSON arrays of `items` readings each: 3 tags, 2 numbers and a time in milliseconds."""
    luck = random.Random(seed)
    stamps = iter(range(_START_NS // 10**6, _START_NS // 10**6 + count * items))
    return [b"[" + b",".join(_reading(luck, next(stamps)) for _ in range(items)) + b"]" for _ in range(count)]


def _reading(luck: random.Random, stamp: int) -> bytes:
    return (
        f'{{"device":"d{luck.randrange(100)}","site":"s{luck.randrange(5)}","sensor":"air",'
        f'"temperature_c":{luck.random() * 30:.2f},"humidity_pct":{luck.random() * 100:.1f},"time":{stamp}}}'
    ).encode()


def _line(luck: random.Random, stamp: int) -> bytes:
    return (
        f"http_request,service=shop,feature=checkout,"
        f"endpoint=/pay/{luck.randrange(50)},method={luck.choice(('GET', 'PUT'))} "
        f"duration_ms={luck.random() * 500:.3f},error={luck.randrange(2)}i {stamp}\n"
    ).encode()
