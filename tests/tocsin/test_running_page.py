"""docs/running.md: its configuration can be copied."""

from __future__ import annotations

import re

import pytest

from foundation.settings import decode
from tests.fakes.process import ROOT
from tocsin.config import TocsinConfig
from tocsin.keyring import SPEAKERS
from tocsin.reaching import tls_of

PAGE = ROOT / "docs" / "running.md"


@pytest.mark.parametrize("block", re.findall(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL))
def test_what_the_page_says_of_tls_can_be_read(block: str) -> None:
    """Each block is a tocsin.yml whose roles listen with TLS, each with a certificate of its own."""
    config = decode(TocsinConfig, block, name="page", folder=PAGE.parent, env={})
    named = {role: own.certificate for role in SPEAKERS if (own := tls_of(config, role)) is not None}
    assert named
    assert named == {role: PAGE.parent / f"{role}.pem" for role in named}
