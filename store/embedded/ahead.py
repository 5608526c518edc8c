"""What is read before anybody asks for it, in a thread of those that answer questions.

That is, when the file has been opened, which series its tables hold; and later the rows of tables that are asked for
again. Nobody waits for either; who asks meanwhile is answered as ever.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from store.embedded.answerers import Answerers
from store.embedded.deadline import Withdrawal


class Ahead:
    """Reads one thing at a time. Used by the event loop."""

    def __init__(self, answerers: Answerers) -> None:
        self._answerers = answerers
        self._withdrawal = Withdrawal()
        self._under_way: asyncio.Future[None] | None = None

    def read(self, work: Callable[[Withdrawal], None]) -> None:
        """Begin with this, unless something is being read, or the store is closing."""
        if self._withdrawal.withdrawn or (self._under_way is not None and not self._under_way.done()):
            return
        self._under_way = self._answerers.ask(lambda: work(self._withdrawal))

    def stop(self) -> None:
        """Break off what is being read; it ends with the threads."""
        self._withdrawal.withdraw()
