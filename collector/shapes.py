"""The shapes of a bucket's lines that need no second look, and the patterns made of them.

A book is a value: learning makes a new one, so what a refused body taught is dropped with its book. It is bounded;
lines of shapes beyond the bound are walked one by one.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Mapping

from foundation.batch import FieldType
from foundation.line_protocol.grammar import Head, Pattern, Shapes, compile_shapes
from foundation.line_protocol.precision import Precision

MOST_SHAPES = 256
MOST_KEYS = 4_096
"""Tag and field keys of all shapes together: what bounds the size of a pattern."""

MOST_BOOKS = 256
"""Books kept at once; the one that was not asked for the longest makes room."""


class ShapeBook:
    """Known shapes; patterns are compiled when they are first asked for."""

    def __init__(self, shapes: Shapes | None = None) -> None:
        self._shapes = shapes or {}
        self._patterns: dict[tuple[Precision, bool], Pattern] = {}

    def pattern(self, precision: Precision, *, stamped: bool) -> Pattern:
        """Matches runs of known lines, all of them with a timestamp or all without."""
        pattern = self._patterns.get((precision, stamped))
        if pattern is None:
            pattern = compile_shapes(self._shapes, precision, stamped=stamped)
            self._patterns[precision, stamped] = pattern
        return pattern

    def knows(self, head: Head, types: Mapping[bytes, FieldType]) -> bool:
        """Whether lines with this head and these fields are among the shapes."""
        return types.items() <= self._shapes.get(head, {}).items()

    def grown(self, news: Shapes) -> ShapeBook:
        """The book with these shapes too, as far as they find room."""
        shapes = dict(self._shapes)
        for head, types in news.items():
            shapes[head] = {**shapes.get(head, {}), **types}
        keys = sum(len(head.tag_keys) + len(types) for head, types in shapes.items())
        full = len(shapes) > MOST_SHAPES or keys > MOST_KEYS
        return self if full or not news else ShapeBook(shapes)


class Books:
    """The book of each kind of sender and bucket, empty where nothing was learnt; bounded."""

    def __init__(self) -> None:
        self._books: OrderedDict[Hashable, ShapeBook] = OrderedDict()

    def __getitem__(self, key: Hashable) -> ShapeBook:
        book = self._books.get(key)
        if book is None:
            return ShapeBook()
        self._books.move_to_end(key)
        return book

    def __setitem__(self, key: Hashable, book: ShapeBook) -> None:
        self._books[key] = book
        if len(self._books) > MOST_BOOKS:
            self._books.popitem(last=False)
