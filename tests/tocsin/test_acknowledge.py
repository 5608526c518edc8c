"""`tocsin ack` without anybody to ask: what is typed wrongly is told before."""

from __future__ import annotations

import pytest

from tests.tocsin.conftest import Run


@pytest.mark.parametrize(
    ("typed", "complaint"),
    [
        ("ack --undo", "name what you give back: tocsin ack ID --undo"),
        ("ack --comment x", "name what you take: tocsin ack ID"),
        ("ack 9f2c --undo --by ann", "--undo gives back: leave them out"),
        ("ack 9f2c", "no alerting runs on"),
        ("ack", "no alerting runs on"),
    ],
)
def test_what_cannot_be_asked_is_told(run: Run, typed: str, complaint: str) -> None:
    """Exit 2, with how to mend it."""
    ran = run(*typed.split())
    assert (ran.code, complaint in ran.complaint) == (2, True), ran.complaint
