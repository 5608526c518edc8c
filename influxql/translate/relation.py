"""What a translator has to know of a measurement."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from foundation.batch import FieldType


class ColumnLike(Protocol):
    """A column of a table of points."""

    @property
    def name(self) -> str:
        """The tag's or field's name."""

    @property
    def type(self) -> FieldType | None:
        """The field's type; None for a tag."""

    @property
    def physical(self) -> str:
        """The column's name in the table."""


class Relation(Protocol):
    """A table of points: `time` in nanoseconds, one column for each tag and field, NULL where a point has none."""

    @property
    def measurement(self) -> str:
        """The measurement's name."""

    @property
    def relation(self) -> str:
        """The table's name, to stand in FROM as it is."""

    @property
    def tags(self) -> Mapping[str, ColumnLike]:
        """Tag key -> column."""

    @property
    def fields(self) -> Mapping[str, ColumnLike]:
        """Field key -> column."""
