"""Values bound to a SQL text by name, in any order."""

from __future__ import annotations

Bound = int | float | str | bool | list[float] | list[str]


class Parameters:
    """Collects values while SQL is written. `values` goes to the database with the text."""

    def __init__(self) -> None:
        self.values: dict[str, Bound] = {}

    def bind(self, value: Bound) -> str:
        """The placeholder that stands for `value` in the SQL."""
        name = f"p{len(self.values)}"
        self.values[name] = value
        return f"${name}"
