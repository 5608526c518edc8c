"""The shortcut: questions whose answer is at hand are answered where they arrive, without a request object or a task.

A connection shows its plain GETs of `/query` here. Those of who may read, which the store answers without waiting, are
answered as aiohttp's path would, byte by byte.

Invariant: what is not answered here reaches aiohttp as if the shortcut were not there, and nothing of it was counted.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from collector.intake.access import Access
from collector.intake.answers import Contents
from collector.intake.head import read_fields
from collector.intake.limits import Guard
from collector.intake.metrics import IntakeMetrics
from collector.intake.question import address_params
from collector.intake.results import Wish, wire_results
from foundation.clock import Clock
from foundation.errors import ConfigError
from foundation.logs import logger
from store.contract import StatementResult

_log = logger("collector.intake")
BEGINNING: Final = b"GET /query?"
"""Of a request that may be one."""
_PATH: Final = "/query"
_REQUEST_LINE: Final = re.compile(rb"GET /query\?([A-Za-z0-9\-._~!$&'()*+,;=:@%/?]*) HTTP/1\.1")
_MOST_MANNERS: Final = 1_000
"""Clients send the same fields with each of their questions."""
_LONGEST_FIELDS: Final = 2_048
_BODIES: Final = frozenset({b"content-length", b"content-encoding"})
_OK: Final = 200

AtOnce = Callable[[str, str], tuple[StatementResult, ...] | None]
"""See `Store.query_at_once`."""


@dataclass(frozen=True, slots=True)
class Question:
    """A plain GET: its fields by their names as aiohttp has them, and what stands behind the `?`."""

    fields: Mapping[str, str]
    query: str


@dataclass(frozen=True, slots=True)
class Terms:
    """What intake goes by until it is configured anew: who may ask, and which bucket is meant where none is named."""

    access: Access
    default_bucket: str


class Shortcut:
    """One for all connections of a listening socket. It has terms before it is asked."""

    def __init__(self, at_once: AtOnce, guard: Guard, metrics: IntakeMetrics, clock: Clock) -> None:
        self._at_once = at_once
        self._guard = guard
        self._metrics = metrics
        self._clock = clock
        self._contents = Contents(clock)
        self._manners: dict[bytes, Mapping[str, str] | None] = {}
        self._terms: Terms | None = None

    def adopt(self, terms: Terms) -> None:
        """Go by these from now on."""
        self._terms = terms

    def read(self, head: bytes) -> Question | None:
        """What is asked by a head, without the empty line behind it; None for one that is not of the plainest kind."""
        first, _, fields = head.partition(b"\r\n")
        line = _REQUEST_LINE.fullmatch(first)
        if line is None:
            return None
        manners = self._manners[fields] if fields in self._manners else self._learn(fields)
        return None if manners is None else Question(manners, line[1].decode("ascii"))

    def answer(self, question: Question) -> bytes | None:
        """The whole answer, counted; None where aiohttp's path has to give it."""
        if self._terms is None or not self._guard.room:
            return None
        began = self._clock.monotonic()
        try:
            wire = self._wire(self._terms, question)
        except ConfigError:
            return None
        except Exception as error:  # noqa: BLE001 - the edge: whatever it was, the other path answers and logs it again
            _log.error("a question leaves the shortcut by a fault of ours", error=error)
            return None
        if wire is not None:
            self._metrics.count_answer(_PATH, _OK, self._clock.monotonic() - began)
        return wire

    def _wire(self, terms: Terms, question: Question) -> bytes | None:
        fields, params = question.fields, address_params(question.query)
        db = params.get("db") or terms.default_bucket
        if params.get("rp") or params.get("params"):
            return None
        if not terms.access.may_read(fields.get("Authorization"), params, db):
            return None
        results = self._at_once(params.get("q", ""), db)
        return None if results is None else wire_results(results, Wish.of(fields, params), self._contents)

    def _learn(self, fields: bytes) -> Mapping[str, str] | None:
        read = read_fields(fields.split(b"\r\n")) if len(fields) <= _LONGEST_FIELDS else None
        manners = None
        if read is not None and _BODIES.isdisjoint(read):
            manners = {name.decode("ascii").title(): value.decode("ascii") for name, value in read.items()}
        if len(self._manners) >= _MOST_MANNERS:
            self._manners.clear()
        self._manners[fields] = manners
        return manners
