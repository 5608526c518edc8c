"""Lines that are easily got wrong, to the embedded store and to a real InfluxDB; then the same questions to both."""

# ruff: noqa: S608 - InfluxQL of our own making, for stores that hold nothing else

from dataclasses import dataclass
from pathlib import Path

import pytest

from influxql.literals import MAX_TIME, MIN_TIME
from tests.differential.pair import filled_pair
from tests.fakes.influxd import Influxd

LONG = 65_000
"""InfluxDB takes series keys of up to 65 535 bytes."""


@dataclass(frozen=True)
class Case:
    """Bodies, written one after the other, and queries."""

    name: str
    bodies: list[bytes]
    queries: list[str]


def number_lines(template: bytes, numbers: range) -> bytes:
    """A line for each number, a second apart."""
    return b"".join(template % (n, n * 10**9) for n in numbers)


CASES = [
    Case(
        "unsigned numbers and truths",
        [b"m u=0u,b=true 1\nm u=18446744073709551615u,b=f 2\nm u=7u,b=T 3\nm b=False 4\n"],
        [
            "SELECT * FROM m",
            "SELECT sum(u), max(u), min(u), count(b), first(b), last(b), max(b), min(b) FROM m",
            "SELECT mean(u), spread(u), median(u), stddev(u), percentile(u, 50) FROM m",
            "SELECT u FROM m WHERE u = 18446744073709551615",
            "SELECT u FROM m WHERE u > 5",
            "SELECT b FROM m WHERE b != true",
            "SELECT mode(b), count(distinct(b)) FROM m",
            "SELECT distinct(b) FROM m",
            "SELECT difference(u), cumulative_sum(u), derivative(u) FROM m",
            "SELECT u - 8, u / 2, u % 4, u & 3, u::integer, u::float, b::integer FROM m",
            "SELECT mean(b) FROM m",
            "SELECT top(u, 2) FROM m",
        ],
    ),
    Case(
        "whole numbers to the ends of their range",
        [b"m i=9223372036854775807i 1\nm i=-9223372036854775808i 2\nm i=0i 3\n"],
        [
            "SELECT i, abs(i), -1 * i FROM m",
            "SELECT sum(i), max(i), min(i), mean(i), median(i), spread(i) FROM m",
            "SELECT i FROM m WHERE i > 9223372036854775806",
            "SELECT i FROM m WHERE i = -9223372036854775808",
            "SELECT difference(i) FROM m",
            "SELECT cumulative_sum(i) FROM m",
        ],
    ),
    Case(
        "floats to the ends of their range",
        [b"m f=1.7e308 1\nm f=-1.7e308 2\nm f=5e-324 3\nm f=0.1 4\nm f=-0.0 5\nm f=123456789012345678 6\n"],
        [
            "SELECT f FROM m",
            "SELECT max(f), min(f) FROM m",
            "SELECT f FROM m WHERE f = 0",
            "SELECT f FROM m WHERE f > 1e307".replace("1e307", "1" + "0" * 307 + ".0"),
            "SELECT f * 2 FROM m",
            "SELECT spread(f) FROM m",
            "SELECT difference(f) FROM m",
            "SELECT moving_average(f, 2) FROM m WHERE time > 2",
            "SELECT x FROM (SELECT spread(f) AS x FROM m)",
        ],
    ),
    Case(
        "nanoseconds to the ends of their range",
        [b"m f=1 %d\nm f=2 %d\nm f=3 0\nm f=4 -1\n" % (MIN_TIME, MAX_TIME), b"m f=5 %d\n" % (MAX_TIME - 1)],
        [
            "SELECT f FROM m",
            "SELECT f FROM m ORDER BY time DESC",
            "SELECT count(f), first(f), last(f) FROM m",
            f"SELECT f FROM m WHERE time = {MIN_TIME}",
            f"SELECT f FROM m WHERE time >= {MAX_TIME}",
            "SELECT f FROM m WHERE time > -9223372036854775807",
            "SELECT f FROM m WHERE time >= -9223372036854775808",
            "SELECT f FROM m WHERE time < '2262-04-11T23:47:16.854775807Z'",
            "SELECT f FROM m WHERE time < '2300-01-01'",
            "SELECT f FROM m WHERE time > '1600-01-01'",
            "SELECT elapsed(f), derivative(f) FROM m",
            f"SELECT max(f) FROM m WHERE time > {MAX_TIME - 10} GROUP BY time(1ns)",
        ],
    ),
    Case(
        "any legal name",
        [
            (
                b'select,from=where,"q"=\'it\',tag\\ b=a\\,b group=1,by=2,"v"=3,time2=4i 1\n'
                b"time f=1 1\n_m _f=1 1\n1m 1f=1 1\na.b c.d=1 1\nm/n f/g=1 1\n'm' 'f'=1 1\n"
            ),
            "größe,ort=köln,☃=snow\\ man temp°=21.5,x\\ y=1 1\n".encode(),
        ],
        [
            "SHOW MEASUREMENTS",
            "SHOW FIELD KEYS",
            "SHOW TAG KEYS",
            "SHOW SERIES",
            "SHOW TAG VALUES WITH KEY =~ /./",
            'SELECT "group" FROM "select" WHERE "from" = \'where\'',
            'SELECT "\\"v\\"" FROM "select" GROUP BY "\\"q\\"", "tag b"',
            'SELECT "temp°" FROM "größe" WHERE "☃" = \'snow man\'',
            'SELECT f FROM "time"',
            'SELECT "f/g" FROM "m/n"',
            "SELECT \"'f'\" FROM \"'m'\"",
            "SELECT * FROM /./",
        ],
    ),
    Case(
        "names and values as long as they may be",
        [
            b"m" * LONG + b" f=1 1\n",
            b"t,k=" + b"v" * LONG + b" f=1 1\n",
            b"t2," + b"k" * LONG + b"=v f=1 1\n",
            b"n " + b"f" * LONG + b"=1 1\n",
            b's s="' + b"x" * 1_000_000 + b'" 1\n',
            ("ü" * (LONG // 2) + " f=1 1\n").encode(),
        ],
        [
            "SHOW MEASUREMENTS",
            "SHOW SERIES",
            f'SELECT f FROM "{"m" * LONG}"',
            f"SELECT f FROM t WHERE k = '{'v' * LONG}'",
            "SELECT f FROM t GROUP BY k",
            "SELECT * FROM t2",
            "SELECT * FROM n",
            "SELECT s FROM s",
            f'SELECT f FROM "{"ü" * (LONG // 2)}"',
        ],
    ),
    Case(
        "late and far out of order",
        [
            number_lines(b"m,h=a f=%d %d\n", range(1000, 2000)),
            number_lines(b"m,h=a f=%d %d\n", range(1000)),
            b"m,h=a f=-1 -5000000000000000000\nm,h=a f=-2 5000000000000000000\n",
            number_lines(b"m,h=a g=%d %d\n", range(0, 2000, 7)),
        ],
        [
            "SELECT count(f), count(g), sum(f), sum(g) FROM m",
            "SELECT * FROM m WHERE time < 10s",
            "SELECT f, g FROM m WHERE time > 1990s",
            "SELECT first(f), last(f), first(g), last(g) FROM m",
            "SELECT sum(f), count(g) FROM m WHERE time >= 0 AND time < 2000s GROUP BY time(100s)",
        ],
    ),
    Case(
        "written again, field by field",
        [
            b'm,h=a f=1,i=1i,s="x",b=t,u=1u 5\n',
            b'm,h=a i=2i 5\nm,h=a s="",b=f 5\n',
            b"m,h=a f=9 5\nm,h=a f=8 5\nm,h=a f=7 6\n",
            b"m,h=a,x=y f=1 7\nm,x=y,h=a f=2 7\n",
        ],
        ["SELECT * FROM m", "SELECT count(*) FROM m", "SHOW SERIES"],
    ),
    Case(
        "groups that are counted",
        [b"m,h=a,j=x f=1 1\nm,h=ab f=2 2\nm,h=ab,j=ab f=3 3\nm,j=a f=4 4\nm f=5 5\nm,h=ab,j=a|b f=6 6\n"],
        [
            *(f"SELECT f FROM m GROUP BY h, j SLIMIT 1 SOFFSET {n}" for n in range(6)),
            *(f"SELECT f FROM m GROUP BY * ORDER BY time DESC SLIMIT 2 SOFFSET {n}" for n in range(5)),
            "SELECT mean(f) FROM m GROUP BY h SLIMIT 2",
        ],
    ),
    Case(
        "texts that regexes are held against",
        [b'm,h=a s="x<y",t="(b" 1\nm,h=b s="xy",t="<b" 2\nm s="",t="b" 3\n'],
        [
            "SELECT s FROM m WHERE h =~ /(?<n>a)/",
            "SELECT s FROM m WHERE s =~ /(?<n>x)y/",
            "SELECT s FROM m WHERE s =~ /(?P<n>x)y/",
            r"SELECT t FROM m WHERE t =~ /^\(?<b/",
            "SELECT s FROM m WHERE s !~ /(?i)X/",
            "SELECT s FROM m WHERE s =~ /(?=x)/",
            "SELECT s FROM m WHERE s =~ /x{2000}/",
        ],
    ),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
async def test_writes_mean_the_same(influxd: Influxd, tmp_path: Path, case: Case) -> None:
    """What InfluxDB takes is taken, and every question after it is answered alike."""
    async with filled_pair(influxd, tmp_path, case.bodies) as pair:
        found = [str(difference)[:2_000] for query in case.queries if (difference := await pair.compare(query))]
        assert not found, "\n".join(found)
