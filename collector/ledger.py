"""What became of every line since this process started, by bucket and source.

    received + carried = delivered + buffered + rejected + dead + taken out

Each term is counted where it happens and none is made from the others: the door counts received, rejected and taken
out, delivery counts delivered and dead, the buffer knows what it holds, and what it held at the start is carried.
Sources are bounded: those beyond the bound share one row. Not kept over a restart; see docs/ledger.md.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

MOST_SOURCES = 1_000
OTHERS = "(others)"
EARLIER = "(before the start)"
"""The source of what a process before this one left in the buffer, or had brought to the store already."""
RECEIVED, DELIVERED, DEAD, CARRIED = "received", "delivered", "dead", "carried"
REJECTED, TAKEN_OUT = "rejected", "taken_out"
_SPLIT = frozenset({REJECTED, TAKEN_OUT})
"""Terms with a reason each."""


@dataclass(frozen=True, slots=True)
class Balance:
    """One bucket's terms and what the buffer holds now; `difference` is zero where they close.

    While lines move, it is what was just between two places.
    """

    bucket: str
    terms: Mapping[str, int]
    rejected: Mapping[str, int]
    taken_out: Mapping[str, int]
    buffered: int
    sources: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    @property
    def difference(self) -> int:
        """Lines that came and are nowhere; negative when more are accounted for than came."""
        gone = self.terms.get(DELIVERED, 0) + self.terms.get(DEAD, 0) + self.buffered
        gone += sum(self.rejected.values()) + sum(self.taken_out.values())
        return self.terms.get(RECEIVED, 0) + self.terms.get(CARRIED, 0) - gone


class Ledger:
    """The terms. Used from the event loop only."""

    def __init__(self) -> None:
        self._entries: dict[tuple[str, str], Counter[tuple[str, str]]] = {}

    def count(self, bucket: str, source: str, term: str, lines: int, reason: str = "") -> None:
        """Add lines to a term; rejected and taken out have a reason."""
        if not lines:
            return
        entry = self._entries.get((bucket, source))
        if entry is None:
            source = source if len(self._entries) < MOST_SOURCES else OTHERS
            entry = self._entries.setdefault((bucket, source), Counter())
        entry[term, str(reason)] += lines

    def buckets(self) -> frozenset[str]:
        """Every bucket that something was counted for."""
        return frozenset(bucket for bucket, _ in self._entries)

    def balance(self, bucket: str, buffered: int) -> Balance:
        """The terms of a bucket, whose buffer holds `buffered` lines now."""
        terms: Counter[str] = Counter()
        reasons: dict[str, Counter[str]] = {REJECTED: Counter(), TAKEN_OUT: Counter()}
        sources: dict[str, Counter[str]] = {}
        for (of, source), entry in self._entries.items():
            for (term, reason), lines in entry.items() if of == bucket else ():
                sources.setdefault(source, Counter())[term] += lines
                if term in _SPLIT:
                    reasons[term][reason] += lines
                else:
                    terms[term] += lines
        return Balance(bucket, terms, reasons[REJECTED], reasons[TAKEN_OUT], buffered, sources)
