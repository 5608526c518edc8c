"""Which queries the console passes on: one statement that reads. The collector decides about everything else."""

from __future__ import annotations

import re

_READS = re.compile(r"\s*(?:SELECT|SHOW)\s", re.IGNORECASE)
_WRITES = re.compile(r'\bINTO\s+[\w".:]+\s+FROM\b', re.IGNORECASE)


def why_not(statement: str) -> str | None:
    """None when the statement may pass, else one sentence that says why it may not.

    A semicolon is refused wherever it stands: telling a quoted one from a real one takes a whole parser, and a second
    statement behind a first that reads is just what must not slip through.
    """
    if not _READS.match(statement):
        return "only SELECT and SHOW pass through the console; send anything else to the collector itself"
    if ";" in statement:
        return "one statement at a time, without a semicolon"
    if _WRITES.search(statement):
        return "SELECT INTO writes, and the console only reads"
    return None
