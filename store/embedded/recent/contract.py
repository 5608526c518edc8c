"""What answering from memory needs of whoever asks; the sessions of questions have it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

import pyarrow as pa

from foundation.errors import Transient
from influxql.translate.parameters import Parameters
from store.embedded.deadline import Deadline


class NotAtOnce(Transient):
    """It would take its time, and whoever asks may not wait."""


class Asking(Protocol):
    """A question under way: its moment, its deadline, and how it looks at the file. Used by one thread."""

    @property
    def now_ns(self) -> int:
        """Its moment, in nanoseconds since 1970."""

    @property
    def deadline(self) -> Deadline:
        """Until when it may take."""

    @property
    def may_wait(self) -> bool:
        """Whether it may look at the file, and wait for others that hold a table; else it raises NotAtOnce."""

    def fetch(self, sql: str, parameters: Parameters) -> Sequence[tuple[Any, ...]]:
        """All rows of a SELECT."""

    def fetch_table(self, sql: str, parameters: Parameters) -> pa.Table:
        """The same as columns, however many rows they are."""

    def stream(self, sql: str, parameters: Parameters) -> Iterator[pa.RecordBatch]:
        """The same piece by piece: nothing else is asked of the file until the last one has come."""

    def register(self, columns: Mapping[str, pa.Array]) -> str:
        """The name under which a SELECT finds these columns."""

    def snapshot(self) -> AbstractContextManager[None]:
        """What is fetched within sees the file as of one moment."""
