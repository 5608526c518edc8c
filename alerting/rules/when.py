"""Conditions on other rules: `ALARM("a") AND NOT (OK("b") OR NO_DATA("c"))`. Parsed once, judged at every tick. Pure.

The words are CloudWatch's (there NO_DATA is INSUFFICIENT_DATA, which is taken too). The invariant: where it depends
on a rule that nobody can judge just now, the answer is unknown, and what is unknown ends nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from alerting.alert import Labels, State

_TOKEN = re.compile(r'\s*(?:(?P<word>[A-Za-z_]+)|(?P<name>"(?:[^"\\]|\\.)*"|\'[^\']*\')|(?P<sign>[()]))')
_EXAMPLE = 'write it as in ALARM("CheckoutSlow") AND NOT OK("PaymentsUp")'
_MOST_DEPTH = 50


class Standing(StrEnum):
    """How a rule stands as a whole."""

    ALARM = "ALARM"
    """One of its alerts fires."""
    NO_DATA = "NO_DATA"
    """None fires, and one is without data."""
    OK = "OK"
    UNKNOWN = "unknown"
    """It was not evaluated yet, or cannot be and nothing fires."""


_ASKS = {**{one.value: one for one in Standing if one is not Standing.UNKNOWN}, "INSUFFICIENT_DATA": Standing.NO_DATA}


def standing(states: Iterable[State], *, is_sure: bool) -> Standing:
    """How a rule with alerts in these states stands; `is_sure`: its last evaluation succeeded."""
    found = set(states)
    if State.FIRING in found:
        return Standing.ALARM
    if not is_sure:
        return Standing.UNKNOWN
    return Standing.NO_DATA if State.NO_DATA in found else Standing.OK


@dataclass(frozen=True, slots=True)
class _Asks:
    standing: Standing
    rule: str


@dataclass(frozen=True, slots=True)
class _Not:
    inner: _Node


@dataclass(frozen=True, slots=True)
class _Joint:
    """AND of all where `is_and`, else OR."""

    is_and: bool
    parts: tuple[_Node, ...]


@dataclass(frozen=True, slots=True)
class _Constant:
    value: bool


_Node = _Asks | _Not | _Joint | _Constant


@dataclass(frozen=True, slots=True)
class When:
    """A condition that is judged every `every`; equal for composites that can share the answer."""

    node: _Node
    every: timedelta
    name: str

    @property
    def rules(self) -> frozenset[str]:
        """The names of the rules it asks about."""
        return frozenset(_names(self.node))

    def values(self, standings: Mapping[str, Standing]) -> Mapping[Labels, float | None]:
        """1 where it holds, 0 where not, None where that is unknown: the one series of a composite."""
        held = _judge(self.node, standings)
        return {(): None if held is None else float(held)}


def parse(text: str, every: timedelta) -> When:
    """Read a condition. Raises ValueError that says where it goes wrong and how one is written."""
    return When(_Parser(text).whole(), every, text)


def _names(node: _Node) -> Iterator[str]:
    match node:
        case _Asks(_, rule):
            yield rule
        case _Not(inner):
            yield from _names(inner)
        case _Joint(_, parts):
            for part in parts:
                yield from _names(part)
        case _Constant():
            return


def _judge(node: _Node, standings: Mapping[str, Standing]) -> bool | None:
    match node:
        case _Constant(value):
            return value
        case _Asks(wanted, rule):
            found = standings.get(rule, Standing.UNKNOWN)
            return None if found is Standing.UNKNOWN else found is wanted
        case _Not(inner):
            held = _judge(inner, standings)
            return None if held is None else not held
        case _Joint(is_and, parts):
            judged = [_judge(part, standings) for part in parts]
            if (not is_and) in judged:
                return not is_and
            return None if None in judged else is_and


class _Parser:
    """Recursive descent: OR binds weakest, then AND, then NOT."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = list(_tokens(text))
        self._at = 0
        self._depth = 0

    def whole(self) -> _Node:
        node = self._any()
        if self._at < len(self._tokens):
            raise self._fault("nothing more was expected")
        return node

    def _any(self) -> _Node:
        parts = [self._all()]
        while self._takes("OR"):
            parts.append(self._all())
        return parts[0] if len(parts) == 1 else _Joint(is_and=False, parts=tuple(parts))

    def _all(self) -> _Node:
        parts = [self._one()]
        while self._takes("AND"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else _Joint(is_and=True, parts=tuple(parts))

    def _one(self) -> _Node:
        self._depth += 1
        if self._depth > _MOST_DEPTH:
            raise self._fault(f"it is nested more than {_MOST_DEPTH} deep")
        try:
            return self._inner()
        finally:
            self._depth -= 1

    def _inner(self) -> _Node:
        if self._takes("NOT"):
            return _Not(self._one())
        if self._takes("("):
            node = self._any()
            self._demand(")")
            return node
        for word, value in (("TRUE", True), ("FALSE", False)):
            if self._takes(word):
                return _Constant(value)
        asked = next((standing for word, standing in _ASKS.items() if self._takes(word)), None)
        if asked is None:
            raise self._fault(f"one of {', '.join(_ASKS)}, NOT or ( was expected")
        self._demand("(")
        name = self._name()
        self._demand(")")
        return _Asks(asked, name)

    def _name(self) -> str:
        token = self._tokens[self._at][1] if self._at < len(self._tokens) else ""
        if not token.startswith(('"', "'")):
            raise self._fault("the name of a rule in quotes was expected")
        self._at += 1
        return re.sub(r"\\(.)", r"\1", token[1:-1]) if token.startswith('"') else token[1:-1]

    def _takes(self, word: str) -> bool:
        if self._at < len(self._tokens) and self._tokens[self._at][1].upper() == word:
            self._at += 1
            return True
        return False

    def _demand(self, sign: str) -> None:
        if not self._takes(sign):
            raise self._fault(f"{sign} was expected")

    def _fault(self, what: str) -> ValueError:
        at = self._tokens[self._at][0] if self._at < len(self._tokens) else len(self._text)
        place = f"at {self._text[at : at + 20]!r}" if at < len(self._text) else "at its end"
        return ValueError(f"{self._text!r} is no condition: {place} {what}; {_EXAMPLE}")


def _tokens(text: str) -> Iterator[tuple[int, str]]:
    at = 0
    while text[at:].strip():
        found = _TOKEN.match(text, at)
        if found is None:
            begin = len(text) - len(text[at:].lstrip())
            raise ValueError(f"{text!r} is no condition: {text[begin : begin + 20]!r} is not understood; {_EXAMPLE}")
        yield found.start(found.lastgroup or 0), found[found.lastgroup or 0]
        at = found.end()
