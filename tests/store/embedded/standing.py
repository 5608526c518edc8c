"""Texts as the reader is asked with them on the event loop."""

from __future__ import annotations

from influxql.standing import Standing, StandingTexts


def standing(text: str, texts: StandingTexts | None = None) -> Standing:
    """A text that came before."""
    known = texts or StandingTexts()
    for _ in range(2):
        known.parse(text)
    found = known.find(text)
    assert found is not None
    return found
