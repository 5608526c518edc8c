"""The house's manners that are about words: what is promised in a text is there, what is there has its text."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.test_manners import PACKAGES, ROOT, sources
from tests.tocsin.test_arguments import commands
from tocsin.arguments import parser

FAMILIES = {"Counter", "Gauge", "Histogram", "CounterMetricFamily", "GaugeMetricFamily"}
LISTED = re.compile(r" by (?:reason|outcome|health|state|policy): (.*)\.$")
WORD = re.compile(r"^[a-z_-]+$")
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
MOST_FUNCTION_LINES = 60
IGNORES = re.compile(r"# noqa(?!: [A-Z]+\d+(?:, ?[A-Z]+\d+)* - \S)|# type: ignore(?!\[[a-z, -]+\]  # \S)")
POSTPONED = re.compile(r"\b(?:TODO|FIXME|XXX|HACK)\b")


def listed(text: str) -> set[str]:
    """The reasons that a metric's help names; explanations in brackets and words like `a transform` are none."""
    found = LISTED.search(re.sub(r" \([^)]*\)", "", text))
    words = re.split(r", | or ", found[1]) if found else []
    return {word for word in words if WORD.match(word)}


def constants(path: Path) -> Iterator[str]:
    """Every text that stands in a module by itself."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def promised(path: Path) -> Iterator[tuple[str, set[str]]]:
    """Each metric that a module registers and the reasons that its help names."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in FAMILIES:
            texts = [one.value for one in node.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
            if len(texts) > 1:
                yield texts[0], listed(texts[1])


@pytest.mark.parametrize("package", ["collector", "alerting", "tocsin", "store", "console"])
def test_every_reason_that_a_metric_names_is_counted_somewhere(package: str) -> None:
    """A reason in a help text that no code gives would be waited for in vain on a board or in a rule."""
    metrics = [one for path in sources(package) for one in promised(path)]
    known = {text for path in sources(package) for text in constants(path)}

    assert metrics
    assert [(name, reasons - known) for name, reasons in metrics if reasons - known] == []


def test_the_reader_of_help_texts_finds_reasons() -> None:
    """The test above can fail."""
    text = "Lines not shown, by reason: slow (its queue was full), too_long, a transform or stopped."
    assert listed(text) == {"slow", "too_long", "stopped"}


def test_every_command_is_in_the_documentation() -> None:
    """Whoever reads the README and its pages meets each command that can be typed."""
    text = "\n".join(page.read_text() for page in PAGES)
    lacking = [" ".join(words) for words in commands(parser()) if words and f"tocsin {' '.join(words)}" not in text]

    assert lacking == []


def test_every_page_is_in_the_readme() -> None:
    """A page without a link is read by nobody."""
    readme = (ROOT / "README.md").read_text()

    assert [page.name for page in PAGES[1:] if f"docs/{page.name}" not in readme] == []


def test_every_test_says_what_it_holds() -> None:
    """The first line of each test is the rule that it keeps."""
    silent = [
        f"{path}: {node.name}"
        for path in sources("tests")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
        and not ast.get_docstring(node)
    ]

    assert silent == []


def test_whoever_silences_a_checker_says_why() -> None:
    """An ignore names the rule, and its reason stands beside it; nothing is put off in a comment."""
    found = [
        f"{path}:{number}: {line.strip()}"
        for path in sources(*PACKAGES, "benchmarks", "tests")
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if path != Path(__file__) and (IGNORES.search(line) or POSTPONED.search(line))
    ]

    assert found == []


def test_no_function_outgrows_a_screen() -> None:
    """Sixty lines, but for the flat lists in which metrics are registered; and nothing reaches for a global."""
    for path in sources(*PACKAGES, "benchmarks"):
        for node in ast.walk(ast.parse(path.read_text())):
            assert not isinstance(node, ast.Global), f"{path}:{node.lineno}"
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or node.lineno) - node.lineno + 1
                assert lines <= MOST_FUNCTION_LINES or path.name == "metrics.py", f"{path}: {node.name}"


@pytest.mark.parametrize("package", ["collector", "alerting", "store", "influxql", "tocsin", "instrument"])
def test_every_room_s_docstring_is_its_map(package: str) -> None:
    """Whoever enters a room reads what every file and every room inside is for."""
    for entrance in (ROOT / package).rglob("__init__.py"):
        room, map_ = entrance.parent, ast.get_docstring(ast.parse(entrance.read_text())) or ""
        inside = {path.stem for path in room.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
        unnamed = [name for name in inside - {"__init__", "__main__"} if not re.search(rf"\b{name}\b", map_)]
        assert unnamed == [], room
