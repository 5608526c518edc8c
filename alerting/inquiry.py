"""Asks the store what a rule wants to know: the path that the evaluator and the rehearsal of rules share."""

from __future__ import annotations

import asyncio
from datetime import datetime

from alerting.rules.query import values_of
from alerting.rules.recipe import Part, Recipe, Values
from store.contract import Reader

MOST_S = 30.0
"""The longest that a query may take; rules with a shorter `every` wait that long at most, but a second."""


async def ask(reader: Reader, recipe: Recipe, at: datetime) -> Values:
    """The value of every series for an evaluation at `at`; the recipe's parts are asked at once.

    Raises the errors of `store.errors`, AnswerUnfit for an answer that is no number a series, and TimeoutError.
    """
    deadline_s = min(max(recipe.every.total_seconds(), 1.0), MOST_S)
    parts = recipe.parts
    async with asyncio.timeout(deadline_s + 1):
        if len(parts) == 1:
            return recipe.combine((await _ask_one(reader, parts[0], at, deadline_s),))
        asked = (_ask_one(reader, part, at, deadline_s) for part in parts)
        return recipe.combine(await asyncio.gather(*asked))


async def _ask_one(reader: Reader, part: Part, at: datetime, deadline_s: float) -> Values:
    question = part.question
    results = await reader.query(question.text(part.at(at)), question.bucket, deadline_s=deadline_s)
    return values_of(results)
