"""Asks the store what rules want to know: recipe by recipe, and for many recipes that are due together, by few scans.

The rehearsal of rules asks one recipe (`ask`); the evaluator makes rounds of all recipes (`rounds`) and asks each round
as a whole. The invariants: a recipe has exactly the values that it would have by itself; and a query that fails says so
to nobody but the recipes whose own part of it fails, since a scan that fails is asked again part by part.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from alerting.rules.folding import Scan, Unfoldable, alone, fold
from alerting.rules.query import AnswerUnfit, NothingThere
from alerting.rules.recipe import Part, Recipe, Values
from alerting.rules.when import When
from store.contract import Reader
from store.errors import QueryLimitExceeded, QuerySyntaxError

MOST_S = 30.0
"""The longest that a query may take; rules with a shorter `every` wait that long at most, but a second."""

Answers = Mapping[Part, Values | Exception]
"""What came of each part."""


async def ask(reader: Reader, recipe: Recipe, at: datetime) -> Values:
    """The value of every series for an evaluation at `at`; the recipe's parts are asked at once.

    Raises the errors of `store.errors`, AnswerUnfit for an answer that is no number a series, and TimeoutError.
    """
    answers = await asyncio.gather(*(_ask(reader, alone(part), at) for part in recipe.parts))
    return recipe.combine([_sound(found[part]) for part, found in zip(recipe.parts, answers, strict=True)])


@dataclass(slots=True)
class _Asked:
    """A scan; `doubted` when it took too long as a whole, so that its parts are asked by themselves next time."""

    scan: Scan
    doubted: bool = False


@dataclass(slots=True, eq=False)
class Round:
    """Plans that are evaluated together, since they share scans. Used by one task at a time."""

    plans: tuple[Recipe | When, ...]
    scans: tuple[Scan, ...] = ()
    _asked: list[_Asked] = field(init=False)

    def __post_init__(self) -> None:
        self._asked = [_Asked(scan) for scan in self.scans]

    @property
    def every(self) -> timedelta:
        """How often it takes place."""
        return self.plans[0].every

    @property
    def name(self) -> str:
        """Names it in logs."""
        return self.plans[0].name

    async def ask(self, reader: Reader, at: datetime, slots: AbstractAsyncContextManager[object]) -> Answers:
        """What comes of every part at `at`; each query takes one of `slots`. Raises nothing."""
        found = await asyncio.gather(*(self._ask(asked, reader, at, slots) for asked in tuple(self._asked)))
        return {part: answer for answers in found for part, answer in answers.items()}

    async def _ask(
        self, asked: _Asked, reader: Reader, at: datetime, slots: AbstractAsyncContextManager[object]
    ) -> Answers:
        scan = asked.scan
        if asked.doubted:
            return await self._ask_apart(asked, reader, at, slots, fold_again=True)
        try:
            async with slots:
                return await _ask(reader, scan, at)
        except NothingThere as error:
            return dict.fromkeys(scan.parts, error)
        except (AnswerUnfit, QuerySyntaxError) as error:
            if not scan.is_folded:
                return dict.fromkeys(scan.parts, error)
            return await self._ask_apart(asked, reader, at, slots, fold_again=not isinstance(error, Unfoldable))
        except (TimeoutError, QueryLimitExceeded) as error:
            asked.doubted = scan.is_folded
            return dict.fromkeys(scan.parts, error)
        except Exception as error:  # noqa: BLE001 - whatever a store does, it must not end the evaluation of rules
            return dict.fromkeys(scan.parts, error)

    async def _ask_apart(
        self,
        asked: _Asked,
        reader: Reader,
        at: datetime,
        slots: AbstractAsyncContextManager[object],
        *,
        fold_again: bool,
    ) -> Answers:
        """Ask each part by itself; from now on those that fail stay alone, the others are folded again."""
        parts = asked.scan.parts
        found = await asyncio.gather(*(self._ask(_Asked(alone(part)), reader, at, slots) for part in parts))
        answers = {part: answer for one in found for part, answer in one.items()}
        sound = [part for part in parts if fold_again and not isinstance(answers[part], Exception)]
        unsound = [part for part in parts if part not in sound]
        self._asked.remove(asked)
        self._asked += [_Asked(scan) for scan in (*fold(sound), *map(alone, unsound))]
        return answers


def values(recipe: Recipe, answers: Answers) -> Values:
    """The value of every series of a recipe. Raises what came of a part instead of values."""
    return recipe.combine([_sound(answers[part]) for part in recipe.parts])


def rounds(plans: Iterable[Recipe | When]) -> tuple[Round, ...]:
    """Every plan in one round; those that share a scan in the same. A composite has a round of its own."""
    plans = tuple(plans)
    recipes = [plan for plan in plans if isinstance(plan, Recipe)]
    scans = fold(part for recipe in recipes for part in recipe.parts)
    scan_of = {part: number for number, scan in enumerate(scans) for part in scan.parts}
    together = _components([[scan_of[part] for part in recipe.parts] for recipe in recipes], len(scans))
    grouped: dict[int, list[Recipe]] = {}
    for recipe in recipes:
        grouped.setdefault(together[scan_of[recipe.first]], []).append(recipe)
    return (
        *(
            Round(tuple(own), tuple(scan for number, scan in enumerate(scans) if together[number] == root))
            for root, own in grouped.items()
        ),
        *(Round((plan,)) for plan in plans if isinstance(plan, When)),
    )


def _components(links: Sequence[Sequence[int]], count: int) -> Sequence[int]:
    """For each of `count` things the first of those that it hangs together with."""
    roots = list(range(count))

    def root(number: int) -> int:
        while roots[number] != number:
            number = roots[number]
        return number

    for first, *others in links:
        for other in others:
            one, two = sorted((root(first), root(other)))
            roots[two] = one
    return [root(number) for number in range(count)]


async def _ask(reader: Reader, scan: Scan, at: datetime) -> Answers:
    question = scan.whole.question
    deadline_s = min(max(question.every.total_seconds(), 1.0), MOST_S)
    async with asyncio.timeout(deadline_s + 1):
        text = question.text(scan.whole.at(at))
        return scan.read(await reader.query(text, question.bucket, deadline_s=deadline_s))


def _sound(answer: Values | Exception) -> Values:
    if isinstance(answer, Exception):
        raise answer
    return answer
