"""A receiver's own words: a Jinja2 template in notify.yml, in a sandbox, tried on samples when the file is read.

`slack` and `email` build and ask it. The invariants: what a message holds passes `escape` before it meets the words of
the template; a template that fails in the night costs its words, never the alarm: `Unsaid` asks for the usual ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from alerting.notify.contract import Message, Status
from alerting.notify.payload import SAMPLE, plain
from alerting.notify.render import number, one_line

_LINE_CHARACTERS = 2_000
_MOST_LINES = 200
_OVER: Mapping[str, Any] = {
    **SAMPLE,
    "status": Status.RESOLVED.value,
    "firing": 0,
    "resolved": 1,
    "alerts": [{**view, "status": Status.RESOLVED.value, "ended": view["since"]} for view in SAMPLE["alerts"]],
}


class Unsaid(ValueError):
    """The template cannot be rendered for this message; says which and why."""


class Wording:
    """The template of one key. Raises ValueError where it cannot be read, or fails on a sample.

    It sees `message`, the object that a webhook posts. Floats print short, null and labels that are not there as
    nothing.
    """

    def __init__(self, key: str, template: str, *, escape: Callable[[str], str] = str) -> None:
        self._key = key
        environment = ImmutableSandboxedEnvironment(
            undefined=StrictUndefined,
            autoescape=False,
            finalize=lambda value: escape(_shown(value)),
            trim_blocks=True,
            lstrip_blocks=True,
        )
        environment.globals.clear()
        try:
            self._template = environment.from_string(template)
        except TemplateError as error:
            raise ValueError(f"{key}: is no template: {_told(error)}") from error
        for sample in (SAMPLE, _OVER):
            self._render(sample)

    def lines(self, message: Message, now: datetime) -> list[str]:
        """What the template says. Raises Unsaid."""
        return self._render(plain(message, now))

    def line(self, message: Message, now: datetime) -> str:
        """All of it in one line. Raises Unsaid."""
        return one_line(" ".join(self.lines(message, now)))

    def _render(self, payload: Mapping[str, Any]) -> list[str]:
        try:
            text = self._template.render(message=payload)
        except Exception as error:  # the template is somebody's program: whatever it raises, the alarm goes out
            raise Unsaid(f"{self._key}: the template fails: {_told(error)}") from error
        lines = [_clean(line) for line in text.strip().splitlines()[:_MOST_LINES]]
        if not any(lines):
            raise Unsaid(f"{self._key}: the template comes to nothing")
        return lines


def _shown(value: Any) -> str:
    if value is None:
        return ""
    return number(value) if isinstance(value, float) else str(value)


def _clean(line: str) -> str:
    """The line without controls; blanks that indent it stay."""
    words = one_line(line, _LINE_CHARACTERS)
    return " " * min(len(line) - len(line.lstrip(" ")), 40) + words if words else ""


def _told(error: BaseException) -> str:
    line = getattr(error, "lineno", None)
    words = one_line(str(error) or type(error).__name__)
    return f"{words} (line {line})" if line else words
