"""Random queries over a schema, from the whole grammar that the embedded store answers."""

from __future__ import annotations

from random import Random
from typing import Final

from tests.differential import nested, selects, shows, wrong
from tests.differential.bracketed import bracketed
from tests.differential.schema import Schema
from tests.differential.words import Words

_MAKERS: Final = (
    (selects.raw, 20),
    (selects.aggregate, 24),
    (selects.windows, 30),
    (selects.selected, 6),
    (selects.step, 14),
    (selects.ranked, 9),
    (selects.integral, 3),
    (nested.subquery, 18),
    (shows.show, 19),
    (selects.wild, 7),
    (wrong.wrong, 5),
)

_BRACKETED: Final = 0.12
"""So many of the queries get parentheses that they do not need."""


class Queries:
    """Makes queries over `schema`, one after the other."""

    def __init__(self, schema: Schema, random: Random) -> None:
        self._words = Words(schema, random)
        self._random = random

    def make(self) -> str:
        """One query."""
        (maker,) = self._random.choices([one for one, _ in _MAKERS], [weight for _, weight in _MAKERS])
        text = maker(self._words)
        return bracketed(self._words, text) if self._words.chance(_BRACKETED) else text

    def change(self) -> str:
        """One statement that takes points away."""
        return shows.change(self._words)

    def break_one(self) -> str:
        """One statement with a fault in how it is written, mostly."""
        return wrong.broken(self._words, self.make)
