import ast
import re
import subprocess
import sys
from pathlib import Path

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


def test_the_page_shows_what_the_examples_run() -> None:
    """Every line of code on the page stands in an example, all of which are run."""
    run = {
        line.strip().rstrip(",") for path in (FOLDER / "examples").iterdir() for line in path.read_text().splitlines()
    }
    shown = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "instrument.md").read_text(), re.DOTALL)
    assert len(shown) == 5
    assert {line.strip() for block in shown for line in block.splitlines()} <= run
