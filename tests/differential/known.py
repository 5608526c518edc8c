"""Where InfluxDB does not agree with itself, or loses what it should answer: the reason, lines, and a query.

The generator leaves these alone; each is held to differ still, so that none stays here longer than it must.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Known:
    """A query that both stores answer differently."""

    reason: str
    lines: bytes
    query: str


_TWO: Final = b"m,h=a f=1,i=7i 0\nm,h=b f=2,i=2i 10000000000\nm,h=a f=4,i=7i 30000000000\n"
_OFTEN: Final = b"".join(b"m i=%di %d\n" % ((2 * n * n + n) % 7, n * 1_000_000_000) for n in range(42))
_GAPS: Final = b"m f=1 0\nm g=1 10000000000\nm f=2 20000000000\nm g=2 30000000000\nm f=3 40000000000\n"

KNOWN: Final = (
    Known(
        "integral() by tag loses, mixes and reorders groups",
        _TWO,
        "SELECT integral(f) FROM m WHERE time >= 0 AND time < 60s GROUP BY time(20s), h",
    ),
    Known(
        "integral() of whole numbers puts the value at a window's edge in the place of the next point",
        _TWO,
        "SELECT integral(i) FROM m WHERE time >= 0 AND time < 60s GROUP BY time(7s)",
    ),
    Known(
        "mode() of numbers that come equally often hangs on a sort that is not stable, from 13 points on",
        _OFTEN,
        "SELECT mode(i) FROM m",
    ),
    Known(
        "LIMIT cuts each of several calls by itself, so with fill(none) more rows come than it says",
        _GAPS,
        "SELECT sum(f), sum(g) FROM m WHERE time >= 0 AND time < 60s GROUP BY time(10s) fill(none) LIMIT 2",
    ),
    Known(
        "fill(linear) between unsigned numbers that fall wraps around",
        b"m u=40u 0\nm u=3u 40000000000\n",
        "SELECT first(u) FROM m WHERE time >= 0 AND time < 60s GROUP BY time(10s) fill(linear)",
    ),
    Known(
        "a field of several types is compared as one of them in all measurements",
        b'a s="y",f=1 0\nb s=1,f=2 0\n',
        "SELECT sum(f) FROM /./ WHERE s = 'y'",
    ),
    Known(
        "WHERE with two tags is true wherever both are there",
        b"m,h=a,r=b f=1 0\n",
        "SELECT f FROM m WHERE h = r",
    ),
    Known(
        "SHOW TAG VALUES CARDINALITY leaves out series without the tag of a condition, SHOW TAG VALUES does not",
        b"m,r=x f=1 0\n",
        "SHOW TAG VALUES EXACT CARDINALITY FROM m WITH KEY = r WHERE h != 'b'",
    ),
    Known(
        "SHOW ... WHERE time works by whole weeks",
        b"m,h=a f=1 0\n",
        "SHOW TAG VALUES WITH KEY = h WHERE time > 100s",
    ),
)
