"""docs/influxql.md: its tables of functions and statements are those of the code."""

import re
from typing import Any

import pytest

from influxql.ast import CreateDatabase, Unimplemented
from influxql.functions import AGGREGATES, MATH, REFUSED, TRANSFORMATIONS
from influxql.parser import parse
from tests.fakes.servers import ROOT

PAGE = (ROOT / "docs" / "influxql.md").read_text()


def cells(heading: str) -> list[list[str]]:
    """The rows of the first table behind a heading, without its head."""
    table = PAGE.partition(heading + "\n")[2].partition("\n|")[2].partition("\n\n")[0]
    rows = [line.strip("| ").split(" | ") for line in f"|{table}".splitlines()]
    return rows[2:]


def names(*rows: str) -> set[str]:
    """Functions in rows of what is answered."""
    found = {row[0]: " ".join(row[1:]) for row in cells("## What is answered")}
    code = [span for row in rows for span in re.findall(r"`([^`]+)`", found[row])]
    return {word for span in code for word in re.findall(r"[a-z_0-9]+", span.partition("(")[0])}


def test_functions_that_are_answered() -> None:
    """All that the code knows, and no others."""
    assert names("aggregates", "selectors") == set(AGGREGATES)
    assert names("transformations") == set(TRANSFORMATIONS)
    assert names("arithmetic") == set(MATH)


def test_functions_that_are_refused() -> None:
    """Each by its name."""
    told = {name for row in cells("### Functions that are refused") for name in re.findall(r"`([a-z_]+)`", row[0])}
    assert told == set(REFUSED)


STATEMENTS = cells("### Statements, against the language reference")


@pytest.mark.parametrize("row", STATEMENTS, ids=lambda row: row[0])
def test_statements_are_answered_or_not_as_the_table_says(row: list[Any]) -> None:
    """Every example parses, and is what its row says."""
    name, example, here, _ = row
    (statement,) = parse(example.strip("`"))
    if isinstance(statement, Unimplemented):
        assert here.startswith("not implemented")
        assert name.startswith(statement.name.removesuffix(" ALL"))
    elif isinstance(statement, CreateDatabase):
        assert here.endswith("not implemented")
    else:
        assert here == "answered"


def test_the_table_has_every_kind_of_statement() -> None:
    """Also what is added to the language later."""
    kinds = {type(parse(row[1].strip("`"))[0]).__name__ for row in STATEMENTS}
    assert kinds >= {"Select", "Delete", "DropMeasurement", "DropSeries", "ShowCardinality", "ShowRetentionPolicies"}
    assert len(STATEMENTS) > 40
