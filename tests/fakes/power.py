"""Power that fails: a process that dies at a commit of its choice."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from tests.fakes.writer import InlineWriter

T = TypeVar("T")


class PowerCut(Exception):
    """The process is dead: this and everything after it does not happen."""


@dataclass(eq=False)
class Power:
    """Lasts for `left` transactions that change the file; the last one is stored or not, its answer is lost."""

    left: int
    stores_last: bool

    def writer(self) -> Callable[..., InlineWriter]:
        power = self

        class Dying(InlineWriter):
            async def run(self, job: Callable[[sqlite3.Connection], T]) -> T:
                if power.left <= 0:
                    raise PowerCut
                result = await super().run(lambda connection: power.spend(connection, job))
                if power.left <= 0:
                    raise PowerCut
                return result

        return Dying

    def spend(self, connection: sqlite3.Connection, job: Callable[[sqlite3.Connection], T]) -> T:
        before = connection.total_changes
        result = job(connection)
        self.left -= connection.total_changes != before
        if self.left <= 0 and not self.stores_last:
            raise PowerCut
        return result
