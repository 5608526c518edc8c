"""What a transaction touches, from which moment on: memory reads that again. The writer's thread fills it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import pyarrow.compute as pc

EVER: Final = -(2**63)


@dataclass(frozen=True, slots=True)
class Done:
    """What was done to one table: rows of these times (Arrow columns) came or changed, others before a moment went.

    `is_open`: any row of it may be gone or changed.
    """

    times: tuple[Any, ...]
    before_ns: int
    is_open: bool


class Changes:
    """Collects, table by table (by relation), what one transaction does to its rows."""

    def __init__(self) -> None:
        self._times: dict[str, list[Any]] = {}
        self._since: dict[str, int] = {}
        self._before: dict[str, int] = {}

    def stored(self, relation: str, times: Any) -> None:
        """Rows with these times (an Arrow column) are new, or were merged into those that stood there."""
        self._times.setdefault(relation, []).append(times)

    def since(self, relation: str, first_ns: int = EVER) -> None:
        """Rows of this time and later may be gone or changed."""
        self._since[relation] = min(first_ns, self._since.get(relation, first_ns))

    def before(self, relation: str, end_ns: int) -> None:
        """Rows older than this may be gone."""
        self._before[relation] = max(end_ns, self._before.get(relation, end_ns))

    def of(self, relation: str) -> Done:
        """All that was done to a table."""
        times = tuple(self._times.get(relation, ()))
        return Done(times, self._before.get(relation, EVER), is_open=relation in self._since)

    def oldest(self, kept: Mapping[str, int | None]) -> Iterator[tuple[str, int]]:
        """The oldest time that was touched in each of the tables of which rows are kept from a moment on."""
        for relation, first_ns in kept.items():
            if first_ns is not None:
                touched = list(self._touched(relation, first_ns))
                if touched:
                    yield relation, min(touched)

    def _touched(self, relation: str, first_ns: int) -> Iterator[int]:
        if relation in self._since:
            yield self._since[relation]
        if self._before.get(relation, EVER) > first_ns:
            yield first_ns
        for times in self._times.get(relation, ()):
            oldest = pc.min(times).as_py()
            if oldest is not None and oldest < first_ns:
                oldest = pc.min(pc.filter(times, pc.greater_equal(times, first_ns))).as_py()
            if oldest is not None:
                yield oldest
