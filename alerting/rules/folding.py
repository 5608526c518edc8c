"""Folds the questions of many rules into few scans of the store. Pure.

    parts -> fold -> scans -> (asked by `alerting.inquiry`) -> `reading` -> the values of each part

The evaluator folds when rules are taken up. The invariant: what is read for a part is exactly what asking it alone
would give. So only aggregates that give one row a series, with nothing that looks at rows or their order, are folded,
in two ways, and everything else is asked alone:

1. Aggregates of the same points (bucket, window, FROM, WHERE, GROUP BY) become columns of one SELECT. A series is in
   that answer if any of them has a value; a null there is a series that is not in the answer to that aggregate.
2. Such SELECTs that differ in what tags equal (`feature = 'checkout'`, `feature = 'search'`) become one that is grouped
   by these tags as well. That a name is a tag shows in the answer only: each row must have one of the wanted values
   there, and no value in a field of this name, which is counted along. Otherwise reading raises Unfoldable.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from alerting.rules.query import AnswerUnfit, bound
from alerting.rules.recipe import Part
from influxql.ast import (
    Binary,
    Call,
    Expr,
    Field,
    Fill,
    Measurement,
    Paging,
    Paren,
    Select,
    Source,
    StringLiteral,
    VarRef,
)

_FOLDED = frozenset(
    {"count", "sum", "mean", "median", "mode", "spread", "min", "max", "first", "last", "percentile"},
)
"""Aggregates with at most one row a series, and no row where there is no value (stddev has one without a number)."""
_MOST_COLUMNS = 24
_MOST_VALUES = 64
_WASTE = 2.0
"""A scan may compute so many times as many values as were asked for: columns that only some tag values need."""

Wanted = tuple[str, ...]
"""What the tags that tell folded questions apart must equal, in the order of their names."""


class Unfoldable(AnswerUnfit):
    """The answer shows that a scan was folded by a name that is no tag: its parts must be asked alone."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a part's values stand in a scan's answer: which column, and in the rows of which tag values."""

    column: int
    wanted: Wanted = ()


@dataclass(frozen=True, slots=True)
class Scan:
    """One query that answers several parts. `whole` is what is asked; alone, it is the only part.

    `places` tells the parts apart; `names` are the tags that the rows are told apart by, of which `kept` stay labels.
    Behind the time there are `width` columns of values, then one for each name, counting what a field of it holds.
    `plain`: its parts are aggregates that could be folded, which any store answers in little time.
    """

    whole: Part
    places: Mapping[Part, Place] = field(hash=False)
    names: tuple[str, ...] = ()
    kept: frozenset[str] = frozenset()
    width: int = 1
    plain: bool = False

    @property
    def parts(self) -> tuple[Part, ...]:
        """What it answers."""
        return tuple(self.places)

    @property
    def is_folded(self) -> bool:
        """Whether its parts could be asked one by one instead."""
        return len(self.places) > 1

    def apart(self) -> tuple[Scan, ...]:
        """Its parts, each asked alone."""
        return tuple(alone(part) for part in self.places)


def alone(part: Part, *, plain: bool = False) -> Scan:
    """A scan for one part."""
    return Scan(part, {part: Place(1)}, plain=plain)


def fold(parts: Iterable[Part]) -> tuple[Scan, ...]:
    """Few scans that answer all parts, each part by one scan."""
    scans: list[Scan] = []
    alike: dict[_Key, dict[Wanted, dict[Part, Call]]] = {}
    for part in dict.fromkeys(parts):
        shape = _shape(part)
        if shape is None:
            scans.append(alone(part))
        else:
            key, wanted, call = shape
            alike.setdefault(key, {}).setdefault(wanted, {})[part] = call
    scans += (scan for key, by_wanted in alike.items() for scan in _folded(key, by_wanted))
    return tuple(scans)


@dataclass(frozen=True, slots=True)
class _Key:
    """What questions must have in common to be folded; `rest` is their condition without `name = 'value'`."""

    bucket: str
    over: timedelta
    every: timedelta
    ago: timedelta
    sources: tuple[Source, ...]
    dimensions: tuple[str, ...]
    rest: tuple[Expr, ...]
    names: tuple[str, ...]


@dataclass(slots=True)
class _Bundle:
    """What becomes one scan: calls by the tag values that they are wanted for."""

    calls: dict[Wanted, dict[Part, Call]]

    @property
    def columns(self) -> tuple[Call, ...]:
        return tuple(dict.fromkeys(call for calls in self.calls.values() for call in calls.values()))

    def takes(self, calls: Mapping[Part, Call]) -> bool:
        """Whether a scan with these as well stays narrow enough, and computes little that nobody wants."""
        columns = {*self.columns, *calls.values()}
        asked = sum(len(set(listed.values())) for listed in (*self.calls.values(), calls))
        computed = len(columns) * (len(self.calls) + 1)
        return len(columns) <= _MOST_COLUMNS and len(self.calls) < _MOST_VALUES and computed <= _WASTE * asked


def _shape(part: Part) -> tuple[_Key, Wanted, Call] | None:
    """How a part can be folded; None where it must be asked alone."""
    question, select = part.question, part.question.select
    call = None if select is None else _aggregate(select)
    if select is None or call is None:
        return None
    dimensions = tuple(sorted(item.name for item in select.dimensions if isinstance(item, VarRef)))
    equal, rest = _split(select.condition)
    key = _Key(
        question.bucket,
        question.over,
        question.every,
        part.ago,
        select.sources,
        tuple(dict.fromkeys(dimensions)),
        rest,
        tuple(sorted(equal)),
    )
    return key, tuple(value for _, value in sorted(equal.items())), call


def _aggregate(select: Select) -> Call | None:
    """The aggregate of a query that asks for nothing else: one measurement, tags to group by, all rows."""
    expr = select.fields[0].expr
    match expr, select.sources:
        case Call(name, (VarRef(cast=None), *_)), (Measurement(name=str()),) if name in _FOLDED:
            plain = (select.fill, select.descending, select.paging, select.zone) == (Fill(), False, Paging(), None)
            tags = all(isinstance(item, VarRef) and item.cast is None for item in select.dimensions)
            return expr if plain and tags else None
    return None


def _split(condition: Expr | None) -> tuple[Mapping[str, str], tuple[Expr, ...]]:
    """A condition as the names that must equal a text, and all other terms. A name wanted twice stays a term."""
    equal: dict[str, str] = {}
    rest: list[Expr] = []
    for term in _terms(condition):
        match term:
            case Binary("=", VarRef(name, None), StringLiteral(value)) if value and name not in equal:
                equal[name] = value
            case _:
                rest.append(term)
    return equal, tuple(rest)


def _terms(condition: Expr | None) -> Iterator[Expr]:
    match condition:
        case None:
            return
        case Binary("AND", left, right):
            yield from _terms(left)
            yield from _terms(right)
        case Paren(inner):
            yield from _terms(inner)
        case _:
            yield condition


def _folded(key: _Key, by_wanted: Mapping[Wanted, Mapping[Part, Call]]) -> Iterator[Scan]:
    bundles: list[_Bundle] = []
    for wanted, calls in by_wanted.items():
        for piece in _pieces(calls):
            found = next((one for one in bundles if wanted not in one.calls and one.takes(piece)), None)
            if found is None:
                bundles.append(_Bundle({wanted: piece}))
            else:
                found.calls[wanted] = piece
    return (_scan(key, bundle) for bundle in bundles)


def _pieces(calls: Mapping[Part, Call]) -> Iterator[dict[Part, Call]]:
    """The calls, cut where they are too many different ones for one scan."""
    columns = list(dict.fromkeys(calls.values()))
    for start in range(0, len(columns), _MOST_COLUMNS):
        own = set(columns[start : start + _MOST_COLUMNS])
        yield {part: call for part, call in calls.items() if call in own}


def _scan(key: _Key, bundle: _Bundle) -> Scan:
    parts = [part for calls in bundle.calls.values() for part in calls]
    if len(parts) == 1:
        return alone(parts[0], plain=True)
    names = key.names if len(bundle.calls) > 1 else ()
    columns = bundle.columns
    select = Select(
        fields=(
            *(Field(call) for call in columns),
            *(Field(Call("count", (VarRef(name, "field"),))) for name in names),
        ),
        sources=key.sources,
        condition=_condition(key, bundle),
        dimensions=tuple(VarRef(name) for name in dict.fromkeys((*key.dimensions, *names))),
    )
    question = replace(parts[0].question, parts=bound(select), select=select)
    at = {call: index for index, call in enumerate(columns, start=1)}
    places = {
        part: Place(at[call], wanted if names else ())
        for wanted, calls in bundle.calls.items()
        for part, call in calls.items()
    }
    kept = frozenset(key.dimensions)
    return Scan(replace(parts[0], question=question), places, names, kept, len(columns), plain=True)


def _condition(key: _Key, bundle: _Bundle) -> Expr | None:
    """All common terms, and any of the wanted values."""
    choices = [
        _joined(
            "AND",
            [Binary("=", VarRef(name), StringLiteral(value)) for name, value in zip(key.names, wanted, strict=True)],
        )
        for wanted in bundle.calls
    ]
    wished = _joined("OR", [choice for choice in choices if choice is not None])
    return _joined("AND", [*key.rest, *([] if wished is None else [wished])])


def _joined(operator: str, terms: Sequence[Expr]) -> Expr | None:
    joined: Expr | None = None
    for term in terms:
        safe = Paren(term) if isinstance(term, Binary) and term.op in ("AND", "OR") else term
        joined = safe if joined is None else Binary(operator, joined, safe)
    return joined
