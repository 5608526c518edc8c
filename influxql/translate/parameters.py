"""Values bound to a SQL text by name, in any order."""

from __future__ import annotations

import re
from typing import Final

Bound = int | float | str | bool | list[float] | list[str]


_PLACEHOLDER: Final = re.compile(r"\$(p\d+)\b")


def bound_in(sql: str) -> frozenset[str]:
    """The names whose placeholders stand in `sql`."""
    return frozenset(_PLACEHOLDER.findall(sql))


class Parameters:
    """Collects values while SQL is written. `values` goes to the database with the text."""

    def __init__(self) -> None:
        self.values: dict[str, Bound] = {}

    def bind(self, value: Bound) -> str:
        """The placeholder that stands for `value` in the SQL."""
        name = f"p{len(self.values)}"
        self.values[name] = value
        return f"${name}"

    def within(self, sql: str) -> dict[str, Bound]:
        """The values whose placeholders stand in `sql`: a condition that holds for none may have left some out."""
        return {name: self.values[name] for name in bound_in(sql)}
