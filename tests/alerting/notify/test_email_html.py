"""The HTML of a mail holds nothing but our own elements, fetches nothing, and links only where a plain address says."""

from __future__ import annotations

import pytest

from alerting.notify.contract import Message, Status
from alerting.notify.email_html import page
from tests.alerting.notify.messages import NOW, alert, ended, message
from tests.alerting.notify.reading import look

OURS = {"html", "head", "meta", "style", "body", "div", "p", "span", "br", "a"}
BAITS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "</style></p><iframe src='https://evil.example'>",
    '"><a href="https://evil.example">click</a>',
    "{{ 7 * 7 }}{% raw %}",
    "&lt;b&gt; &amp; <b>",
]


@pytest.mark.parametrize("bait", BAITS)
def test_what_comes_from_labels_is_shown_as_it_is_written(bait: str) -> None:
    """Markup in every place that others fill stays text: no element, no attribute, no link comes of it."""
    view = alert(
        summary=bait,
        description=bait,
        reason=bait,
        labels={"alertname": bait, "severity": bait, bait: bait},
        runbook_url=f"https://example.org/{bait}",
    )
    seen = look(page(message(view, severity=bait, muted=(bait,), note=bait, url=bait), NOW))

    assert seen.tags <= OURS
    assert seen.attributes <= {"style", "href", "lang", "charset", "name", "content"}
    assert all(link.startswith("https://example.org/") for link in seen.links)
    assert seen.text.count(bait) >= 6


def test_nothing_is_fetched() -> None:
    """No image, script, font or sheet; the only addresses are links that somebody has to follow."""
    shown = page(message(alert(runbook_url="https://example.org/r"), url="http://127.0.0.1:8080/alerts"), NOW)

    assert look(shown).links == ["https://example.org/r", "http://127.0.0.1:8080/alerts"]
    assert [word for word in ("src=", "url(", "@import", "<link") if word in shown] == []


@pytest.mark.parametrize("url", ["javascript:alert(1)", "data:text/html,x", "docs/slow.md", "https://x/ y", "//x", ""])
def test_what_is_no_plain_web_address_is_no_link(url: str) -> None:
    """It is told as text, if there is anything to tell."""
    seen = look(page(message(alert(runbook_url=url), url=url), NOW))

    assert seen.links == []
    assert not url or f"runbook: {url}" in seen.text


@pytest.mark.parametrize(
    ("said", "colour"),
    [
        (message(), "#d92d20"),
        (message(alert(labels={"alertname": "x", "severity": "warning"}), severity="warning"), "#b35c00"),
        (message(ended(), status=Status.RESOLVED), "#2e9e5b"),
    ],
)
def test_colour_says_how_bad_it_is(said: Message, colour: str) -> None:
    """Critical, warning and over have a colour each; the word stands beside it."""
    assert f"border-left:6px solid {colour}" in page(said, NOW)


def test_it_is_readable_on_a_phone_and_in_the_dark() -> None:
    """It takes the screen's width, and sets no colour of page or text that a dark mode would have to fight."""
    shown = page(message(), NOW)

    assert 'content="width=device-width, initial-scale=1"' in shown
    assert "color-scheme: light dark" in shown
    assert "background" not in shown


def test_a_large_group_is_counted() -> None:
    """Twenty alerts are told, the others are a number."""
    seen = look(page(message(*[alert()] * 50), NOW))

    assert seen.text.count("since 2026-11-22") == 20
    assert "... and 30 more alerts." in seen.text
