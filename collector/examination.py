"""One body's way through the rooms: gate, transforms, checks. The Examiner that decoders ask about lines.

Made by the pipeline for each body, or each turn of one. The rooms are begun when a line is first shown to one: a body
of known lines that nobody surveys passes without. What the body teaches is kept here until `commit`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from collector.check.contract import Check, Checking
from collector.check.run import Run
from collector.decode.contract import Altered, Rewritten
from collector.rewriting import Recipes, fields_of, head_of, make_recipe, merged, split_head, write
from collector.shapes import Book, Growing
from collector.transform.contract import Transform, Transforming
from collector.verdict import NOTHING, Cause, Objection, Origin, Removal, Ruling
from foundation.line_protocol.grammar import Pattern
from foundation.line_protocol.line import Line, LineError
from foundation.line_protocol.parse import Point, parse_point
from foundation.line_protocol.precision import Precision

_LONGEST_HEAD = 4_096
_MOST_NEW_RECIPES = 20_000
_PIECE = 500
"""Lines rewritten before what was made of them is looked at."""

Rule = Callable[[Line], Ruling]


@dataclass(frozen=True, slots=True)
class Rooms:
    """What lines go through, in this order."""

    gate: Sequence[Check]
    transforms: Sequence[Transform]
    checks: Sequence[Check]

    @property
    def survey(self) -> bool:
        """Whether a check may want to see runs of known lines."""
        return any(check.surveys for check in (*self.gate, *self.checks))


class Examination:
    """Asks every room, and gathers what needs no second look."""

    __slots__ = ("_begun", "_book", "_follows", "_origin", "_rooms", "_surveyed")

    def __init__(
        self, book: Book, rooms: Rooms, origin: Origin, *, surveyed: bool, follows: Examination | None = None
    ) -> None:
        """`follows` is the examination of the part of the same body that came before."""
        self._follows = None if follows is None else follows.transforming
        self._book = book
        self._rooms = rooms
        self._origin = origin
        self._surveyed = surveyed
        self._begun: _Begun | None = None

    def covers(self, text: bytes, precision: Precision, *, stamped: bool) -> bool:
        """Whether the text is lines of known shape, and nothing else."""
        return self._book.known.covers(text, precision, stamped=stamped)

    def pattern(self, precision: Precision, *, stamped: bool) -> Pattern:
        """Lines of known shape."""
        book = self._begun.known.book if self._begun else self._book.known
        return book.pattern(precision, stamped=stamped)

    def changing(self, precision: Precision, *, stamped: bool) -> Pattern | None:
        """Lines that may have recipes; None where there are none."""
        book = self._begun.changing.book if self._begun else self._book.changing
        return book.pattern(precision, stamped=stamped) if book else None

    def may_rewrite(self, text: bytes, precision: Precision, *, stamped: bool) -> bool:
        """Whether the text is lines that may have recipes, and nothing else."""
        book = self._book.changing
        return bool(book) and book.covers(text, precision, stamped=stamped)

    def survey(self, run: bytes, precision: Precision, *, stamped: bool) -> bool:
        """Whether nobody objects to a run of known lines."""
        if not self._surveyed:
            return True
        begun = self._begin()
        return survey((*begun.gate, *begun.checks), run, precision, stamped=stamped)

    def rewrite(self, lines: Sequence[bytes], start: int, precision: Precision, *, stamped: bool) -> Rewritten:
        """Rewrite lines by their recipes, up to the first that has none and up to a bound."""
        return self._begin().rewrite(lines, start, precision, stamped=stamped)

    def examine(self, point: Point) -> Altered | Objection | Removal | None:
        """Take a line through every room."""
        return self._begin().examine(point)

    @property
    def untouched(self) -> bool:
        """Whether no room was asked: nothing was learnt, counted or has to be confirmed."""
        return self._begun is None

    @property
    def taken_out(self) -> Mapping[str, int]:
        """Lines that a policy took out, by its name."""
        return self._begun.taken_out if self._begun else NOTHING

    @property
    def altered(self) -> Mapping[str, int]:
        """Lines that were changed, by the name of who did."""
        return self._begun.altered if self._begun else NOTHING

    def commit(self) -> tuple[Book, Recipes]:
        """Let the checks keep what the body taught; the book, and the recipes to be added to it."""
        begun = self._begun
        if begun is None:
            return self._book, {}
        for _, checking in (*begun.gate, *begun.checks):
            checking.commit()
        known, changing, made = begun.known.finished(), begun.changing.finished(), begun.made.finished()
        before = self._book
        if known is before.known and changing is before.changing and made is before.made:
            return before, begun.recipes
        return Book(known, changing, made, before.recipes), begun.recipes

    def confirm(self) -> None:
        """The lines of the body are durable, and those of the parts before."""
        for _, transforming in self.transforming or ():
            transforming.confirm()

    @property
    def transforming(self) -> Sequence[tuple[str, Transforming]] | None:
        """The transforms at work on the body, if they have begun: what one part of it taught holds for the next."""
        return self._begun.transforms if self._begun else self._follows

    def _begin(self) -> _Begun:
        if self._begun is None:
            self._begun = _Begun(self._book, self._rooms, self._origin, self._follows)
        return self._begun


class Sieve:
    """An examiner that takes every line and learns nothing: what is left is what is no line."""

    def __init__(self, book: Book) -> None:
        self._known = book.known

    def covers(self, text: bytes, precision: Precision, *, stamped: bool) -> bool:
        """Whether the text is lines of known shape."""
        return self._known.covers(text, precision, stamped=stamped)

    def pattern(self, precision: Precision, *, stamped: bool) -> Pattern:
        """Lines of known shape."""
        return self._known.pattern(precision, stamped=stamped)

    def changing(self, precision: Precision, *, stamped: bool) -> None:
        """None: nothing changes."""

    def may_rewrite(self, text: bytes, precision: Precision, *, stamped: bool) -> bool:  # noqa: ARG002 - as above
        """Never."""
        return False

    def survey(self, run: bytes, precision: Precision, *, stamped: bool) -> bool:  # noqa: ARG002 - every run passes
        """Every run passes."""
        return True

    def rewrite(self, lines: Sequence[bytes], start: int, precision: Precision, *, stamped: bool) -> Rewritten:  # noqa: ARG002 - nothing changes
        """Nothing."""
        return Rewritten(None, 0, 0)

    def examine(self, point: Point) -> None:
        """Every line passes."""


class _Begun:
    """The rooms at work on a body."""

    def __init__(
        self, book: Book, rooms: Rooms, origin: Origin, transforming: Sequence[tuple[str, Transforming]] | None
    ) -> None:
        self.gate = [(check.name, check.begin(origin)) for check in rooms.gate]
        begun = [(one.name, one.begin(origin)) for one in rooms.transforms] if transforming is None else transforming
        self.transforms = begun
        self.checks = [(check.name, check.begin(origin)) for check in rooms.checks]
        self._at_the_gate = [(name, one.judge) for name, one in self.gate]
        self._changes = [(name, one.apply) for name, one in self.transforms]
        self._judgements = [(name, one.judge) for name, one in self.checks]
        self.known, self.changing, self.made = Growing(book.known), Growing(book.changing), Growing(book.made)
        self.recipes: Recipes = {}
        self.taken_out: dict[str, int] = {}
        self.altered: dict[str, int] = {}
        self._recipes = book.recipes

    def examine(self, point: Point) -> Altered | Objection | Removal | None:
        by: list[str] = []
        came: list[Line] = []
        entered = self._through(self._at_the_gate, point.line, by, [])
        if not isinstance(entered, Line):
            return entered
        made = self._through(self._changes, entered, by, came)
        if not isinstance(made, Line):
            if isinstance(made, Removal) and entered is point.line:
                self._remember(point, None, came)
            return made
        taken = self._through(self._judgements, made, by, [])
        if not isinstance(taken, Line):
            return taken
        if by or not all(one.leaves(taken) for _, one in self.transforms):
            return self._alter(point, taken, by, came if entered is point.line and taken is made else None)
        self._take()
        if self._settled(point.line, taken):
            self.known.learn(point)
        return None

    def rewrite(self, lines: Sequence[bytes], start: int, precision: Precision, *, stamped: bool) -> Rewritten:
        known, fresh = self._recipes.get, self.recipes.get
        made: list[bytes] = []
        altered: list[tuple[str, ...]] = []
        taken_out: list[tuple[str, ...]] = []
        for line in lines[start : start + _PIECE]:
            head, rest = split_head(line)
            recipe = known(head) or fresh(head)
            written = None if recipe is None else write(recipe, rest, stamped=stamped)
            if recipe is None or written is None:
                break
            text, by = written
            if text:
                made.append(text)
                altered.append(by)
            else:
                taken_out.append(by)
        count = len(altered) + len(taken_out)
        run = b"\n".join([*lines[start : start + count], b""])
        text = b"\n".join([*made, b""]) if made else b""
        if not self._pass(run, text, precision, stamped=stamped):
            return Rewritten(None, 0, count)
        for counts, names in (self.altered, altered), (self.taken_out, taken_out):
            for by, times in Counter(names).items() if len(names) > 1 else ((one, 1) for one in names):
                self._count(counts, by, times)
        return Rewritten(text, len(made), count)

    def _pass(self, run: bytes, text: bytes, precision: Precision, *, stamped: bool) -> bool:
        """Whether the gate lets the run in, and the checks what was made of it."""
        if text and not self.made.book.covers(text, precision, stamped=stamped):
            return False
        return survey(self.gate, run, precision, stamped=stamped) and (
            not text or survey(self.checks, text, precision, stamped=stamped)
        )

    def _through(
        self, rules: Sequence[tuple[str, Rule]], line: Line, by: list[str], came: list[Line]
    ) -> Line | Objection | Removal:
        for name, rule in rules:
            came.append(line)
            ruling = rule(line)
            if ruling is None:
                continue
            if isinstance(ruling, Removal):
                self._count(self.taken_out, (name,), 1)
            if not isinstance(ruling, Line):
                return ruling
            line = ruling
            by.append(name)
        return line

    def _alter(
        self, point: Point, after: Line, by: list[str], came: Sequence[Line] | None
    ) -> Altered | Objection | None:
        """Write the line that became of the point; `came` are its stages if nobody but transforms had a hand in it."""
        try:
            text = head_of(point, after) + b" " + fields_of(point, after) if by else b""
        except LineError as error:
            return Objection(Cause.TRANSFORM, f"{', '.join(by)}: {error.reason}")
        self._take()
        self._count(self.altered, dict.fromkeys(by), 1)
        if came and self._settled(point.line, after) and self._remember(point, after, came):
            self.made.learn(parse_point(text) if by else point)
        if not by:
            return None
        return Altered(text, None if after.time_ns == point.line.time_ns else after.time_ns)

    def _remember(self, point: Point, after: Line | None, came: Sequence[Line]) -> bool:
        """Keep the recipe for lines like the point, which became `after`; whether there is one."""
        if len(point.head) > _LONGEST_HEAD or len(self.recipes) >= _MOST_NEW_RECIPES:
            return False
        if not all(one.settles(point.line) for _, one in self.gate):
            return False
        effects = [one.effect(line) for (_, one), line in zip(self.transforms, came, strict=False)]
        told = [effect for effect in effects if effect is not None]
        if len(told) < len(effects):
            return False
        became = [*came[1:], after]
        stages = zip(self.transforms, came, became, strict=False)
        by = [name for (name, _), before, then in stages if then is not before]
        recipe = make_recipe(point, after, by, told)
        if recipe is None or not self.changing.learn(point, firm=True):
            return False
        known = self.recipes.get(point.head)
        self.recipes[point.head] = recipe if known is None else merged(known, recipe)
        return True

    @staticmethod
    def _count(counts: dict[str, int], names: Iterable[str], times: int) -> None:
        for name in names:
            counts[name] = counts.get(name, 0) + times

    def _take(self) -> None:
        for _, transforming in self.transforms:
            transforming.taken()

    def _settled(self, entered: Line, taken: Line) -> bool:
        return all(one.settles(entered) for _, one in self.gate) and all(one.settles(taken) for _, one in self.checks)


def survey(checkings: Sequence[tuple[str, Checking]], text: bytes, precision: Precision, *, stamped: bool) -> bool:
    """Whether all lines of a run of settled shapes pass those who want to see it."""
    surveying = [one for _, one in checkings if one.surveys]
    if not surveying:
        return True
    run = Run(text, precision, stamped=stamped)
    return all(one.survey(run) for one in surveying)
