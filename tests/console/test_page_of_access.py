"""docs/console.md: its command runs, and its configurations can be copied."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from foundation.settings import decode
from tests.fakes.process import ROOT
from tocsin.config import TocsinConfig

PAGE = (ROOT / "docs" / "console.md").read_text()
COMMAND = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)[0].split(">")[0].split()


@pytest.fixture(scope="module")
def hashed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder with the file that the page's command makes."""
    folder = tmp_path_factory.mktemp("access")
    with (folder / "console-password").open("wb") as file:
        subprocess.run(
            [sys.executable, "-m", *COMMAND], input=b"correct horse\n", stdout=file, cwd=ROOT, check=True, timeout=120
        )
    return folder


@pytest.mark.parametrize("block", re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL))
def test_each_way_in_can_be_copied(block: str, hashed: Path) -> None:
    """Each block is a tocsin.yml whose console others can reach."""
    config = decode(TocsinConfig, block, name="page", folder=hashed, env={})
    assert config.console.listen == "0.0.0.0:8080"


def test_a_password_that_is_too_short_is_no_password() -> None:
    """It is told on standard error, and nothing is printed that could become a file."""
    ran = subprocess.run(
        [sys.executable, "-m", *COMMAND], input=b"short\n", capture_output=True, cwd=ROOT, check=False, timeout=120
    )
    assert (ran.returncode, ran.stdout) == (2, b"")
    assert b"at least 8 characters" in ran.stderr
