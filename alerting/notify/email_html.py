"""A mail as HTML: what its plain text says, readable on a phone and in the dark, with nothing fetched from anywhere.

`email` calls it. Pure. The invariants: what comes from labels and templates is escaped, by Jinja2, always; the only
links are plain web addresses; no image, script, font or style sheet is loaded. The plain part of a mail is
made from this, so a line ends in an element, and neither meaning nor order rests on style.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any

from jinja2 import Environment, StrictUndefined

from alerting.notify.contract import AlertView, Message, Status
from alerting.notify.render import MOST_ALERTS, details, footer, heading, headline, one_line, title

_COLOURS: Mapping[str, str] = MappingProxyType({"CRITICAL": "#d92d20", "RESOLVED": "#2e9e5b"})
_COLOUR = "#b35c00"
_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="supported-color-schemes" content="light dark">
<style>:root { color-scheme: light dark; }</style>
</head>
<body style="margin:0; padding:16px; font:16px/1.5 -apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif;">
<div style="max-width:640px; margin:0 auto; overflow-wrap:anywhere; word-break:break-word;">
<div style="border-left:6px solid {{ colour }}; padding:2px 0 2px 12px; font-size:20px; font-weight:600;\
 line-height:1.3;">{{ headline }}</div>
{% if text %}<p style="margin:12px 0 0 18px; white-space:pre-wrap;">{% for line in text %}{{ line }}\
{% if not loop.last %}<br>{% endif %}{% endfor %}</p>
{% endif %}{% for alert in alerts %}<p style="margin:14px 0 0 18px; font-size:14px;">\
<span style="color:{{ alert.colour }}; font-size:13px; font-weight:700; letter-spacing:.04em;">\
{{ alert.heading }}</span>
<span style="font-size:16px; font-weight:600;">{{ alert.title }}</span>
{% for line in alert.lines %}<br>{{ line }}
{% endfor %}{% if alert.runbook %}<br><a href="{{ alert.runbook }}">runbook: {{ alert.runbook }}</a>
{% endif %}</p>
{% endfor %}{% for line in footer %}<p style="margin:12px 0 0 18px; font-size:14px; font-style:italic;">{{ line }}</p>
{% endfor %}{% if url %}<p style="margin:16px 0 0 18px;"><a href="{{ url }}">Open in Tocsin: {{ url }}</a></p>
{% endif %}</div>
</body>
</html>
"""
_TEMPLATE = Environment(autoescape=True, undefined=StrictUndefined).from_string(_PAGE)


def page(message: Message, now: datetime, text: Sequence[str] | None = None, remark: str = "") -> str:
    """The mail; `text`, if it is given, in place of what is said of the alerts. `remark` is said at the end."""
    views = message.alerts[:MOST_ALERTS] if text is None else ()
    return _TEMPLATE.render(
        **_frame(message),
        text=text or (),
        alerts=[_alert(view, now) for view in views],
        footer=[*footer(message, now), *((remark,) if remark else ())],
        url=_link(message.url),
    )


def _frame(message: Message) -> dict[str, str]:
    word = message.severity if message.status is Status.FIRING else message.status.value
    return {"headline": headline(message), "colour": _COLOURS.get(word.upper(), _COLOUR)}


def _alert(view: AlertView, now: datetime) -> dict[str, Any]:
    runbook = _link(view.runbook_url)
    word = heading(view)
    return {
        "heading": word,
        "colour": _COLOURS.get(word, _COLOUR),
        "title": title(view),
        "lines": [line for line in details(view, now) if not (runbook and line.startswith("runbook: "))],
        "runbook": runbook,
    }


def _link(url: str) -> str:
    """The address if it is a plain one of the web; nothing otherwise."""
    is_plain = url.startswith(("https://", "http://")) and one_line(url) == url and " " not in url
    return url if is_plain else ""
