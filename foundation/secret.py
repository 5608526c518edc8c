"""Text that redacts itself, so that a token cannot reach a log, an error or a repr by accident."""

from __future__ import annotations

from typing import final


@final
class Secret:
    """Holds a secret; `reveal()` is the one way to its text. Equality is by value, repr and str are redacted."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The secret itself. Call it where it is sent, never where it is stored or logged."""
        return self._text

    def __repr__(self) -> str:
        return "Secret(***)"

    def __str__(self) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash((Secret, self._text))
