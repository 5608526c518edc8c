"""Pictures of what receivers were really sent: a mail as Chromium shows it, and Slack's blocks drawn as plain HTML.

`picture.py` calls it. The second is no screenshot of Slack: it draws the header line, the coloured bar and the mrkdwn
of the very message that `chat.update` was sent, so that one sees what it says; the picture says so itself.
"""

from __future__ import annotations

import html
import re
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from playwright.async_api import Browser

from tests.fakes.browser import open_page

_EMOJI = re.compile(r":[a-z_]+:")
_SLACK = """\
<!DOCTYPE html><meta charset="utf-8"><style>
body {{ margin: 0; padding: 16px 20px; font: 15px/1.46 Lato, "Segoe UI", Roboto, Arial, sans-serif; color: #1d1c1d; }}
.who {{ font-weight: 900; }} .app {{ font-size: 10px; background: #ebeaeb; border-radius: 2px; padding: 1px 3px; }}
.bar {{ border-left: 4px solid {colour}; border-radius: 2px; margin-top: 6px; padding: 2px 0 2px 12px; }}
.block {{ white-space: pre-wrap; margin: 4px 0; }} a {{ color: #1264a3; text-decoration: none; }}
.emoji {{ color: #616061; font-size: 13px; }}
footer {{ margin-top: 14px; font-size: 12px; color: #616061; }}
</style><body><span class="who">Tocsin</span> <span class="app">APP</span>
<div>{text}</div><div class="bar">{blocks}</div>
<footer>The blocks as Tocsin sends them, drawn without Slack.</footer></body>
"""


async def take_mail(browser: Browser, mail: EmailMessage, path: Path) -> None:
    """The HTML part of `mail`."""
    part = mail.get_body(("html",))
    await _take(browser, part.get_content() if part is not None else "", path)


async def take_slack(browser: Browser, message: dict[str, Any], path: Path) -> None:
    """The message as it stands in the channel."""
    (attached,) = message["attachments"]
    blocks = "".join(f'<div class="block">{_drawn(block["text"]["text"])}</div>' for block in attached["blocks"])
    await _take(browser, _SLACK.format(colour=attached["color"], text=_drawn(message["text"]), blocks=blocks), path)


async def _take(browser: Browser, page: str, path: Path) -> None:
    async with open_page(browser, "about:blank", color_scheme="light") as seen:
        await seen.page.set_viewport_size({"width": 760, "height": 200})
        await seen.page.set_content(page)
        await seen.page.screenshot(path=path, full_page=True)


def _drawn(mrkdwn: str) -> str:
    """Slack's marks as HTML: bold, italics, links, emoji by their names; `&lt;` and its like mean the same in both."""
    linked = re.sub(
        r"<(https?://[^|>]+)\|([^>]*)>", lambda found: f'<a href="{html.escape(found[1])}">{found[2]}</a>', mrkdwn
    )
    named = _EMOJI.sub(lambda found: f'<span class="emoji">{found[0]}</span>', linked)
    strong = re.sub(r"\*([^*\n]+)\*", r"<b>\1</b>", named)
    return re.sub(r"(?m)^_(.+)_$", r"<i>\1</i>", strong)
