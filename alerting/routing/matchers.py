"""Alertmanager's matchers: `severity="critical"`, `team!=web`, `service=~"shop|cart"`, `env!~"dev.*"`.

The routing tree calls this, silences will. The invariants: a label that is missing is the same as one that is empty;
a regular expression must match the whole value, and takes linear time (RE2), whatever the labels hold.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import re2

_MATCHER = re.compile(
    r"""\s*(?:"(?P<quoted_name>(?:[^"\\]|\\.)+)"|(?P<name>[^\s"'={}!~,]+))"""
    r"""\s*(?P<op>=~|!=|!~|=)"""
    r"""\s*(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<bare>[^\s"',{}]*(?:[ \t]+[^\s"',{}]+)*))\s*"""
)
_EXAMPLE = """write it as in severity="critical", team!="web" or service=~"shop|cart\""""
_ESCAPES = {"n": "\n", '"': '"', "\\": "\\"}


class Operator(StrEnum):
    """How a matcher compares."""

    EQUAL = "="
    UNEQUAL = "!="
    LIKE = "=~"
    UNLIKE = "!~"


@dataclass(frozen=True, slots=True)
class Matcher:
    """One condition on one label. Raises ValueError when the regular expression is not RE2's."""

    name: str
    operator: Operator
    value: str
    _pattern: Any = field(init=False, repr=False, compare=False, default=None)

    def __post_init__(self) -> None:
        if self.operator in (Operator.LIKE, Operator.UNLIKE):
            object.__setattr__(self, "_pattern", _compile(self.value))

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether `labels` meet the condition."""
        value = labels.get(self.name, "")
        match self.operator:
            case Operator.EQUAL:
                return value == self.value
            case Operator.UNEQUAL:
                return value != self.value
            case Operator.LIKE:
                return self._pattern.fullmatch(value) is not None
            case Operator.UNLIKE:
                return self._pattern.fullmatch(value) is None

    def __str__(self) -> str:
        value = self.value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'{self.name}{self.operator.value}"{value}"'


def parse(text: str) -> tuple[Matcher, ...]:
    """The matchers in `text`: one, several with commas between them, or the same in braces.

    Raises ValueError that says what is wrong and how a matcher is written.
    """
    inner = text.strip()
    if inner.startswith("{") != inner.endswith("}"):
        raise ValueError(f"{text!r}: one brace is missing; {_EXAMPLE}")
    inner = inner.removeprefix("{").removesuffix("}").strip().removesuffix(",")
    found: list[Matcher] = []
    at = 0
    while at < len(inner):
        match = _MATCHER.match(inner, at)
        if match is None or (match.end() < len(inner) and inner[match.end()] != ","):
            raise ValueError(f"{text!r} is not a matcher; {_EXAMPLE}")
        found.append(_matcher(match))
        at = match.end() + 1
    if not found:
        raise ValueError(f"{text!r} holds no matcher; {_EXAMPLE}")
    return tuple(found)


def all_match(matchers: tuple[Matcher, ...], labels: Mapping[str, str]) -> bool:
    """Whether `labels` meet every condition; no condition is met by all."""
    return all(matcher.matches(labels) for matcher in matchers)


def _matcher(match: re.Match[str]) -> Matcher:
    quoted_name, quoted = match["quoted_name"], match["quoted"]
    name = match["name"] if quoted_name is None else _unescape(quoted_name)
    return Matcher(name, Operator(match["op"]), match["bare"] if quoted is None else _unescape(quoted))


def _unescape(text: str) -> str:
    """What Alertmanager's quotes mean; any other backslash stands for itself and reaches the expression."""
    return re.sub(r"\\(.)", lambda match: _ESCAPES.get(match[1], match[0]), text, flags=re.DOTALL)


def _compile(pattern: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(f"(?:{pattern})", options)
    except re2.error as error:
        told = error.args[0].decode() if error.args and isinstance(error.args[0], bytes) else str(error)
        raise ValueError(f"{pattern!r} is not a regular expression of RE2: {told}") from error
