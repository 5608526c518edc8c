"""What the seeded queries have to hold: each part of the grammar, and how it is known in a query's text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from typing import Final

_NAMES: Final = """
count distinct mean median mode spread stddev sum integral min max first last percentile top bottom sample
derivative non_negative_derivative difference non_negative_difference cumulative_sum moving_average elapsed
abs ceil floor round sqrt pow exp ln log log2 log10 sin cos tan asin acos atan atan2
"""
_CALLS: Final = tuple(_NAMES.split())
_STEP: Final = r"(?:derivative|difference|cumulative_sum|moving_average|elapsed)\("
_WINDOWED: Final = r"GROUP BY [^()]*time\("

CONSTRUCTS: Final[dict[str, str]] = {
    **{f"{name}()": rf"(?<![a-z_]){name}\(" for name in _CALLS},
    "distinct x": r"distinct [^(]",
    "count(distinct)": r"count\(distinct",
    "top or bottom by tags": r"(?:top|bottom)\([^()]+, [^()]+, \d\)",
    "top or bottom by time": rf"(?:top|bottom)\(.*{_WINDOWED}",
    "integral with a unit": r"integral\([^)]+, \w+\)",
    "a transformation of an aggregate": rf"{_STEP}\w+\(",
    "a transformation with a fill": rf"{_STEP}\w+\(.* fill\(",
    "a selector and other columns": r"SELECT (?:max|min|first|last)\([^()]+\), [^(]*FROM",
    "a function of *": r"\w\(\*\)",
    "a function of a regex": r"\w\(/",
    "a regex of fields": r"SELECT /",
    "*": r"SELECT \* FROM",
    "*::field or *::tag": r"\*::",
    "a cast": r"::(?:float|integer|string|boolean)",
    "an alias": r" AS renamed",
    "arithmetic": r"SELECT .*[\w\")] [-+*/%] [\w\"(].* FROM",
    "parentheses around a column": r"SELECT (?:[^()]*, )?\(+[\w\"]+\)",
    "parentheses around a call": r"SELECT (?:.*, )?\(\w+\(",
    "parentheses around an argument": r"\w\(\([^()]*\)",
    "parentheses around a tag grouped by": r"GROUP BY (?:[^()]*, )?\([\w\"]+\)",
    "parentheses around windows": r"GROUP BY .*\(time\(",
    "parentheses in a comparison": r"WHERE.*\([\w\"]+\) [=!<>]",
    "a number that is reckoned": r"\d - \(1\)\)",
    "the time among the columns": r"SELECT (?:.*, )?\(?time\b",
    "operators on bits": r"[&|^] 5",
    "arithmetic over windows": rf"\) [-+*/%] .*{_WINDOWED}",
    "a regex of measurements": r"FROM /",
    "several measurements": r"FROM (?:\w+|\"[^\"]*\"), [\w\"]",
    "a policy": r"FROM autogen\.",
    "a tag's =": r"WHERE.* = '",
    "a tag's !=": r"WHERE.* != '",
    "a tag's regex": r"WHERE.* =~ /",
    "a tag's regex, negated": r"WHERE.* !~ /",
    "order of tags": r" [<>] '[^t]",
    "a field's comparison": r" (?:<|<=|>|>=) -?\d{1,2}\b",
    "a boolean field's": r"= (?:true|false)",
    "arithmetic in a condition": r"WHERE.* \* 2 [<>=!]",
    "a math function in a condition": r"WHERE.*(?:abs|sqrt|ln|pow|acos|round)\([^()]+\) [<>=!]",
    "arithmetic of whole numbers in a condition": r"WHERE.* [-+*/%&|^] 5 [<>=!]",
    "AND and OR in parentheses": r"\([^()]+ (?:AND|OR) \([^()]+ (?:AND|OR) ",
    "time with a date": r"time >= '\d{4}-",
    "time with arithmetic": r"'\d{4}-\d\d-\d\d' \+ -?\d+s",
    "time with now()": r"now\(\)",
    "bounds before time": r"\d <= time",
    "GROUP BY a tag": r"GROUP BY (?!time|/|\*)",
    "GROUP BY *": r"GROUP BY \*",
    "GROUP BY a regex": r"GROUP BY /",
    "GROUP BY time and tags": r"GROUP BY time\([^)]*\), |, time\(",
    "an offset of windows": r"time\(\w+, ",
    **{f"fill({kind})": rf" fill\({kind}\)" for kind in ("none", "null", "previous", "linear", "0", "7", "-1.5")},
    "ORDER BY time DESC": r"ORDER BY time DESC",
    "ORDER BY time DESC, windows": rf"{_WINDOWED}.*DESC",
    "LIMIT": r" LIMIT \d",
    "OFFSET": r" OFFSET \d",
    "SLIMIT": r" SLIMIT \d",
    "SOFFSET": r" SOFFSET \d",
    "tz()": r" tz\('",
    "a subquery": r"FROM \(SELECT",
    "a subquery in a subquery": r"FROM \(SELECT .*FROM \(SELECT",
    "a subquery with a fill": r"FROM \(SELECT .* fill\([^)]*\)[^)]*\)",
    "several subqueries": r"\), \(SELECT",
    "a tag of a subquery": r"SELECT x, .* FROM \(SELECT",
    "SHOW MEASUREMENTS": r"^SHOW MEASUREMENTS$",
    "SHOW MEASUREMENTS WITH": r"^SHOW MEASUREMENTS WITH",
    "SHOW MEASUREMENTS WHERE": r"^SHOW MEASUREMENTS WHERE",
    "SHOW FIELD KEYS": r"^SHOW FIELD KEYS",
    "SHOW TAG KEYS": r"^SHOW TAG KEYS",
    "SHOW TAG VALUES": r"^SHOW TAG VALUES .*WITH KEY",
    "SHOW TAG VALUES WHERE": r"^SHOW TAG VALUES .*WHERE",
    "SHOW SERIES": r"^SHOW SERIES(?! EXACT| CARD)",
    "SHOW RETENTION POLICIES": r"^SHOW RETENTION POLICIES",
    "EXACT CARDINALITY": r"EXACT CARDINALITY",
    "CARDINALITY of each kind": r"(?:SERIES|MEASUREMENT|TAG KEY|TAG VALUES|FIELD KEY) (?:EXACT )?CARDINALITY",
    "a database that is not there": r"nowhere",
    "a field that is not there": r"nosuch",
}  # fmt: skip
"""What -> a pattern that finds it."""


def count_constructs(queries: Iterable[str]) -> Counter[str]:
    """In how many queries each stands."""
    found = Counter(dict.fromkeys(CONSTRUCTS, 0))
    for query in queries:
        found.update(name for name, pattern in CONSTRUCTS.items() if re.search(pattern, query))
    return found
