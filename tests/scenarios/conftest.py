"""What the scenarios stand on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.site import Site


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A site whose collector does not run yet; what runs at the end is ended."""
    one = Site(tmp_path / "one")
    yield one
    one.end()
