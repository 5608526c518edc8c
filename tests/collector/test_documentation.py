"""docs/checks-and-transforms.md names every plugin, and its examples are valid."""

import re
from pathlib import Path

import pytest

from collector.check.catalog import CATALOG as CHECKS
from collector.config import CollectorConfig
from collector.transform.catalog import CATALOG as TRANSFORMS
from foundation.settings import decode
from tocsin.config import TocsinConfig

PAGE = Path(__file__).parents[2] / "docs" / "checks-and-transforms.md"


def chapters(part: str) -> dict[str, str]:
    """Title -> text of the chapters below `## part`."""
    text = PAGE.read_text().partition(f"\n## {part}\n")[2].partition("\n## ")[0]
    return {title: body for title, _, body in (piece.partition("\n") for piece in text.split("\n### ")[1:])}


def example(chapter: str) -> CollectorConfig:
    """The chapter's YAML as the front door reads it."""
    (yaml,) = re.findall(r"```yaml\n(.*?)```", chapter, re.DOTALL)
    return decode(TocsinConfig, yaml, name="page", folder=PAGE.parent, env={}).collector


def test_every_transform_has_its_chapter():
    """In the order of the catalog, with an example of its own kind."""
    found = chapters("Transforms")
    assert list(found) == list(TRANSFORMS)
    for kind, chapter in found.items():
        assert {config.kind for config in example(chapter).transforms} == {kind}


@pytest.mark.parametrize("name", CHECKS)
def test_every_check_has_its_chapter(name: str):
    """With an example that configures it."""
    checks = example(chapters("Checks")[name]).checks
    assert getattr(checks, name) != getattr(CollectorConfig().checks, name)
