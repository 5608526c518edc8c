"""Which SELECTs come again and are answered from memory so quickly that no thread has to be woken for them.

To wake one, and the event loop behind it, costs a small question a tenth of its time. The reader notes how each
question went, and asks here, on the event loop, whether the next one of its kind is worth a try there. A kind is the
statements of a text without its bounds of time: `influxql.standing` gives them the very same fields each time.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from influxql.ast import Select, Statement

_QUICK_S: Final = 0.004
"""For so long the event loop may be held up: as long as by a batch of 5 000 lines, and less than a thread that computes
holds it up before it gives the interpreter's lock away (5 ms). Where a machine is slow for a while, a question that
costs half a millisecond on a quiet one must not be sent to a thread, which makes it cost three times as much."""
_MOST_KINDS: Final = 1_000
_MOST_IN_VAIN: Final = 8
"""Tries that follow each other: now and then rows that just came have to be read first."""


@dataclass(slots=True)
class _Kind:
    """`fields` are held so that their id stays theirs."""

    fields: Any
    in_vain: int = 0


class Quick:
    """The kinds of question that are worth a try. Safe for threads: whoever is late asks in a thread."""

    def __init__(self) -> None:
        self._known: dict[int, _Kind] = {}

    def note(self, statements: Sequence[Statement], taken_s: float, *, from_memory: bool) -> None:
        """How a question was answered; `from_memory`: without a look at the file."""
        fields = _fields_of(statements)
        if fields is None:
            return
        if taken_s > _QUICK_S:
            self._known.pop(id(fields), None)
        elif from_memory:
            known = self._known.get(id(fields))
            if known is not None:
                known.in_vain = 0
                return
            if len(self._known) >= _MOST_KINDS:
                self._known.clear()
            self._known[id(fields)] = _Kind(fields)

    def tried_in_vain(self, statements: Sequence[Statement]) -> None:
        """A question that was worth a try could not be answered at once."""
        kind = self._known.get(id(_fields_of(statements)))
        if kind is not None:
            kind.in_vain += 1
            if kind.in_vain == _MOST_IN_VAIN:
                self._known.pop(id(kind.fields), None)

    def has(self, statements: Sequence[Statement]) -> bool:
        """Whether a question is of a kind that was quick."""
        return id(_fields_of(statements)) in self._known


def _fields_of(statements: Sequence[Statement]) -> Any:
    """None for several statements, and for what is no SELECT."""
    return statements[0].fields if len(statements) == 1 and isinstance(statements[0], Select) else None
