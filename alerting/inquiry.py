"""Asks the store what rules want to know: recipe by recipe, and for many recipes that are due together, by few scans.

The rehearsal of rules asks one recipe (`ask`); the evaluator makes rounds of all recipes (`rounds`) and asks each round
as a whole. The invariants: a recipe has exactly the values that it would have by itself; and a query that fails says so
to nobody but the recipes whose own part of it fails, since a scan that fails is asked again part by part.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from alerting.rules.folding import Scan, Unfoldable, alone, fold
from alerting.rules.query import AnswerUnfit, NothingThere
from alerting.rules.reading import Reading
from alerting.rules.recipe import Part, Recipe, Values
from alerting.rules.when import When
from store.contract import Reader, StatementResult
from store.errors import QueryLimitExceeded, QuerySyntaxError

MOST_S = 30.0
"""The longest that a query may take; rules with a shorter `every` wait that long at most, but a second."""

_MOST_STATEMENTS = 16
"""In one query: what can be asked together costs the store less."""
_SHARE = 0.25

Answers = Mapping[Part, Values | Exception]
"""What came of each part."""


async def ask(reader: Reader, recipe: Recipe, at: datetime) -> Values:
    """The value of every series for an evaluation at `at`; the recipe's parts are asked at once.

    Raises the errors of `store.errors`, AnswerUnfit for an answer that is no number a series, and TimeoutError.
    """
    parts = [_Asked(alone(part)) for part in recipe.parts]
    answers = await asyncio.gather(*(_query(reader, [asked], at) for asked in parts))
    found = [asked.reading.read(results)[asked.scan.whole] for asked, results in zip(parts, answers, strict=True)]
    return recipe.combine([_sound(values) for values in found])


@dataclass(slots=True)
class _Asked:
    """A scan, and who reads its answers.

    `doubted` when it took too long as a whole, so that its parts are asked by themselves next time. `lasted_s` is how
    long it took the last time, its share of a query with others; infinite before it was answered and when it failed.
    """

    scan: Scan
    doubted: bool = False
    lasted_s: float = math.inf
    reading: Reading = field(init=False)

    def __post_init__(self) -> None:
        self.reading = Reading(self.scan)

    @property
    def is_quick(self) -> bool:
        """Whether it may be asked in one query with others."""
        return self.scan.plain and not self.doubted and self.lasted_s < math.inf


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
        batches = [*_batches(self._asked)]
        found = await asyncio.gather(*(self._ask_batch(batch, reader, at, slots) for batch in batches))
        return {part: answer for answers in found for part, answer in answers.items()}

    async def _ask_batch(
        self,
        batch: Sequence[_Asked],
        reader: Reader,
        at: datetime,
        slots: AbstractAsyncContextManager[object],
    ) -> Answers:
        """Ask some scans by one query of as many statements; where that fails, each by itself."""
        if len(batch) > 1:
            try:
                async with slots:
                    results = await _query(reader, batch, at)
                return {
                    part: answer
                    for asked, result in zip(batch, results, strict=True)
                    for part, answer in asked.reading.read((result,)).items()
                }
            except (AnswerUnfit, QuerySyntaxError):
                pass  # whose fault it is shows when each is asked by itself
            except Exception as error:  # noqa: BLE001 - whatever a store does, it must not end the evaluation of rules
                return {part: error for asked in batch for part in asked.scan.parts}
        found = await asyncio.gather(*(self._ask(asked, reader, at, slots) for asked in batch))
        return {part: answer for answers in found for part, answer in answers.items()}

    async def _ask(
        self, asked: _Asked, reader: Reader, at: datetime, slots: AbstractAsyncContextManager[object]
    ) -> Answers:
        scan = asked.scan
        if asked.doubted:
            return await self._ask_apart(asked, reader, at, slots, fold_again=True)
        try:
            async with slots:
                return asked.reading.read(await _query(reader, [asked], at))
        except NothingThere as error:
            asked.lasted_s = math.inf
            return dict.fromkeys(scan.parts, error)
        except (AnswerUnfit, QuerySyntaxError) as error:
            asked.lasted_s = math.inf
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
    """Every plan in one round; those that share a scan in the same, as do those that ask alike of one measurement.

    A composite has a round of its own.
    """
    plans = tuple(plans)
    recipes = [plan for plan in plans if isinstance(plan, Recipe)]
    scans = fold(part for recipe in recipes for part in recipe.parts)
    scan_of = {part: number for number, scan in enumerate(scans) for part in scan.parts}
    links = [[scan_of[part] for part in recipe.parts] for recipe in recipes]
    together = _components([*links, *_alike(scans)], len(scans))
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


def _alike(scans: Sequence[Scan]) -> Iterable[Sequence[int]]:
    """The numbers of plain scans that are asked as often of the same measurement."""
    alike: dict[tuple[object, ...], list[int]] = {}
    for number, scan in enumerate(scans):
        question = scan.whole.question
        if scan.plain and question.select is not None:
            alike.setdefault((question.bucket, question.every, question.select.sources), []).append(number)
    return alike.values()


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


def _batches(asked: Sequence[_Asked]) -> Iterator[Sequence[_Asked]]:
    """What is asked by one query each: quick scans of one bucket together, all others by themselves.

    Together they take a quarter of the time that they have, if they last as long as the last time.
    """
    open_: dict[str, list[_Asked]] = {}
    for one in asked:
        if not one.is_quick:
            yield (one,)
            continue
        batch = open_.setdefault(one.scan.whole.question.bucket, [])
        lasting_s = sum(other.lasted_s for other in batch) + one.lasted_s
        if batch and (len(batch) == _MOST_STATEMENTS or lasting_s > _deadline_s(one.scan) * _SHARE):
            yield tuple(batch)
            batch.clear()
        batch.append(one)
    yield from (tuple(batch) for batch in open_.values())


async def _query(reader: Reader, batch: Sequence[_Asked], at: datetime) -> Sequence[StatementResult]:
    """The answers to scans of one bucket, one for each. Raises AnswerUnfit where they are not as many."""
    first = batch[0].scan
    text = "; ".join(asked.scan.whole.question.text(asked.scan.whole.at(at)) for asked in batch)
    for asked in batch:
        asked.lasted_s = math.inf
    loop = asyncio.get_running_loop()
    began = loop.time()
    async with asyncio.timeout(_deadline_s(first) + 1):
        results = await reader.query(text, first.whole.question.bucket, deadline_s=_deadline_s(first))
    if len(batch) > 1 and len(results) != len(batch):
        raise AnswerUnfit("not all statements of a query were answered")
    for asked in batch:
        asked.lasted_s = (loop.time() - began) / len(batch)
    return results


def _deadline_s(scan: Scan) -> float:
    return min(max(scan.whole.question.every.total_seconds(), 1.0), MOST_S)


def _sound(answer: Values | Exception) -> Values:
    if isinstance(answer, Exception):
        raise answer
    return answer
