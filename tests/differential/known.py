"""Where InfluxDB does not agree with itself, or loses what it should answer: the reason, lines, and a query.

The generator leaves these alone; each is held to differ still, so that none stays here longer than it must.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class Known:
    """A query that both stores answer differently. `told`: the row of docs/influxql.md that says so.

    `by_chance`: InfluxDB answers now this, now that, and sometimes right. `before`: a statement that is run first.
    """

    reason: str
    told: str
    lines: bytes
    query: str
    by_chance: bool = False
    before: str = ""


_TWO: Final = b"m,h=a f=1,i=7i 0\nm,h=b f=2,i=2i 10000000000\nm,h=a f=4,i=7i 30000000000\n"
_OFTEN: Final = b"".join(b"m i=%di %d\n" % ((2 * n * n + n) % 7, n * 1_000_000_000) for n in range(42))
_ENDS: Final = b"m f=1 -9223372036854775806\nm f=2 9223372036854775806\nm f=3 0\nm f=5 9223372036854775805\n"
_HUGE: Final = b"m f=1.7e308 0\nm f=1.7e308 1\n"
_GAPS: Final = b"m f=1 0\nm g=1 10000000000\nm f=2 20000000000\nm g=2 30000000000\nm f=3 40000000000\n"

_SERIES: Final = b"m,h=a f=1 0\nm,h=b f=2 10000000000\nm,h=a f=4 30000000000\nm,j=y f=8 45000000000\n"
_CLOCKS: Final = b"m f=1 1761440300000000000\nm f=2 1761440410000000000\n"
"""Around 2025-10-26T01:00Z, when Berlin's clocks went back."""
_FEW: Final = b"m,h=a f=1 0\n" + b"".join(b"m,h=b f=%d %d\n" % (n, n * 1_000_000_000) for n in range(1, 13))

KNOWN: Final = (
    Known(
        "percentile() by tag or time ends with the first group or window that has too few values",
        "`percentile` by tag or time where a group or a window has too few values",
        _FEW,
        "SELECT percentile(f, 5) FROM m GROUP BY h",
    ),
    Known(
        "LIMIT in a subquery takes points of several series in no order of time",
        "`LIMIT` of points in a subquery over several series",
        _SERIES,
        "SELECT sum(x) FROM (SELECT f AS x FROM m LIMIT 2)",
    ),
    Known(
        "SLIMIT in a subquery is not looked at",
        "`SLIMIT`, `SOFFSET` in a subquery",
        _TWO,
        "SELECT f FROM (SELECT f FROM m GROUP BY h SLIMIT 1)",
    ),
    Known(
        "a tag that a subquery is grouped by is a field to functions, but no tag of a measurement is",
        "functions of a tag that a subquery is grouped by",
        _TWO,
        "SELECT count(h) FROM (SELECT f FROM m GROUP BY h)",
    ),
    Known(
        "a tag that a subquery selects has a row where it is not there, a field has none",
        "a tag alone of a subquery that selects it",
        _SERIES,
        "SELECT h FROM (SELECT f, h FROM m)",
    ),
    Known(
        "a subquery's window that begins before the outer lower bound takes the place of others",
        "a window of a subquery that begins before the outer query's lower bound",
        _TWO,
        "SELECT sum(x) FROM (SELECT max(f) AS x FROM m GROUP BY time(20s)) WHERE time >= 5s AND time < 60s "
        "GROUP BY time(3s)",
    ),
    Known(
        "a subquery's window that begins before the outer lower bound takes all others with it",
        "a window of a subquery that begins before the outer query's lower bound",
        _TWO,
        "SELECT sum(x) FROM (SELECT max(f) AS x FROM m GROUP BY time(20s)) WHERE time >= 5s AND time < 60s",
    ),
    Known(
        "windows moved by hours lose points where the clocks change within them",
        "`tz()` over a change of the clocks, by windows that do not fit it",
        b"m f=1 1585522800000000000\n",
        "SELECT count(f) FROM m WHERE time >= '2020-03-28' AND time < '2020-03-31' "
        "GROUP BY time(1d, 5h) tz('Europe/Berlin')",
    ),
    Known(
        "a measurement that is named twice is read twice",
        "a measurement that is named twice, or beside a subquery over it",
        _TWO,
        "SELECT f FROM m, m",
    ),
    Known(
        "a measurement and a subquery over it are one series",
        "a measurement that is named twice, or beside a subquery over it",
        _TWO,
        "SELECT count(f) FROM m, (SELECT f FROM m)",
    ),
    Known(
        "tz('Local') is the zone of InfluxDB's own machine",
        "`tz('Local')`",
        _TWO,
        "SELECT f FROM m tz('Local')",
    ),
    Known(
        "stddev() of one value is no number, which a subquery hands on as a value",
        "`stddev` of one value in a subquery",
        _SERIES,
        "SELECT count(x) FROM (SELECT stddev(f) AS x FROM m WHERE time >= 0 AND time < 60s GROUP BY time(10s))",
    ),
    Known(
        "windows before the first value come out of a subquery as rows, though no function counts them",
        "`fill(previous)`, `fill(linear)` in a subquery, before and behind its values",
        _SERIES,
        "SELECT x FROM (SELECT sum(f) AS x FROM m WHERE time >= -30s AND time < 60s GROUP BY time(9s) fill(previous))",
    ),
    Known(
        "fill(number) of a field that is not there is null or the number by what stands beside it",
        "`fill(number)` of a field that is not there",
        _SERIES,
        "SELECT last(nosuch), last(f) FROM m WHERE time >= 0 AND time < 30s GROUP BY time(10s), h fill(2)",
    ),
    Known(
        "windows that do not fit a change of the clocks go on as before it, and overlap those of the points",
        "`tz()` over a change of the clocks, by windows that do not fit it",
        _CLOCKS,
        "SELECT count(f) FROM m WHERE time >= 1761440380000000000 AND time < 1761440420000000000 "
        "GROUP BY time(7s) tz('Europe/Berlin')",
    ),
    Known(
        "a math function in WHERE knows no field within arithmetic",
        "a math function in `WHERE` of arithmetic, of another one, or over a subquery",
        _TWO,
        "SELECT f FROM m WHERE abs(f - 3) > 1",
    ),
    Known(
        "a math function in WHERE knows nothing of a subquery's columns",
        "a math function in `WHERE` of arithmetic, of another one, or over a subquery",
        _TWO,
        "SELECT x FROM (SELECT f AS x FROM m) WHERE abs(x) > 1",
    ),
    Known(
        "* over a subquery that names what is not there has a column of nothing but nulls",
        "`SELECT *` over a subquery that selects `time` or what is not there",
        _TWO,
        "SELECT * FROM (SELECT nosuch, f FROM m)",
    ),
    Known(
        "* over a subquery that selects time has a column of nothing but nulls",
        "`SELECT *` over a subquery that selects `time` or what is not there",
        _TWO,
        "SELECT * FROM (SELECT time AS moment, f FROM m)",
    ),
    Known(
        "what lists tags refuses conditions on fields",
        "`SHOW TAG KEYS`, `TAG VALUES`, `SERIES` by a field",
        _TWO,
        "SHOW TAG VALUES WITH KEY = h WHERE f > 1",
    ),
    Known(
        "SHOW SERIES takes a field that is compared with a text for true",
        "`SHOW TAG KEYS`, `TAG VALUES`, `SERIES` by a field",
        _TWO,
        "SHOW SERIES WHERE f = 'x'",
    ),
    Known(
        "what lists tags looks at no policy that a measurement is named with",
        "`SHOW TAG KEYS`, `TAG VALUES` `FROM` a policy or database that is not there",
        _TWO,
        "SHOW TAG KEYS FROM nowhere.m",
    ),
    Known(
        "SHOW MEASUREMENTS refuses bounds of time",
        "`SHOW MEASUREMENTS WHERE time ...`",
        _TWO,
        "SHOW MEASUREMENTS WHERE time > 5s",
    ),
    Known(
        "what a math function cannot work out of a literal panics",
        "`f + abs('x')`, `1s / 0.5`",
        _TWO,
        "SELECT f + abs('x') FROM m",
    ),
    Known(
        "a span divided by less than one panics",
        "`f + abs('x')`, `1s / 0.5`",
        _TWO,
        "SELECT f FROM m WHERE time > 1s / 0.5",
    ),
    Known(
        "SHOW TAG VALUES still names a value whose series is gone, which SHOW SERIES does not",
        "`SHOW TAG VALUES`, and what counts them, after a `DELETE`",
        _TWO,
        "SHOW TAG VALUES WITH KEY = h",
        before="DELETE FROM m WHERE h = 'b'",
    ),
    Known(
        "CARDINALITY by groups is not counted here",
        "`SHOW ... CARDINALITY ... GROUP BY`, `SHOW MEASUREMENTS ON *`",
        _TWO,
        "SHOW SERIES EXACT CARDINALITY GROUP BY h",
    ),
    Known(
        "measurements of all databases are not listed here",
        "`SHOW ... CARDINALITY ... GROUP BY`, `SHOW MEASUREMENTS ON *`",
        _TWO,
        "SHOW MEASUREMENTS ON *",
    ),
    Known(
        "integral() by tag loses, mixes and reorders groups",
        "`integral` by tag or over several measurements",
        _TWO,
        "SELECT integral(f) FROM m WHERE time >= 0 AND time < 60s GROUP BY time(20s), h",
        by_chance=True,
    ),
    Known(
        "integral() of whole numbers puts the value at a window's edge in the place of the next point",
        "`integral` of whole numbers by time",
        _TWO,
        "SELECT integral(i) FROM m WHERE time >= 0 AND time < 60s GROUP BY time(7s)",
    ),
    Known(
        "mode() of numbers that come equally often hangs on a sort that is not stable, from 13 points on",
        "`mode` of numbers that come equally often, from 13 points on",
        _OFTEN,
        "SELECT mode(i) FROM m",
    ),
    Known(
        "LIMIT cuts each of several calls by itself, so with fill(none) more rows come than it says",
        "`LIMIT` with `fill(none)` and several calls",
        _GAPS,
        "SELECT sum(f), sum(g) FROM m WHERE time >= 0 AND time < 60s GROUP BY time(10s) fill(none) LIMIT 2",
    ),
    Known(
        "fill(linear) between unsigned numbers that fall wraps around",
        "`fill(linear)` between unsigned numbers that fall",
        b"m u=40u 0\nm u=3u 40000000000\n",
        "SELECT first(u) FROM m WHERE time >= 0 AND time < 60s GROUP BY time(10s) fill(linear)",
    ),
    Known(
        "a field of several types is compared as one of them in all measurements",
        "a condition on a field of several types in several measurements",
        b'a s="y",f=1 0\nb s=1,f=2 0\n',
        "SELECT sum(f) FROM /./ WHERE s = 'y'",
    ),
    Known(
        "WHERE with two tags is true wherever both are there",
        "`WHERE tag1 = tag2`",
        b"m,h=a,r=b f=1 0\n",
        "SELECT f FROM m WHERE h = r",
    ),
    Known(
        "SHOW TAG VALUES CARDINALITY leaves out series without the tag of a condition, SHOW TAG VALUES does not",
        "`SHOW TAG VALUES CARDINALITY ... WHERE tag != ...`",
        b"m,r=x f=1 0\n",
        "SHOW TAG VALUES EXACT CARDINALITY FROM m WITH KEY = r WHERE h != 'b'",
    ),
    Known(
        "SHOW ... WHERE time works by whole weeks",
        "`SHOW ... WHERE time ...`",
        b"m,h=a f=1 0\n",
        "SHOW TAG VALUES WITH KEY = h WHERE time > 100s",
    ),
    Known(
        "* knows the columns of the weeks that a time range touches",
        "`SELECT *` with a time range",
        b"m a=1 0\nm b=2 1577836800000000000\n",
        "SELECT * FROM m WHERE time < 100s",
    ),
    Known(
        "DELETE by a field names the shard that cannot",
        "`DELETE` by a field",
        _TWO,
        "DELETE FROM m WHERE f > 1",
    ),
    Known(
        "DELETE with two tags takes every series that has both",
        "`DELETE WHERE tag1 = tag2`",
        _TWO,
        "DELETE FROM m WHERE h = h",
    ),
    Known(
        "what deletes has no result",
        "`DELETE`, `DROP MEASUREMENT` that succeed",
        _TWO,
        "DELETE FROM m WHERE time < 0",
    ),
    Known(
        "DROP SERIES is InfluxDB 1's alone",
        "`DROP SERIES`",
        _TWO,
        "DROP SERIES FROM m",
    ),
    Known(
        "EXPLAIN shows a plan of shards and iterators",
        "`EXPLAIN`",
        _TWO,
        "EXPLAIN SELECT f FROM m",
    ),
    Known(
        "a window that begins before the first nanosecond has the time 0",
        "`GROUP BY time()` at the first and last nanosecond",
        _ENDS,
        "SELECT count(f) FROM m GROUP BY time(1h) fill(none)",
    ),
    Known(
        "a window that begins before the first nanosecond has the time 0 in a zone, too",
        "`GROUP BY time()` at the first and last nanosecond",
        _ENDS,
        "SELECT count(f) FROM m WHERE time < -9223372036854770000 GROUP BY time(1h) fill(none) tz('Europe/Berlin')",
    ),
    Known(
        "windows behind the last nanosecond begin at the first again",
        "`GROUP BY time()` at the first and last nanosecond",
        _ENDS,
        "SELECT count(f) FROM m WHERE time >= 0 AND time <= 9223372036854775806 GROUP BY time(36500d)",
    ),
    Known(
        "a bound behind the last nanosecond begins at the first again",
        "`time > 9223372036854775807`",
        _ENDS,
        "SELECT f FROM m WHERE time > 9223372036854775807",
    ),
    Known(
        "a mean whose sum is beyond every number is an error",
        "`mean`, `stddev` of numbers near 1e308",
        _HUGE,
        "SELECT mean(f) FROM m",
    ),
    Known(
        "whatever stands between a tag and a text but = is taken for !=",
        "`WHERE tag + 'a'`",
        _TWO,
        "SELECT f FROM m WHERE h + 'a'",
    ),
    Known(
        "GROUP BY time() of less than nothing wants aggregates, and makes no windows of them",
        "points with `GROUP BY time(-5s)`",
        _TWO,
        "SELECT f FROM m GROUP BY time(-5s)",
    ),
    Known(
        "a number's bits are taken for a truth",
        "`WHERE i & 5`, `time > 1 & 3`",
        _TWO,
        "SELECT i FROM m WHERE i & 5",
    ),
    Known(
        "the error of KILL QUERY names another statement",
        "`KILL QUERY 5`",
        _TWO,
        "KILL QUERY 5",
    ),
)

UNCHECKED: Final = {
    "raw points of several series at the same moment": "which order InfluxDB's heap has is not said",
    "`percentile(f, n), h`: which of several points of the same value": "it is not said, so it may be ours",
}
"""Rows of docs/influxql.md that no query can be held to, and why."""
