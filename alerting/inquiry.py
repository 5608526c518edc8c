"""Asks the store a rule's question: the path that the evaluator and the rehearsal of rules share."""

from __future__ import annotations

import asyncio
from datetime import datetime

from alerting.rules.query import Question, values_of
from alerting.watch import Values
from store.contract import Reader

MOST_S = 30.0
"""The longest that a query may take; rules with a shorter `every` wait that long at most, but a second."""


async def ask(reader: Reader, question: Question, at: datetime) -> Values:
    """The value of every series for the window that ends at `at`.

    Raises the errors of `store.errors`, AnswerUnfit for an answer that is no number a series, and TimeoutError.
    """
    deadline_s = min(max(question.every.total_seconds(), 1.0), MOST_S)
    async with asyncio.timeout(deadline_s + 1):
        results = await reader.query(question.text(at), question.bucket, deadline_s=deadline_s)
    return values_of(results)
