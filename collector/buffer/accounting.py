"""How the ledger follows the books: what a start, a commit or a move of a cursor means for its terms. No I/O.

Buffered lines are counted where frames are appended, read at the start, or passed by a cursor, each by what the frame
itself says. A line that cannot be read any more is lost, and counted so only where the disk was found damaged: without
damage a difference stays one, and shows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from collector.buffer.checkpoint import Checkpoint
from collector.buffer.commit import Counted
from collector.buffer.log import BucketLog
from collector.buffer.recovery import Recovered
from collector.buffer.stock import Stock
from collector.ledger import BUFFERED, DEAD, DELIVERED, EARLIER, LOST, SKIPPED, Brought, Ledger, Row, Terms

_GIVEN_BACK = (DELIVERED, SKIPPED, DEAD, EARLIER, LOST)
"""Where lines come from that a destination wants again, in this order: nobody knows which of them were what."""


@dataclass(slots=True)
class Change:
    """What one move of a cursor changes: row -> term -> lines, for one destination."""

    rows: dict[str, Counter[str]] = field(default_factory=dict)

    def add(self, row: str, term: str, lines: int) -> None:
        """Add lines to a term."""
        self.rows.setdefault(row, Counter())[term] += lines

    @property
    def told_by_frames(self) -> bool:
        """Whether the frames that were passed tell it all: then the cursor alone need be written down."""
        return all(
            terms[DELIVERED] == -terms[BUFFERED] and not any(terms[term] for term in _GIVEN_BACK[1:])
            for terms in self.rows.values()
        )

    def lines(self, term: str) -> int:
        """The sum over all rows."""
        return sum(terms[term] for terms in self.rows.values())


class Accounting:
    """Keeps the ledger's terms of all logs."""

    def __init__(self, ledger: Ledger, destinations: Sequence[str]) -> None:
        self._ledger = ledger
        self._destinations = destinations

    def restore(self, recovered: Recovered) -> bool:
        """Take up what the disk told; whether that has to be written down, because it is not to be found out again."""
        bucket, ledger = recovered.log.bucket, self._ledger
        for source, row in recovered.checkpoint.rows.items() if recovered.checkpoint else ():
            kept = {one: terms for one, terms in row.of.items() if one in recovered.log.cursors}
            ledger.restore(bucket, source, Row(row.shared, kept))
        for source, terms in recovered.shared.items():
            ledger.enter(bucket, source, terms)
        found = Change()
        for destination in recovered.log.cursors:
            new = destination in recovered.new
            stocks = [(BUFFERED, recovered.held), *([] if new else [(DELIVERED, recovered.passed)])]
            for term, stock in stocks:
                for source, lines in stock[destination].lines.items():
                    ledger.count(bucket, source, term, lines, destination=destination)
            if new or recovered.damaged:
                found.rows.update(self._unaccounted(bucket, destination, EARLIER if new else LOST))
        return bool(found.rows or recovered.gone)

    def entered(self, bucket: str, counted: Sequence[Counted]) -> None:
        """Frames of a group commit are durable."""
        for frame in counted:
            row = self._ledger.row(bucket, frame.source)
            row.shared.update(frame.terms)
            for destination in self._destinations:
                row.count_for(destination, BUFFERED, frame.lines)

    def held(self, bucket: str, destination: str) -> Mapping[str, int]:
        """Row -> lines that the destination is still to get."""
        rows = self._ledger.rows(bucket)
        return {source: row.of[destination][BUFFERED] for source, row in rows.items() if destination in row.of}

    def passing(self, bucket: str, stock: Stock, brought: Brought | None, term: str) -> Change:
        """A cursor passes the stock: its lines become what `brought` says, or all of them `term`."""
        change = Change()
        for source, lines in stock.lines.items():
            row = self._ledger.named(bucket, source)
            change.add(row, BUFFERED, -lines)
            if brought is None:
                change.add(row, term, lines)
        for name, sources in ((DELIVERED, brought.delivered), (DEAD, brought.dead)) if brought else ():
            for source, lines in sources.items():
                change.add(self._ledger.named(bucket, source), name, lines)
        return change

    def losing(self, bucket: str, change: Change, held: Mapping[str, int], rest: Stock) -> None:
        """What was `held` and is neither passed nor in the `rest` cannot be read any more."""
        left = Counter(held)
        for row, terms in change.rows.items():
            left[row] += terms[BUFFERED]
        for source, lines in rest.lines.items():
            left[self._ledger.named(bucket, source)] -= lines
        for row, lines in left.items():
            if lines > 0:
                change.add(row, LOST, lines)
                change.add(row, BUFFERED, -lines)

    def giving_back(self, bucket: str, destination: str, stock: Stock) -> Change:
        """A cursor goes back before the stock: the destination is to get its lines again."""
        change = Change()
        for source, lines in stock.lines.items():
            row = self._ledger.named(bucket, source)
            change.add(row, BUFFERED, lines)
            terms = self._ledger.row(bucket, source).of.get(destination, Counter())
            rest = lines
            for term in _GIVEN_BACK:
                some = min(rest, max(terms[term], 0))
                change.add(row, term, -some)
                rest -= some
            change.add(row, DELIVERED, -rest)
        return change

    def apply(self, bucket: str, destination: str, change: Change) -> None:
        """The change is durable."""
        for source, terms in change.rows.items():
            row = self._ledger.row(bucket, source)
            for term, lines in terms.items():
                row.count_for(destination, term, lines)

    def checkpoint(
        self,
        log: BucketLog,
        turn: int,
        *,
        moving: tuple[str, int, Change] | None = None,
        notes: Mapping[str, Terms] | None = None,
    ) -> Checkpoint:
        """The log's terms as they stand now, or will when the cursor of `moving` has come to its offset."""
        cursors = {destination: cursor.offset for destination, cursor in log.cursors.items()}
        rows = {
            source: Row(Counter(row.shared), {one: Counter(terms) for one, terms in row.of.items()})
            for source, row in self._ledger.rows(log.bucket).items()
        }
        for source, terms in (notes or {}).items():
            rows[source].shared.update(terms)
        if moving is not None:
            destination, cursors[destination], change = moving
            for source, changed in change.rows.items():
                rows[source].of.setdefault(destination, Counter()).update(changed)
        for row in rows.values():
            for counts in row.of.values():
                del counts[BUFFERED]
        return Checkpoint(log.name, turn, log.end, cursors, rows, log.lines_gone)

    def _unaccounted(self, bucket: str, destination: str, term: str) -> dict[str, Counter[str]]:
        """Enter lines that came and are nowhere under the term; row -> how many."""
        found: dict[str, Counter[str]] = {}
        for source, row in self._ledger.rows(bucket).items():
            lines = row.difference(destination)
            if lines > 0:
                row.count_for(destination, term, lines)
                found[source] = Counter({term: lines})
        return found
