"""What is known of a bucket's lines: shapes that need no second look, the patterns made of them, and recipes.

A book of shapes is a value: learning makes a new one, so what a refused body taught is dropped with its book. All is
bounded; lines beyond the bounds are walked one by one.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field

from collector.rewriting import Recipes, cost_bytes, merged
from foundation.batch import FieldType
from foundation.line_protocol.grammar import Cover, Head, Pattern, Shapes, compile_cover, compile_shapes
from foundation.line_protocol.line import field_type
from foundation.line_protocol.parse import Point
from foundation.line_protocol.precision import Precision

MOST_SHAPES = 256
MOST_KEYS = 4_096
"""Tag and field keys of all shapes together: what bounds the size of a pattern."""
SHORT_TEXT = 16 << 10
"""Bytes of a text for which it pays to have a second automaton that answers with less ado."""
MOST_BOOKS = 256
"""Books kept at once; the one that was not asked for the longest makes room."""
MOST_RECIPE_BYTES = 24 << 20
"""Memory of the recipes of all books together, about."""


class ShapeBook:
    """Known shapes; patterns are compiled when they are first asked for."""

    def __init__(self, shapes: Shapes | None = None) -> None:
        self._shapes = shapes or {}
        self._patterns: dict[tuple[Precision, bool], Pattern] = {}
        self._covers: dict[tuple[Precision, bool], Cover] = {}

    def pattern(self, precision: Precision, *, stamped: bool) -> Pattern:
        """Matches runs of known lines, all of them with a timestamp or all without."""
        pattern = self._patterns.get((precision, stamped))
        if pattern is None:
            pattern = compile_shapes(self._shapes, precision, stamped=stamped)
            self._patterns[precision, stamped] = pattern
        return pattern

    def covers(self, text: bytes, precision: Precision, *, stamped: bool) -> bool:
        """Whether the whole text is known lines."""
        if len(text) > SHORT_TEXT:
            run = self.pattern(precision, stamped=stamped).match(text, 0)
            return run is not None and run.end() == len(text)
        cover = self._covers.get((precision, stamped))
        if cover is None:
            cover = compile_cover(self._shapes, precision, stamped=stamped)
            self._covers[precision, stamped] = cover
        return cover.Match(text) is not None

    def __bool__(self) -> bool:
        return bool(self._shapes)

    def knows(self, head: Head, types: Mapping[bytes, FieldType]) -> bool:
        """Whether lines with this head and these fields are among the shapes."""
        return types.items() <= self._shapes.get(head, {}).items()

    def denies(self, head: Head, types: Mapping[bytes, FieldType]) -> bool:
        """Whether a field has another type here."""
        return _denied(self._shapes.get(head, {}), types)

    def grown(self, news: Shapes) -> ShapeBook:
        """The book with these shapes too, as far as they find room."""
        if not news:
            return self
        shapes = dict(self._shapes)
        for head, types in news.items():
            shapes[head] = {**shapes.get(head, {}), **types}
        keys = sum(len(head.tag_keys) + len(types) for head, types in shapes.items())
        full = len(shapes) > MOST_SHAPES or keys > MOST_KEYS
        return self if full else ShapeBook(shapes)


def _denied(known: Mapping[bytes, FieldType], types: Mapping[bytes, FieldType]) -> bool:
    return any(known.get(key, kind) is not kind for key, kind in types.items())


class Growing:
    """A book that a body adds to. A pattern is dear to make: later news of a body wait for more of them."""

    def __init__(self, book: ShapeBook) -> None:
        self.book = book
        self._news: dict[Head, dict[bytes, FieldType]] = {}
        self._walked = 0
        self._patience = 1

    def learn(self, point: Point, *, firm: bool = False) -> bool:
        """Take the shape of the point. A `firm` one keeps its types; False if they are others than the point's."""
        head = Head(point.measurement, point.tag_keys)
        types = {raw: field_type(value) for (raw, _), (_, value) in zip(point.fields, point.line.fields, strict=True)}
        if self.book.knows(head, types):
            return True
        news = self._news.setdefault(head, {})
        if firm and (self.book.denies(head, types) or _denied(news, types)):
            return False
        news.update(types)
        self._walked += 1
        if self._walked >= self._patience:
            self.book = self.finished()
            self._news = {}
            self._walked = 0
            self._patience *= 2
        return True

    def finished(self) -> ShapeBook:
        """With all that was learnt."""
        return self.book.grown(self._news)


@dataclass(frozen=True, slots=True)
class Book:
    """What is known of lines: `known` pass as they are; `changing` have recipes, which make lines of the shapes `made`.

    The recipes are shared by the books that follow each other, and grow when a body is taken.
    """

    known: ShapeBook = field(default_factory=ShapeBook)
    changing: ShapeBook = field(default_factory=ShapeBook)
    made: ShapeBook = field(default_factory=ShapeBook)
    recipes: Recipes = field(default_factory=dict)


class Books:
    """The book of each kind of sender and bucket, empty where nothing was learnt; bounded."""

    def __init__(self, *, most_recipe_bytes: int = MOST_RECIPE_BYTES) -> None:
        self._books: OrderedDict[Hashable, Book] = OrderedDict()
        self._blank = ShapeBook()  # one for all, or each body of a sender who teaches nothing compiles its patterns
        self._most_recipe_bytes = most_recipe_bytes
        self._recipe_bytes = 0

    def __getitem__(self, key: Hashable) -> Book:
        book = self._books.get(key)
        if book is None:
            return Book(self._blank, self._blank, self._blank)
        self._books.move_to_end(key)
        return book

    def keep(self, key: Hashable, book: Book, recipes: Recipes) -> None:
        """Keep the book, with these recipes added to its own. Where they find no room, all are forgotten."""
        self._books[key] = book
        self._recipe_bytes += sum(cost_bytes(head, recipe) for head, recipe in recipes.items())
        if self._recipe_bytes > self._most_recipe_bytes:
            self._forget_recipes()
            return
        for head, recipe in recipes.items():
            before = book.recipes.get(head)
            book.recipes[head] = recipe if before is None else merged(before, recipe)
        if len(self._books) > MOST_BOOKS:
            _, gone = self._books.popitem(last=False)
            self._recipe_bytes -= sum(cost_bytes(head, recipe) for head, recipe in gone.recipes.items())

    def _forget_recipes(self) -> None:
        for book in self._books.values():
            book.recipes.clear()
        self._recipe_bytes = 0
