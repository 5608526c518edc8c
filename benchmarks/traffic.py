"""The lines and rules of the benchmark `rules`: 20 measurements, 4 features, as many hosts as rules are to have series.

The rules ask over 5 windows; no two are alike, but many look at the same rows, as people's rules do.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import product

from alerting.rules.rule import Rule

RATE = 10_000
"""Lines a second."""

_MEASUREMENTS, _FEATURES, _VARIETY = 20, 4, 3
PARTS = 2
"""Shipments a second: what delivery makes of a steady stream when the store takes a moment for each."""
_WINDOWS = tuple(timedelta(seconds=seconds) for seconds in (10, 30, 60, 120, 300))
_BASE_S = 1_000_000_000
"""What stands for the second in a prepared line."""
_WISHES = (
    ("mean(duration_ms)", "", "> 450"),
    ("max(duration_ms)", "", "> 499.9"),
    ("percentile(duration_ms, 95)", "", "> 499"),
    ("count(duration_ms)", "", "< 1"),
    ("sum(bytes)", "", "< 0"),
    ("sum(error)", "", "> 0.5"),
    *(("mean(duration_ms)", f"WHERE feature = 'f{number}'", "> 480") for number in range(_FEATURES)),
)
_RATIO = "SELECT count(error) FROM {} GROUP BY host"


class Traffic:
    """Prepared lines, so that making them costs little while they are sent."""

    def __init__(self, hosts: int) -> None:
        luck = random.Random(7)
        lines = RATE // PARTS
        self._bodies = [
            [b"".join(_line(luck, hosts, part * lines + at) for at in range(lines)) for part in range(PARTS)]
            for _ in range(_VARIETY)
        ]

    def parts(self, second: int) -> Iterator[bytes]:
        """The lines of each part of this second since 1970."""
        for body in self._bodies[second % _VARIETY]:
            yield body.replace(b" %d" % _BASE_S, b" %d" % second)


def thousand_rules(count: int) -> Sequence[Rule]:
    """So many rules, each second; the first thousand ask ten things of each measurement and window."""
    kinds = list(product(_WISHES, _WINDOWS, range(_MEASUREMENTS)))
    return [_rule(number, *kinds[number % len(kinds)]) for number in range(count)]


def _rule(number: int, wish: tuple[str, str, str], over: timedelta, measurement: int) -> Rule:
    value, where, bound = wish
    query = f"SELECT {value} FROM m{measurement} {where} GROUP BY host"  # noqa: S608 - InfluxQL from the constants above
    ratio = _RATIO.format(f"m{measurement}") if value == "sum(error)" else None
    return Rule(
        alert=f"Rule{number}", query=query, divided_by=ratio, over=over, every=timedelta(seconds=1), critical=bound
    )


def _line(luck: random.Random, hosts: int, order: int) -> bytes:
    nanos = order * (1_000_000_000 // RATE) + luck.randrange(1_000)
    return b"m%d,feature=f%d,host=h%d bytes=%di,duration_ms=%.2f,error=%di %d%09d\n" % (
        luck.randrange(_MEASUREMENTS),
        luck.randrange(_FEATURES),
        luck.randrange(hosts),
        luck.randrange(10_000),
        luck.random() * 500,
        luck.randrange(20) == 0,
        _BASE_S,
        nanos,
    )
