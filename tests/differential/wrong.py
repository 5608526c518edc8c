"""Statements that are refused: by what they mean, and (mutations of others) by how they are written."""

# ruff: noqa: S608 - InfluxQL of our own making, for stores that hold nothing else

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from influxql.literals import quote_name
from tests.differential.words import Words


def wrong(w: Words) -> str:
    """A SELECT that InfluxDB refuses."""
    m = w.measurement()
    text, number, name = w.field(m, "string"), w.field(m, "float"), quote_name(m.name)
    tag = w.tag(m)
    return w.one(
        f"SELECT mean({number}), {number} FROM {name}",
        f"SELECT {number} FROM {name} GROUP BY time(1m)",
        f"SELECT derivative(mean({number})) FROM {name}",
        f"SELECT nosuch({number}) FROM {name}",
        f"SELECT top({number}, 0) FROM {name}",
        f"SELECT percentile({number}) FROM {name}",
        f"SELECT sample({number}, 1.5) FROM {name}",
        f"SELECT integral({number}, 1) FROM {name}",
        f"SELECT {number} + FROM {name}",
        f"SELECT {number} FROM {name} WHERE {tag} =",
        f"SELECT {number} FROM {name} WHERE time > 'soon'",
        f"SELECT {number} FROM {name} LIMIT x",
        f"SELECT {text} + {number} FROM {name}",
        f"SELECT mean({number}) FROM {name} GROUP BY time(10s, {number})",
        f"SELECT moving_average({number}, 1) FROM {name}",
        f"SELECT FROM {name}",
        f"SELECT mean({number} + 1) FROM {name}",
        f"SELECT max(mean({number})) FROM {name}",
        f"SELECT top({number}, 2), max({number}) FROM {name}",
        f"SELECT {number} FROM nowhere.autogen.{name}",
        f"SELECT {number} FROM {name} WHERE time != 5",
        f"SELECT mean({number}) FROM {name} GROUP BY time(10s), time(20s)",
        f"SELECT {number} FROM {name} fill(none)",
        f"SELECT {tag} FROM {name}",
        f"SELECT {tag} + {number} FROM {name}",
        f"SELECT {text} % {tag} FROM {name}",
        f"SELECT {w.one('mean', 'max', 'count', 'difference', 'spread')}({tag}) FROM {name}",
        f"SELECT {w.one('sum', 'first', 'mode')}({tag}) FROM {name} WHERE {w.range()} GROUP BY time(1m)",
        f"SELECT {text} FROM {name} WHERE {text} = {number} + 1",
    )


_PIECES: Final = re.compile(
    r"""'(?:\\.|[^'\\])*'|"(?:\\.|[^"\\])*"|\d+(?:\.\d+)?[a-zµ]*|\w+|\s+|=~|!~|!=|<=|>=|<>|::|.""", re.DOTALL
)
_WORDS: Final = """
SELECT FROM WHERE GROUP BY ORDER LIMIT OFFSET SLIMIT SOFFSET fill time AND OR AS ASC DESC IN INTO ON SHOW
TAG KEYS VALUES WITH KEY distinct mean tz now true EXACT CARDINALITY MEASUREMENT SERIES null 10s 5 -1
1.5 'x' "y" /z/ $p ( ) , ; . = != =~ !~ < <> :: * + - / % & | ^ : ! ~ # @ [ { \\ ' " ü .. 1h30 5x 0x1
1e3 .5 5. -- /* now() time(10s) *::tag f::float f::nosuch µ 18446744073709551616 100000w
"""
_INSERTED: Final = (*_WORDS.split(), "\n", "\t")
_SOURCES: Final = re.compile(r'FROM (?:autogen\.)?("(?:\\.|[^"\\])*"|\w+|/[^/]*/)(, ("(?:\\.|[^"\\])*"|\w+))?')
_SIGNS: Final = "'\"/();,.$:=!<>~-+*%&|^\\ \n0aZ_µ"
_STATEMENTS: Final = """
CREATE DATABASE "other" WITH DURATION 1d REPLICATION 1 SHARD DURATION 1h NAME r
DROP DATABASE other
CREATE RETENTION POLICY r ON db DURATION 1d REPLICATION 1 SHARD DURATION 1h DEFAULT
ALTER RETENTION POLICY r ON db DURATION 2d REPLICATION 1 DEFAULT
DROP RETENTION POLICY r ON db
CREATE CONTINUOUS QUERY c ON db RESAMPLE EVERY 1m FOR 10m BEGIN SELECT mean(f) INTO o FROM m GROUP BY time(5m) END
SHOW CONTINUOUS QUERIES
DROP CONTINUOUS QUERY c ON db
CREATE USER u WITH PASSWORD 'p' WITH ALL PRIVILEGES
SET PASSWORD FOR u = 'p'
GRANT ALL PRIVILEGES TO u
GRANT READ ON db TO u
REVOKE READ ON db FROM u
REVOKE ALL PRIVILEGES FROM u
SHOW GRANTS FOR u
KILL QUERY 1 ON "host"
SHOW SHARD GROUPS
DROP SHARD 1
SHOW STATS FOR 'x'
CREATE SUBSCRIPTION s ON "db"."autogen" DESTINATIONS ALL 'udp://h:1', 'udp://h:2'
DROP SUBSCRIPTION s ON "db"."autogen"
EXPLAIN ANALYZE SELECT mean(f) FROM nosuch WHERE time > now() - 1h
SELECT f INTO "db"."rp"."other" FROM nosuch GROUP BY *
SELECT f INTO "db"."rp".:MEASUREMENT FROM nosuch GROUP BY *
DELETE FROM nosuch WHERE time < '2026-01-01' AND host = 'nobody'
DELETE WHERE host = 'nobody'
DROP MEASUREMENT nosuch
DROP SERIES FROM nosuch WHERE host = 'nobody'
SHOW MEASUREMENTS ON db WITH MEASUREMENT =~ /a/ WHERE h = 'a' ORDER BY ASC LIMIT 1 OFFSET 1
SHOW TAG KEYS ON db FROM m, n WITH KEY IN (a, b) WHERE h = 'a' ORDER BY name LIMIT 1 OFFSET 1 SLIMIT 1 SOFFSET 1
SHOW TAG VALUES ON db FROM m WITH KEY IN (a, b) WHERE h = 'a' ORDER BY value DESC LIMIT 1 OFFSET 1
SHOW FIELD KEYS ON db FROM m ORDER BY name LIMIT 1 OFFSET 1
SHOW SERIES ON db FROM m WHERE h = 'a' ORDER BY key LIMIT 1 OFFSET 1
SHOW SERIES EXACT CARDINALITY ON db FROM m WHERE h = 'a' GROUP BY h LIMIT 1 OFFSET 1
SHOW TAG VALUES EXACT CARDINALITY ON db FROM m WITH KEY = h WHERE h = 'a' GROUP BY h LIMIT 1 OFFSET 1
SELECT DISTINCT v AS x, top(v, h, 2), (a + b) * -c, -2 ^ 3, v::field, *::tag, /x/ FROM nosuch, n, /zzz/
SELECT x FROM (SELECT x FROM (SELECT y AS x FROM nosuch GROUP BY h LIMIT 1)), nosuch WHERE h = 'a' OR h =~ /b/
SELECT v FROM nosuch WHERE (h = 'a' OR h =~ /b/) AND time >= '2026-01-01T00:00:00Z' - 1h AND v > 1.5 AND b != true
SELECT mean(v) FROM nosuch WHERE time > now() - 1h GROUP BY time(10s, -5s), h, *, /y/ fill(previous)
SELECT v FROM nosuch ORDER BY time DESC LIMIT 1 OFFSET 2 SLIMIT 3 SOFFSET 4 tz('Europe/Berlin')
SELECT count(v) FROM nosuch WHERE time > 0 GROUP BY time(1w), h::tag fill(-1.5) ORDER BY ASC LIMIT 3
"""
_OTHERS: Final = tuple(_STATEMENTS.strip().split("\n"))


def broken(w: Words, make: Callable[[], str]) -> str:
    """A statement with a fault in how it is written, mostly; `make` gives one without.

    Windows are asked of a measurement that is not there: with a bound or a unit gone there might be too many of them.
    """
    text = make() if w.chance(0.5) else w.one(*_OTHERS)
    if "time(" in text:
        text = _SOURCES.sub("FROM nosuch", text)
    for _ in range(w.random.choice((1, 1, 1, 2))):
        text = _mutated(w, text)
    return text


def _mutated(w: Words, text: str) -> str:
    parts: list[str] = _PIECES.findall(text)
    if not parts:
        return text
    place = w.random.randrange(len(parts))
    piece = parts[place]
    match w.one("leave out", "twice", "swap", "replace", "replace", "insert", "cut", "shorten", "sign"):
        case "leave out":
            parts[place] = ""
        case "twice":
            parts[place] = f"{piece} {piece}"
        case "swap":
            other = w.random.randrange(len(parts))
            parts[place], parts[other] = parts[other], piece
        case "replace":
            parts[place] = w.one(*_INSERTED)
        case "insert":
            parts[place] = f" {w.one(*_INSERTED)} {piece}"
        case "cut":
            parts = parts[:place]
        case "shorten":
            at = w.random.randrange(len(piece))
            parts[place] = piece[:at] + piece[at + 1 :]
        case _:
            at = w.random.randrange(len(piece) + 1)
            parts[place] = piece[:at] + w.one(*_SIGNS) + piece[at:]
    return "".join(parts)
