"""The house's manners that no linter knows: names, sizes, tests that never sleep, documents that are fresh."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = (
    *("tocsin", "collector", "alerting", "store", "influxql"),
    *("foundation", "console", "grafana", "demo", "instrument"),
)
MOST_LINES = 450
BANNED = {"utils", "util", "helpers", "helper", "common", "misc", "base", "manager", "service", "processor", "handler"}
BANNED_ENDINGS = ("Manager", "Helper", "Processor", "Util", "Utils")


def sources(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def test_rooms_have_names_that_say_something() -> None:
    """No drawer called utils or helpers, no class called Manager."""
    assert not [path for path in sources(*PACKAGES) if path.stem in BANNED]
    for path in sources(*PACKAGES):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ClassDef):
                assert not node.name.endswith(BANNED_ENDINGS), f"{path}: {node.name}"


def test_no_file_outgrows_its_concept() -> None:
    """A file that grows past the limit has a concept in it that wants a room of its own."""
    assert not [str(path) for path in sources(*PACKAGES) if len(path.read_text().splitlines()) > MOST_LINES]


def test_every_module_says_what_stands_in_it() -> None:
    """Module docstrings are the map of the house."""
    for path in sources(*PACKAGES):
        assert ast.get_docstring(ast.parse(path.read_text())), path


def test_tests_never_sleep() -> None:
    """A test waits on a condition with a deadline, never for real time to pass; under looptime no time passes."""
    polls = {"polling.py", "influxd.py", "smtp.py"}
    virtual = {"desk.py", "reader.py", "test_evaluator.py", "scene.py", "test_rest.py"}
    sleeping = re.compile(r"\btime\.sleep\(|asyncio\.sleep\((?!0\))")
    for path in sources("tests"):
        if path.name not in polls | virtual and path != Path(__file__):
            assert not sleeping.search(path.read_text()), path


def test_every_tests_folder_is_a_package() -> None:
    """Without the chain of __init__.py, `import collector` finds the tests' folder of that name."""
    for folder in (ROOT / "tests").rglob("*"):
        if folder.is_dir() and any(folder.glob("*.py")):
            assert (folder / "__init__.py").exists(), folder


@pytest.mark.parametrize("generator", ["tocsin.docs", "grafana"])
def test_what_is_generated_is_fresh(generator: str) -> None:
    """`make docs` and `make boards` leave nothing to change."""
    checked = subprocess.run(
        [sys.executable, "-m", generator, "--check"], capture_output=True, text=True, check=False, cwd=ROOT
    )

    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_every_metric_is_documented() -> None:
    """A metric that any room registers stands in docs/metrics.md; so one that is left out of the page is found."""
    page = (ROOT / "docs" / "metrics.md").read_text()
    registered = re.compile(r'(?i:counter|gauge|histogram|metricfamily)\(\s*f?"(tocsin_\w+)"')
    names = {name for path in sources(*PACKAGES) for name in registered.findall(path.read_text())}

    assert names
    assert not [name for name in sorted(names) if f"`{name.removesuffix('_total')}" not in page]
