"""Queries of rules and boards, read as the embedded store reads them: a misspelt function shows before it is asked.

A variable may stand for a name, a number or a duration; a query is at fault if none of them makes it one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from influxql.ast import Select
from influxql.check import check_fields
from influxql.errors import ParseError, QueryError
from influxql.parser import parse
from influxql.plan import frame_select

_MACROS: Mapping[str, str] = {
    "$timeFilter": "time > now() - 1h",
    "${__interval_ms}": "10000",
    "$__interval_ms": "10000",
    "${__interval}": "10s",
    "$__interval": "10s",
    "$interval": "10s",
}
_MOMENT_NS = 10**18  # any will do: nothing is asked
_STAND_INS = ("word", "1", "10s")
_VARIABLE = re.compile(r"\$\{\w+(?::\w+)?\}|\[\[\w+\]\]|\$\w+")


def problems(board: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with the queries of a board in Grafana's classic schema: `panel 'Rate': ...`."""
    for panel in _panels(board):
        for target in panel.get("targets") or ():
            query = target.get("query") if isinstance(target, Mapping) else None
            if isinstance(query, str) and query.strip():
                fault = _fault(query)
                if fault:
                    yield f"panel {panel.get('title', panel.get('id'))!r}: {fault}, in {query}"


def _panels(board: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for panel in board.get("panels") or ():
        if isinstance(panel, Mapping):
            yield panel
            yield from _panels(panel)


def _fault(query: str) -> str:
    for macro, text in _MACROS.items():
        query = query.replace(macro, text)
    faults = [verdict(_VARIABLE.sub(stand_in, query)) for stand_in in _STAND_INS]
    return "" if "" in faults else faults[0]


def verdict(query: str) -> str:
    """What the embedded store would say against the query; empty for one that it answers."""
    try:
        for statement in parse(query):
            if isinstance(statement, Select):
                frame = frame_select(statement, _MOMENT_NS)
                check_fields(frame.select, has_interval=frame.window is not None, inherited=frame.inherited)
    except (ParseError, QueryError) as error:
        return str(error)
    return ""
