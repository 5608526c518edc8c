"""Which kinds of question are tried on the event loop."""

# ruff: noqa: S608 - InfluxQL made of numbers

import pytest

from influxql.ast import Statement
from influxql.parser import parse
from influxql.standing import StandingTexts
from store.embedded import quick
from store.embedded.quick import Quick


def kinds(texts: StandingTexts, *bounds: int) -> list[tuple[Statement, ...]]:
    """One kind of question with other bounds each time, which came before."""
    _ = texts.parse("SELECT sum(v) FROM m WHERE time >= 1000000000")
    return [texts.parse(f"SELECT sum(v) FROM m WHERE time >= {bound}") for bound in bounds]


def test_a_kind_is_known_by_its_text_without_bounds() -> None:
    """What was quick is tried with other bounds; another text, and several statements, are not."""
    texts, known = StandingTexts(), Quick()
    first, second = kinds(texts, 1_000_000_000, 2_000_000_000)
    assert not known.has(first)
    known.note(first, 0.0005, from_memory=True)
    assert known.has(second)
    assert not known.has(texts.parse("SELECT max(v) FROM m WHERE time >= 1000000000"))
    both = parse("SELECT v FROM m; SELECT v FROM m")
    known.note(both, 0.0, from_memory=True)
    assert not known.has(both)
    assert not known.has(())


def test_what_was_slow_is_not_tried_again() -> None:
    """The last time counts; that rows were read meanwhile says nothing about it."""
    texts, known = StandingTexts(), Quick()
    first, second = kinds(texts, 1_000_000_000, 2_000_000_000)
    known.note(first, 0.0, from_memory=False)
    assert not known.has(first)
    known.note(first, 0.0, from_memory=True)
    known.note(first, 0.0, from_memory=False)
    assert known.has(second)
    known.note(second, 0.1, from_memory=True)
    assert not known.has(first)


def test_what_is_tried_in_vain_is_given_up() -> None:
    """Once that works the count begins anew."""
    texts, known = StandingTexts(), Quick()
    first, second = kinds(texts, 1_000_000_000, 2_000_000_000)
    for _ in range(2):
        known.note(first, 0.0, from_memory=True)
        for _ in range(7):
            known.tried_in_vain(second)
        assert known.has(first)
    known.tried_in_vain(second)
    assert not known.has(first)
    known.tried_in_vain(second)


def test_not_more_kinds_than_some_are_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """When there are more, all begin anew."""
    monkeypatch.setattr(quick, "_MOST_KINDS", 2)
    known = Quick()
    texts = [parse(f"SELECT max(v) FROM m{number}") for number in range(3)]
    for one in texts:
        known.note(one, 0.0, from_memory=True)
    assert [known.has(one) for one in texts] == [False, False, True]
