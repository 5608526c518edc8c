"""The documented picture is the table's."""

from alerting.diagram import PAGE, page
from alerting.state import Finding, Phase


def test_the_page_is_fresh():
    """docs/alert-states.md is what the table draws; `python -m alerting.diagram` writes it."""
    assert PAGE.read_text(encoding="utf-8") == page()


def test_the_page_shows_everything():
    """Every phase has a row, every finding a column and an explanation, and the best known edge is drawn."""
    text = page()
    assert all(f"| **{phase}** |" in text for phase in Phase)
    assert all(text.count(f"| `{finding}` |") == 2 for finding in Finding)
    assert "pending --> firing: bad long - fired" in text
