"""A mail as a browser shows it, on a desk and on a phone in the dark."""

from __future__ import annotations

from pathlib import Path

import pytest

from alerting.notify.email_html import page
from tests.alerting.notify.messages import NOW, alert, ended, message
from tests.fakes.browser import open_page, running_browser

LONG = "https://example.org/" + "a" * 200
SAID = message(
    alert(
        summary="/pay: p95 912 ms <img src='http://127.0.0.1:9/x.png'>",
        reason="912 >= 800",
        description=f"People cannot pay.\n{LONG}",
        runbook_url="https://example.org/runbooks/checkout-is-slow?from=mail&who=on-call",
    ),
    ended(summary="/cart: p95 412 ms"),
    url="http://127.0.0.1:8080/alerts",
    muted=("2 alerts silenced by ann until 15:00: moving the database",),
)


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark")])
async def test_it_fits_the_screen_and_asks_nobody_for_anything(tmp_path: Path, width: int, scheme: str) -> None:
    """Nothing reaches beyond the screen's side, words stand out from the page, and no address is called."""
    (tmp_path / "mail.html").write_text(page(SAID, NOW))
    asked: list[str] = []
    async with (
        running_browser() as browser,
        open_page(browser, "about:blank", color_scheme=scheme) as seen,
    ):
        seen.page.on("request", lambda request: asked.append(request.url))
        await seen.page.set_viewport_size({"width": width, "height": 844})
        await seen.page.goto(f"file://{tmp_path}/mail.html")
        assert await seen.page.evaluate("document.documentElement.scrollWidth") <= width
        ground = "getComputedStyle(document.documentElement).colorScheme"
        assert await seen.page.evaluate(ground) == "light dark"
        ink = await seen.page.evaluate("getComputedStyle(document.body).color")
        assert ink == {"light": "rgb(0, 0, 0)", "dark": "rgb(255, 255, 255)"}[scheme]
        assert await seen.page.get_by_text("/pay: p95 912 ms").count() == 2
        await seen.keep(f"mail-{scheme}-{width}")

    assert asked == [f"file://{tmp_path}/mail.html"]
    assert seen.complaints == []
