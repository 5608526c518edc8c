"""`tocsin status`: rows by source within bounds, reasons once, and whether it adds up."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import pytest

from collector.deliver.delivery import Standing
from store.contract import RollupStanding, StoreStanding
from tocsin.status import show

TERMS = ("received", "delivered", "buffered", "dead", "carried", "earlier", "skipped", "lost", "difference")


def terms(**lines: Any) -> dict[str, Any]:
    return {**dict.fromkeys(TERMS, 0), "rejected": {}, "taken_out": {}, **lines}


def ledger(sources: dict[str, dict[str, Any]], *, closes: bool = True, **lines: Any) -> dict[str, Any]:
    bucket = {"bucket": "telemetry", "destination": "embedded", **terms(**lines), "sources": sources}
    return {"closes": closes, "buckets": [bucket], "destinations": [], "store": asdict(StoreStanding())}


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "250")


def test_sources_that_sent_most_have_rows_and_the_others_are_summed_up(capsys: pytest.CaptureFixture[str]):
    """Twenty rows at most, in the order of what they sent, and one that adds up all the rest."""
    sources = {f"host:{number}": terms(received=number, delivered=number) for number in range(1, 26)}
    show(ledger(sources, received=325, delivered=325))

    lines = capsys.readouterr().out.splitlines()
    rows = [line for line in lines if "host:" in line]
    assert len(rows) == 20
    assert "host:25 " in rows[0]
    assert "host:6 " in rows[-1]
    [others] = [line for line in lines if "5 others" in line]
    assert others.split().count("15") == 2


def test_reasons_are_told_and_rare_terms_only_where_there_are_any(capsys: pytest.CaptureFixture[str]):
    """Every reason has a line; a column for skipped lines appears when some were."""
    show(ledger({}, received=3, rejected={"syntax": 2, "field_type": 1}))
    text = capsys.readouterr().out
    assert "telemetry: 2 rejected: syntax" in text
    assert "telemetry: 1 rejected: field_type" in text
    assert "skipped" not in text

    show(ledger({}, received=3, skipped=3))
    assert "skipped" in capsys.readouterr().out


def test_a_difference_is_shown(capsys: pytest.CaptureFixture[str]):
    """A ledger that does not close says where and by how much."""
    show(ledger({"host:1": terms(received=7, difference=7)}, closes=False, received=7, difference=7))

    text = capsys.readouterr().out
    assert text.count("+7") == 2
    assert "unaccounted for" in text


def test_destinations_that_lag_are_named_with_what_they_wait_for(capsys: pytest.CaptureFixture[str]):
    """One that has everything says nothing."""
    fine = Standing("embedded", required=True, buffered_lines=0, buffer_age_s=0.0)
    away = Standing("archive", required=False, buffered_lines=12, buffer_age_s=61.4, waits_for=("token_refused",))
    show({**ledger({}), "destinations": [asdict(fine), asdict(away)]})

    text = capsys.readouterr().out
    assert "destination archive (may skip): 12 lines wait, the oldest for 61 s: token_refused" in text
    assert "destination embedded" not in text


def test_what_a_destination_lacks_is_told(capsys: pytest.CaptureFixture[str]):
    """Though nothing waits for it."""
    lacking = Standing("embedded", required=True, buffered_lines=0, buffer_age_s=0.0, lacks=("bucket a lacks 9 lines",))
    show({**ledger({}), "destinations": [asdict(lacking)]})

    assert "destination embedded: bucket a lacks 9 lines" in capsys.readouterr().out


def test_how_the_store_stands(capsys: pytest.CaptureFixture[str]):
    """A rollup that fails says why, one that is behind how far, one that is not until when; the disk says its part."""
    good = RollupStanding("a", "telemetry", "month/m", "...", 1_700_000_000_000_000_000, 0, 0, 5, 0, 0, 0, "")
    behind = replace(good, name="b", pending_windows=3, lag_s=185.0)
    failing = replace(behind, name="c", problem="no such thing")
    stands = StoreStanding((good, behind, failing), 75, 100, ("the clock is off",))
    show(ledger({}) | {"store": asdict(stands)})

    text = capsys.readouterr().out
    assert "rollup a: complete until 2023-11-14T22:13:20Z" in text
    assert "rollup b: 3 windows to be rolled, the oldest began 3m5s ago" in text
    assert "rollup c: FAILS: no such thing; 3 windows wait" in text
    assert "store: 75 of 100 bytes used (75%)" in text
    assert "store: the clock is off" in text
