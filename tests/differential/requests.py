"""Requests to /query as nobody would write them down: parameters in odd places, of odd values, or twice.

What is meant to differ (docs/influxql.md, Over HTTP) is not asked: no database, bodies of JSON, `pretty`, other
policies, a question that stands nowhere. Nor is a regex behind `=`: InfluxDB answers with what it does not match.
"""

from __future__ import annotations

import json
from random import Random
from typing import Any, Final
from urllib.parse import urlencode

from tests.scenarios.test_query_agrees import FORM, JSON, Request

TEXTS: Final = (
    "SELECT * FROM cpu",
    "SELECT load FROM cpu WHERE host = $h",
    "SELECT load FROM cpu WHERE load > $x AND host = $h; SELECT used FROM mem",
    "SELECT mean(load) FROM cpu WHERE time >= 1767225600s AND time < 1767225660s GROUP BY time($d), host",
    "SELECT load FROM cpu LIMIT $n",
    "SELECT load FROM cpu; SHOW MEASUREMENTS;",
    ";; SELECT load FROM cpu ;",
    "SELECT load FROM cpu -- of each host",
    "SELECT /* all */ n, u, ok, s FROM cpu ORDER BY time DESC",
    "SHOW TAG VALUES WITH KEY = host; SHOW FIELD KEYS",
    "SELECT x FROM nosuch; SELECT load FROM cpu",
    "SELECT nosuch(load) FROM cpu",
    "SELECT load FROM cpu; SELEC",
    "SELECT text FROM long GROUP BY k",
    "SELECT title FROM events WHERE text =~ $r",
    "SELECT load FROM \x00",
    "SELECT s AS \"d\u00e9\" FROM cpu WHERE s != 'é'",
)
VALUES: Final[tuple[Any, ...]] = ("a", "b' OR 1=1 --", 1, 0.5, True, {"duration": "10s"})
ODD: Final[tuple[Any, ...]] = (
    None,
    [],
    {},
    {"duration": "x"},
    {"identifier": "load"},
    {"string": 5},
    "é\n",
)
NO_PARAMS: Final = ("{", "[]", "7", '"h"', "{}")
EPOCHS: Final = ("ns", "u", "µ", "ms", "s", "m", "h", "S", " ms", "1", "")
TRUTHS: Final = ("true", "false", "1", "0", "TRUE", "yes", "")
SIZES: Final = ("1", "3", "0", "-1", "x", "1e3", "5.0", "+2", "", "99999999999999999999")
INFLUXQL: Final = "application/vnd.influxql"
KINDS: Final = (FORM, f"{FORM}; charset=utf-8", FORM.upper(), INFLUXQL, "text/plain", "x")
ACCEPTED: Final = ("", JSON, "text/csv", "application/csv", "*/*", "x/y")

PACKED: Final = ("", "gzip", "gzip;q=0", "br, gzip")


def make_request(random: Random) -> Request:
    """Some request with a question, or with what is nearly one."""
    params = _params(random)
    headers = {"Accept": random.choice(ACCEPTED), "Accept-Encoding": random.choice(PACKED)}
    if random.random() < 0.4:
        return Request(params, random.choice(("GET", "GET", "GET", "HEAD")), headers=headers)
    kind = random.choice(KINDS)
    if kind == INFLUXQL:
        return Request(params, "POST", body=params.pop("q").encode(), headers={**headers, "Content-Type": kind})
    address, form = _split(random, params)
    if FORM not in kind.lower():
        address = params
    body = urlencode(form, doseq=True).encode()
    return Request(address, "POST", body=body, headers={**headers, "Content-Type": kind})


def _params(random: Random) -> dict[str, Any]:
    params: dict[str, Any] = {"q": random.choice(TEXTS)}
    if random.random() < 0.8 and "$" in params["q"]:
        bound = {name: random.choice(VALUES + ODD) for name in "hxdnr" if random.random() < 0.9}
        params["params"] = json.dumps(bound | {"r": {"regex": "a|again"}} if random.random() < 0.5 else bound)
    if random.random() < 0.1:
        params["params"] = random.choice(NO_PARAMS)
    for name, values, share in (
        ("epoch", EPOCHS, 0.5),
        ("chunked", TRUTHS, 0.4),
        ("chunk_size", SIZES, 0.4),
        ("rp", ("autogen", ""), 0.1),
    ):
        if random.random() < share:
            params[name] = random.choice(values)
    if not {"$", ";"} & set(params["q"]) and random.random() < 0.1:
        params["db"] = random.choice(("nowhere", "nowhere/at/all"))
    if random.random() < 0.05:
        params["epoch"] = ["s", "ms"]
    return params


def _split(random: Random, params: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What stands in the address, and what in the body; a little of it in both."""
    inside = {name: value for name, value in params.items() if random.random() < 0.5}
    return {name: value for name, value in params.items() if name not in inside or random.random() < 0.1}, inside
