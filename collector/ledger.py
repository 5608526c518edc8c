"""What became of every line, by bucket and source: the terms, and what of them is not durable yet. Pure.

    received + carried = rejected + taken out                                  (shared by all destinations)
                       + delivered + buffered + dead + skipped + lost + earlier    (for each destination)

Each term is counted where it happens and none is made from the others; docs/ledger.md says where. The buffer writes
the terms down beside the lines that they are about and enters them here in the same moment, so the ledger closes
whenever it is looked at, and again after any crash. What was counted for bodies of which no line is left (`note`) waits
here until the buffer has written it down.

Memory is bounded: sources beyond `MOST_SOURCES` share one row of their bucket. A bucket that has such a row gives no
source a new one, so that no source's terms stand in two places.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

MOST_SOURCES = 1_000
"""Rows of their own, in all buckets together."""
OTHERS = "(others)"
RECEIVED, CARRIED, REJECTED, TAKEN_OUT = "received", "carried", "rejected", "taken_out"
DELIVERED, BUFFERED, DEAD = "delivered", "buffered", "dead"
SKIPPED, LOST, EARLIER = "skipped", "lost", "earlier"
PASSED = (DELIVERED, DEAD, SKIPPED, LOST, EARLIER)
"""What may become of a line that was buffered, for one destination."""

Terms = Mapping[tuple[str, str], int]
"""(term, reason) -> lines; the reason is empty but for rejected and taken out."""


@dataclass(frozen=True, slots=True)
class Account:
    """What the door counted of a body (or of several): lines received, rejected by reason, taken out by policy."""

    received: int
    rejected: Mapping[str, int] = field(default_factory=dict)
    taken_out: Mapping[str, int] = field(default_factory=dict)

    def terms(self) -> Counter[tuple[str, str]]:
        """The same, to be added up."""
        terms = Counter({(RECEIVED, ""): self.received})
        for term, reasons in ((REJECTED, self.rejected), (TAKEN_OUT, self.taken_out)):
            for reason, lines in reasons.items():
                terms[term, str(reason)] += lines
        return terms


@dataclass(frozen=True, slots=True)
class Brought:
    """What became of lines that a cursor passes, by source: taken by the destination, or refused for good."""

    delivered: Mapping[str, int]
    dead: Mapping[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Row:
    """The terms of one source: shared by all destinations, and of each (destination -> term -> lines)."""

    shared: Counter[tuple[str, str]] = field(default_factory=Counter)
    of: dict[str, Counter[str]] = field(default_factory=dict)

    def count_for(self, destination: str, term: str, lines: int) -> None:
        """Add to a term of one destination."""
        terms = self.of.get(destination)
        if terms is None:
            terms = self.of[destination] = Counter()
        terms[term] += lines

    def difference(self, destination: str) -> int:
        """Lines that came and are nowhere; negative when more are accounted for than came."""
        came = gone = 0
        for (term, _), lines in self.shared.items():
            if term in (RECEIVED, CARRIED):
                came += lines
            else:
                gone += lines
        return came - gone - sum(self.of.get(destination, {}).values())


@dataclass(frozen=True, slots=True)
class Statement:
    """Terms as they are shown; `difference` is zero where they close."""

    terms: Mapping[str, int]
    rejected: Mapping[str, int]
    taken_out: Mapping[str, int]
    difference: int


@dataclass(frozen=True, slots=True)
class Balance:
    """One bucket's terms for one destination: of all sources, and of each."""

    bucket: str
    destination: str
    whole: Statement
    sources: Mapping[str, Statement]

    @property
    def closes(self) -> bool:
        """Whether every line is accounted for, of every source."""
        return not any(source.difference for source in self.sources.values())


class Ledger:
    """The terms. Used from the event loop only."""

    def __init__(self) -> None:
        self._rows: dict[str, dict[str, Row]] = {}
        self._own_rows = 0
        self._notes: dict[str, dict[str, Counter[tuple[str, str]]]] = {}
        self._under_way: dict[str, dict[str, Counter[tuple[str, str]]]] = {}

    def row(self, bucket: str, source: str) -> Row:
        """Where the source's lines are counted."""
        return self._row(bucket, self.named(bucket, source))

    def named(self, bucket: str, source: str) -> str:
        """The name of the source's row: its own while there are few, else the one that the others share."""
        rows = self._rows.setdefault(bucket, {})
        if source in rows:
            return source
        if OTHERS in rows or self._own_rows >= MOST_SOURCES:
            _ = self._row(bucket, OTHERS)
            return OTHERS
        _ = self._row(bucket, source)
        return source

    def count(
        self, bucket: str, source: str, term: str, lines: int, reason: str = "", *, destination: str = ""
    ) -> None:
        """Add lines to a durable term: one of a destination's own, or without it one shared by all."""
        row = self.row(bucket, source)
        if destination:
            row.count_for(destination, term, lines)
        else:
            row.shared[term, str(reason)] += lines

    def enter(self, bucket: str, source: str, terms: Terms) -> None:
        """Add what the door counted and the buffer has made durable."""
        self.row(bucket, source).shared.update(terms)

    def note(self, bucket: str, source: str, account: Account) -> None:
        """Keep what the door counted until the buffer has made it durable."""
        rows = self._notes.setdefault(bucket, {})
        rows.setdefault(self.named(bucket, source), Counter()).update(account.terms())

    @property
    def noted(self) -> bool:
        """Whether something waits to be made durable."""
        return bool(self._notes)

    def take_notes(self) -> Mapping[str, Mapping[str, Terms]]:
        """Bucket -> row -> what waits to be made durable; `settle_notes` says for each bucket whether it was."""
        self._under_way, self._notes = self._notes, {}
        return self._under_way

    def settle_notes(self, bucket: str, *, durable: bool) -> None:
        """What was taken of the bucket's notes is durable, or waits on."""
        rows = self._under_way.pop(bucket, {})
        for source, terms in rows.items():
            if durable:
                self._row(bucket, source).shared.update(terms)
            else:
                self._notes.setdefault(bucket, {}).setdefault(source, Counter()).update(terms)

    def rows(self, bucket: str) -> Mapping[str, Row]:
        """The bucket's rows, durable terms only."""
        return self._rows.get(bucket, {})

    def restore(self, bucket: str, source: str, row: Row) -> None:
        """Put back a row as it was written down."""
        there = self._row(bucket, source)
        there.shared.update(row.shared)
        for destination, terms in row.of.items():
            for term, lines in terms.items():
                there.count_for(destination, term, lines)

    def balances(self, destinations: Sequence[str]) -> list[Balance]:
        """The terms of every bucket for every one of these destinations, what is not durable yet included."""
        return [self.balance(bucket, one) for bucket in sorted(self._rows) for one in destinations]

    def balance(self, bucket: str, destination: str) -> Balance:
        """The terms of a bucket, for one destination."""
        whole, sources = Row(), dict[str, Statement]()
        for source, row in self._rows.get(bucket, {}).items():
            shown = Row(self._with_notes(bucket, source, row), row.of)
            sources[source] = _statement(shown, destination)
            whole.shared.update(shown.shared)
            for term, lines in row.of.get(destination, {}).items():
                whole.count_for(destination, term, lines)
        return Balance(bucket, destination, _statement(whole, destination), sources)

    def _with_notes(self, bucket: str, source: str, row: Row) -> Counter[tuple[str, str]]:
        parts: Iterable[Terms] = (notes.get(bucket, {}).get(source, {}) for notes in (self._notes, self._under_way))
        shared = Counter(row.shared)
        for part in parts:
            shared.update(part)
        return shared

    def _row(self, bucket: str, source: str) -> Row:
        rows = self._rows.setdefault(bucket, {})
        row = rows.get(source)
        if row is None:
            row = rows[source] = Row()
            self._own_rows += source != OTHERS
        return row


def _statement(row: Row, destination: str) -> Statement:
    terms = Counter(row.of.get(destination, {}))
    reasons: dict[str, dict[str, int]] = {REJECTED: {}, TAKEN_OUT: {}}
    for (term, reason), lines in row.shared.items():
        if term in reasons:
            reasons[term][reason] = lines
        else:
            terms[term] += lines
    return Statement(terms, reasons[REJECTED], reasons[TAKEN_OUT], row.difference(destination))
