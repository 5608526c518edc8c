"""Who asks a table how often, and how far back. Pure: the moment of each question is an argument.

A form of question (what is computed, how it is grouped, about how far back) that came several times within half a
minute is standing: its rows are worth a wait while they are read. A table that was asked twice in that time, by
whatever form, is worth being read when nobody waits for it: boards ask with many forms, and come back.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from typing import Final

_PERIOD_NS: Final = 30_000_000_000
_OFTEN: Final = 3
"""So many times within a period, so that a rule counts that asks every ten seconds."""
_AGAIN: Final = 2
_MOST_FORMS: Final = 1_000
_ALIKE: Final = math.log(1.25)
"""Reaches that differ by less belong to one form: a rule's own differs by how late it asks."""


@dataclass(slots=True)
class _Form:
    times: int = 0
    reach_ns: int = 0
    fields: frozenset[str] = frozenset()


_Forms = dict[tuple[Hashable, int], _Form]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What answers all that is asked: rows as old as `reach_ns`, of them the `fields` (physical names)."""

    reach_ns: int
    fields: frozenset[str]


@dataclass(slots=True)
class Demand:
    """The forms of question that came in this period and in the one before."""

    _since_ns: int = 0
    _now: _Forms = field(default_factory=dict)
    _before: _Forms = field(default_factory=dict)

    def note(self, form: Hashable, reach_ns: int, fields: frozenset[str], now_ns: int) -> bool:
        """Take note of a question that reads `fields` of the last `reach_ns`; whether its form is standing."""
        self._turn(now_ns)
        key = (form, int(math.log(max(reach_ns, 1)) / _ALIKE))
        known = self._now.get(key)
        if known is None:
            if len(self._now) >= _MOST_FORMS:
                return False
            known = self._now[key] = _Form()
        known.times += 1
        known.reach_ns = max(known.reach_ns, reach_ns)
        known.fields |= fields
        if known.times < _OFTEN and self._was_standing(key):
            known.times = _OFTEN
        return known.times >= _OFTEN

    @property
    def came_back(self) -> bool:
        """Whether more than one question came."""
        return sum(form.times for form in self._forms()) >= _AGAIN

    def wanted(self, below_ns: int | None = None) -> Wanted | None:
        """What the questions ask for that look less far back than `below_ns`; None where there is none."""
        forms = [form for form in self._forms() if below_ns is None or form.reach_ns < below_ns]
        if not forms:
            return None
        return Wanted(max(form.reach_ns for form in forms), frozenset[str]().union(*(form.fields for form in forms)))

    def _was_standing(self, key: tuple[Hashable, int]) -> bool:
        """Whether it stood before, or reached a little less far until now: who asks later reaches further."""
        form, alike = key
        others = (self._before.get(key), self._before.get((form, alike - 1)), self._now.get((form, alike - 1)))
        return any(known is not None and known.times >= _OFTEN for known in others)

    def _forms(self) -> Iterator[_Form]:
        return (form for forms in (self._now, self._before) for form in forms.values())

    def _turn(self, now_ns: int) -> None:
        """Begin a new period when this one is over, or when the clock was set back."""
        passed = now_ns - self._since_ns
        if 0 <= passed < _PERIOD_NS:
            return
        self._before = self._now if 0 <= passed < 2 * _PERIOD_NS else {}
        self._now, self._since_ns = {}, now_ns
