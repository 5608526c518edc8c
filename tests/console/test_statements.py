"""Only what reads passes through the console, one statement at a time."""

import pytest

from console.statements import why_not


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT mean(x) FROM m",
        "select x from m",
        "  SELECT x\nFROM m",
        "SHOW TAG VALUES FROM m WITH KEY = k",
        "SELECT x FROM m WHERE tag = 'into' AND other = 'from'",
        'SELECT x FROM "into"',
    ],
)
def test_what_reads_passes(statement: str):
    """SELECT and SHOW, however they are written, also where a name or value looks like a keyword."""
    assert why_not(statement) is None


@pytest.mark.parametrize(
    ("statement", "reason"),
    [
        ("DROP MEASUREMENT m", "only SELECT and SHOW"),
        ("", "only SELECT and SHOW"),
        ("SELECTION", "only SELECT and SHOW"),
        ("DELETE FROM m", "only SELECT and SHOW"),
        ("SELECT x FROM m; DROP MEASUREMENT m", "one statement at a time"),
        ("SELECT x FROM m WHERE t =~ /'/; DROP MEASUREMENT m --'", "one statement at a time"),
        ('SELECT x INTO "y" FROM m', "INTO writes"),
        ("SELECT x into a.b.c from m", "INTO writes"),
    ],
)
def test_everything_else_is_refused_with_its_reason(statement: str, reason: str):
    """A statement that writes, or a second one behind the first, is named for what it is."""
    assert reason in (why_not(statement) or "")
