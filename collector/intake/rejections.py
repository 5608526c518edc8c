"""What is said about a body with lines that were not taken: influxd's status and words, and each line's number.

400  a line that is none; with `bad_lines: keep` the others were taken (1.x calls that a partial write)
422  lines that are, but that the store would refuse; the others were taken
"""

from __future__ import annotations

from collector.intake.answers import Refusal
from collector.pipeline import Outcome
from collector.verdict import Cause, Rejection

MOST_SHOWN = 100
"""Rejections that an answer lists; it counts all."""
_MOST_SHOWN_BYTES = 512
_CONFLICT = "failure writing points to database: partial write: "


def refusal_of(outcome: Outcome, *, whole: bool) -> Refusal:
    """The answer to a body with rejections; `whole` when such a body is refused as a whole."""
    syntax = outcome.refused.get(Cause.SYNTAX, 0)
    shown = outcome.listed[:MOST_SHOWN]
    extra = {
        "accepted": outcome.accepted,
        "rejected": outcome.dropped,
        "lines": [
            {"number": entry.number, "reason": entry.objection.reason, "cause": entry.objection.cause}
            for entry in shown
        ],
    }
    if not syntax:
        message = _CONFLICT + "; ".join(dict.fromkeys(entry.objection.reason for entry in shown))
        return Refusal(422, f"{message} dropped={outcome.dropped}", extra=extra)
    if whole:
        words = "\n".join(map(_in_influxds_words, shown)) or f"unable to parse {syntax} lines"
        return Refusal(400, words, extra=extra)
    lines = "\n".join(f"line {entry.number}: {_in_influxds_words(entry)}" for entry in shown)
    more = "" if len(shown) >= outcome.dropped else f"\nand {outcome.dropped - len(shown)} more"
    return Refusal(400, f"partial write: {lines}{more} dropped={outcome.dropped}", extra=extra)


def _in_influxds_words(entry: Rejection) -> str:
    if entry.objection.cause is not Cause.SYNTAX:
        return entry.objection.reason
    line = entry.line[:_MOST_SHOWN_BYTES].decode("utf-8", "replace")
    return f"unable to parse '{line}': {entry.objection.reason}"
