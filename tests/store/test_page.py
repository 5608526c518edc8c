"""docs/store.md: what it shows runs, and says what the page says."""

import re
import subprocess
import sys

import pytest

from tests.fakes.servers import ROOT

PAGE = (ROOT / "docs" / "store.md").read_text()
EXAMPLES = re.findall(r"```python\n(.*?)```\n\n```\n(.*?)```", PAGE, re.DOTALL)


def test_every_example_has_its_output() -> None:
    """No block of code stands there without what it prints."""
    assert len(EXAMPLES) == PAGE.count("```python\n") == 2


@pytest.mark.parametrize(("code", "printed"), EXAMPLES)
def test_an_example_prints_what_the_page_says(code: str, printed: str) -> None:
    """In a process of its own, as who copies it runs it."""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == (printed.strip(), "")
