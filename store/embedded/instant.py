"""Questions answered at once out of what is known in memory, on the event loop: no thread is woken for them.

Those are questions about tags and measurements, and SELECTs that were `quick` before. The reader asks a session of this
kind first. The invariant: nothing here waits, be it for DuckDB or for a lock that others may hold for long, or takes
longer than a few milliseconds. Whatever would raises NotAtOnce, and is asked again in a thread.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NoReturn, TypeVar

from influxql.ast import ShowStatement
from store.embedded.recent.contract import NotAtOnce
from store.embedded.session import Session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from influxql.ast import Statement
    from store.embedded.index import Known
    from store.embedded.schema import Table, Tables

T = TypeVar("T")

_MOST_COLUMNS: Final = 2_000
"""Tags and fields of all measurements together: more are not looked through here."""
_MOST_SERIES: Final = 2_000
"""Of all measurements that a question asks about, each counted for every one of its tags."""


def is_about_tags(statements: Sequence[Statement]) -> bool:
    """Whether all of them ask about tags and measurements."""
    return all(isinstance(statement, ShowStatement) for statement in statements)


def refuse_to_connect() -> NoReturn:
    """What an instant session has for a cursor."""
    raise NotAtOnce("the file has to be asked")


@dataclass(slots=True)
class InstantSession(Session):
    """Used on the event loop. `connect` is `refuse_to_connect`."""

    looked_through: int = 0
    """series, until now"""

    @property
    def may_wait(self) -> bool:
        """See Session."""
        return False

    def tables(self, database: str | None = None) -> Tables | None:
        """See Session. Raises NotAtOnce where there are many."""
        found = self.schema(database or self.database)
        if found and sum(len(table.columns) for table in found.values()) > _MOST_COLUMNS:
            raise NotAtOnce("there is much to look through")
        return found

    def known(self, table: Table) -> Known | None:
        """See Session. Raises NotAtOnce unless they are few and at hand."""
        found = self.index.look_at_once(table)
        if found is None:
            raise NotAtOnce("the series are not at hand")
        self.looked_through += len(found.series)
        if self.looked_through > _MOST_SERIES:
            raise NotAtOnce("there are many series to look through")
        return found

    def steady(self, _relation: str, read: Callable[[], T]) -> T:
        """See Session. What is known of a table's series is of one moment, and nothing else is read here."""
        return read()
