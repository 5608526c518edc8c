"""docs/running.md: its configuration can be copied."""

from __future__ import annotations

import re

import pytest

from foundation.settings import decode
from tests.fakes.process import ROOT
from tocsin.config import TocsinConfig

PAGE = ROOT / "docs" / "running.md"


@pytest.mark.parametrize("block", re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL))
def test_what_the_page_says_of_tls_can_be_read(block: str) -> None:
    """Each block is a tocsin.yml, and listens with TLS."""
    config = decode(TocsinConfig, block, name="page", folder=PAGE.parent, env={})
    assert config.collector.tls is not None
    assert config.collector.tls.certificate == PAGE.parent / "collector.pem"
