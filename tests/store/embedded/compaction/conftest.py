"""A disordered file, made once."""

import shutil
from pathlib import Path

import pytest

from tests.fakes.disordered import make_disordered


@pytest.fixture(scope="session")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nobody opens it but to copy it."""
    path = tmp_path_factory.mktemp("disordered") / "telemetry.duckdb"
    make_disordered(path)
    return path


@pytest.fixture
def path(original: Path, tmp_path: Path) -> Path:
    """A disordered file of the test's own."""
    return Path(shutil.copy(original, tmp_path / "telemetry.duckdb"))
