"""A reader behind which a measurement that a statement has deleted may come again with other field types.

Wraps the store for `/query`. Lines of the old types that wait in the buffer still come to the store first; what then
does not fit is refused there, and becomes a dead letter.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Final

from collector.check.field_types import Source
from foundation.errors import Transient
from foundation.logs import logger
from store.contract import Reader, StatementResult

_log = logger("collector.check")
_MAY_DELETE: Final = re.compile(r"\b(?:DELETE|DROP)\b", re.IGNORECASE)


class ForgettingReader:
    """Tells `forget` bucket and measurements that the store has no types of any more after a statement."""

    def __init__(self, reader: Reader, types: Source, forget: Callable[[str, frozenset[str]], Awaitable[None]]) -> None:
        self._reader = reader
        self._types = types
        self._forget = forget

    async def query(self, influxql: str, db: str, *, deadline_s: float = 30.0) -> tuple[StatementResult, ...]:
        """The reader's answer."""
        if not _MAY_DELETE.search(influxql):
            return await self._reader.query(influxql, db, deadline_s=deadline_s)
        before = frozenset(await self._types(db))
        results = await self._reader.query(influxql, db, deadline_s=deadline_s)
        try:
            gone = before - frozenset(await self._types(db))
            if gone:
                await self._forget(db, gone)
        except Transient as error:
            _log.warning("field types of deleted measurements stay pinned", bucket=db, cause=error)
        return results

    async def buckets(self) -> tuple[str, ...]:
        """The reader's buckets."""
        return await self._reader.buckets()
