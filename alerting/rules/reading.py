"""Reads the values of each part out of the answers to a scan, column by column. Pure.

`alerting.inquiry` keeps a `Reading` for each scan that it asks at every tick: as long as the same series answer, whose
values they are is not worked out again. The invariant is that of `folding`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from alerting.alert import Labels, labels_of
from alerting.rules.column import Series, side_by_side
from alerting.rules.folding import Scan, Unfoldable, Wanted
from alerting.rules.query import AnswerUnfit, number_of, raise_errors, values_of
from alerting.rules.recipe import Part, Values
from store.contract import OneRowSeries, StatementResult, Value

_Met = dict[tuple[str, str], tuple[str, str]]


@dataclass(frozen=True, slots=True)
class _Block:
    """The rows of an answer that belong to the same wanted tag values, and the series of each."""

    rows: Sequence[int]
    series: Series


@dataclass(frozen=True, slots=True)
class _Known:
    """Series by the tags grouped by, and the blocks that they make."""

    dimensions: tuple[str, ...]
    groups: Sequence[tuple[str, ...]]
    blocks: Mapping[Wanted, _Block]


class Reading:
    """Reads the answers to one scan, one after another."""

    def __init__(self, scan: Scan) -> None:
        self._scan = scan
        self._dropped = frozenset(scan.names) - scan.kept
        self._wanted = {place.wanted for place in scan.places.values()}
        self._known = _Known((), (), {})

    def read(self, results: Sequence[StatementResult]) -> Mapping[Part, Values | AnswerUnfit]:
        """The values of each part, or what is wrong with them.

        Raises AnswerUnfit (NothingThere) for an error in the answer, and Unfoldable.
        """
        scan = self._scan
        raise_errors(results)
        series = results[0].series if len(results) == 1 else [one for result in results for one in result.series]
        if isinstance(series, OneRowSeries):
            self._check(series.columns, series.values)
            return self._values(self._blocks(series), series.columns, series.values)
        if not scan.is_folded:
            return {scan.whole: values_of(results)}
        if not series:
            return {part: {} for part in scan.places}
        for one in series:
            if len(one.values) != 1 or len(one.columns) != len(series[0].columns):
                raise Unfoldable("a folded query was not answered by one row a series")
        columns = list(zip(*(one.values[0] for one in series), strict=True))
        self._check(series[0].columns, columns)
        return self._values(self._sorted([one.tags for one in series]), series[0].columns, columns)

    def _check(self, names: Sequence[str], columns: Sequence[Sequence[Value]]) -> None:
        scan = self._scan
        if len(names) != 1 + scan.width + len(scan.names):
            raise Unfoldable("a query was not answered by the columns that it asks for")
        if any(any(counted) for counted in columns[1 + scan.width :]):
            raise Unfoldable(f"not all of {', '.join(scan.names)} are tags")

    def _blocks(self, series: OneRowSeries) -> Mapping[Wanted, _Block]:
        known = self._known
        if known.dimensions != series.dimensions or known.groups != series.groups:
            tags = [dict(zip(series.dimensions, group, strict=True)) for group in series.groups]
            known = self._known = _Known(series.dimensions, series.groups, self._sorted(tags))
        elif known.groups is not series.groups:  # the store's own texts are kept, and no others beside them
            self._known = replace(known, groups=series.groups)
        return known.blocks

    def _sorted(self, tags: Sequence[Mapping[str, str]]) -> Mapping[Wanted, _Block]:
        """Rows by the tag values that tell folded questions apart."""
        rows: dict[Wanted, list[int]] = {}
        for number, own in enumerate(tags):
            wanted = tuple(own.get(name, "") for name in self._scan.names)
            if wanted not in self._wanted:
                raise Unfoldable(f"not all of {', '.join(self._scan.names)} are tags")
            rows.setdefault(wanted, []).append(number)
        met: _Met = {}
        return {
            wanted: _Block(listed, Series(tuple(self._labels(tags[number], met) for number in listed)))
            for wanted, listed in rows.items()
        }

    def _labels(self, tags: Mapping[str, str], met: _Met) -> Labels:
        """What is equal is one object: a hundred thousand series have few sites."""
        labels = labels_of({name: value for name, value in tags.items() if name not in self._dropped})
        return tuple([met.setdefault(pair, pair) for pair in labels])

    def _values(
        self, blocks: Mapping[Wanted, _Block], names: Sequence[str], columns: Sequence[Sequence[Value]]
    ) -> Mapping[Part, Values | AnswerUnfit]:
        read: dict[Part, Values | AnswerUnfit] = {}
        for part, place in self._scan.places.items():
            block = blocks.get(place.wanted)
            try:
                read[part] = {} if block is None else _numbers(block, columns[place.column], names[place.column])
            except AnswerUnfit as error:
                read[part] = error
        return read


def _numbers(block: _Block, column: Sequence[Value], name: str) -> Values:
    """The values of a column; where there is none, there is no series."""
    found = column if len(block.rows) == len(column) else [column[row] for row in block.rows]
    kinds = set(map(type, found))
    if kinds == {float}:
        return side_by_side(block.series, found)  # type: ignore[arg-type]  # floats, as was asked
    if kinds == {int}:
        return side_by_side(block.series, [*map(float, found)])  # type: ignore[arg-type]  # whole numbers
    return {
        labels: number_of(value, name)
        for labels, value in zip(block.series.labels, found, strict=True)
        if value is not None
    }
