import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes.process import ROOT

FOLDER = ROOT / "instrument"


def test_nothing_but_the_standard_library_is_imported() -> None:
    """Nothing of the server, and no framework, lands in an app."""
    allowed = sys.stdlib_module_names | {"tocsin_instrument"}
    for path in (FOLDER / "tocsin_instrument").glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert {name.split(".")[0] for name in names} <= allowed, path


def test_it_installs_by_itself(tmp_path: Path) -> None:
    """As a wheel without requirements, which holds the package and nothing of the tree around it."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    copied = tmp_path / "source"
    subprocess.run(["cp", "-r", str(FOLDER), str(copied)], check=True)
    subprocess.run([*command, "--target", str(tmp_path / "site"), str(copied)], check=True)
    installed = {path.name for path in (tmp_path / "site").iterdir() if not path.name.endswith(".dist-info")}
    assert installed == {"tocsin_instrument"}
    asked = (
        "import tocsin_instrument.asgi, tocsin_instrument.flask, tocsin_instrument.aiohttp, tocsin_instrument.django"
    )
    subprocess.run([sys.executable, "-S", "-c", asked], cwd=tmp_path / "site", check=True)


@pytest.mark.parametrize(("page", "blocks"), [("docs/instrument.md", 5), ("instrument/README.md", 5)])
def test_the_pages_show_what_the_examples_run(page: str, blocks: int) -> None:
    """Every line of code on a page stands in an example, all of which are run."""
    run = {
        line.strip().rstrip(",") for path in (FOLDER / "examples").iterdir() for line in path.read_text().splitlines()
    }
    shown = re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(), re.DOTALL)
    assert len(shown) == blocks
    assert {line.strip() for block in shown for line in block.splitlines()} - run == set()


def runs(python: Path) -> bool:
    """Whether it is one: a version manager leaves a script for each that could be."""
    return python.is_file() and not subprocess.run([python, "-c", ""], check=False, capture_output=True).returncode


@pytest.mark.parametrize("version", ["3.9", "3.10", "3.12", "3.13"])
def test_it_runs_on_what_apps_run_on(version: str) -> None:
    """From the oldest that its metadata names on: all is imported and a point goes out, and warnings are errors."""
    for path in (FOLDER / "tocsin_instrument").glob("*.py"):
        ast.parse(path.read_text(), feature_version=(3, 9))
    places = (*(Path.home() / ".pyenv" / "versions").glob(f"{version}.*/bin"), *os.environ["PATH"].split(os.pathsep))
    found = next((path for place in places if runs(path := Path(place) / f"python{version}")), None)
    if found is None:
        pytest.skip(f"python{version} is not here; its grammar was looked at")
    modules = ", ".join(f"tocsin_instrument.{one}" for one in ("asgi", "wsgi", "flask", "aiohttp", "django"))
    code = f"""
import {modules}
from tocsin_instrument import Settings, Telemetry
from tocsin_instrument.transport import Answer
class Taken:
    def send(self, body): return Answer(204)
    def close(self): pass
telemetry = Telemetry(Settings("shop"), transport=lambda _: Taken())
def app(environ, start):
    start("200 OK", [])
    return [b""]
told = tocsin_instrument.wsgi.TocsinMiddleware(app, telemetry=telemetry)
assert list(told({{"REQUEST_METHOD": "GET"}}, lambda *_: None)) == [b""]
telemetry.record("m", {{"a": 1}}, {{"f": 1.5}})
telemetry.close(60.0)
assert telemetry.counts.sent == 3, telemetry.counts
"""
    ran = subprocess.run(
        [found, "-W", "error", "-S", "-c", code], cwd=FOLDER, capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stderr) == (0, "")
