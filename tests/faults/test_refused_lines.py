"""Lines that the store refuses while they cannot be kept: a kill before they are dead letters loses none of them."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.polling import until
from tests.fakes.process import Running, get_json, start, tocsin

pytestmark = pytest.mark.slow
CONFIG = """\
collector: {tokens: open, host: {enabled: false}, health: {enabled: false}}
store: {kind: embedded, retention: {default: 1h}}
"""
TOO_OLD = "m f=1 1000000000"
"""Beyond the retention; a line without a time is of now."""


async def get(running: Running, path: str) -> Any:
    return await asyncio.to_thread(get_json, f"{running.url('collector')}{path}")


def retries(running: Running) -> float:
    with urllib.request.urlopen(f"{running.url('collector')}/metrics", timeout=30) as answer:  # noqa: S310 - loopback
        rows = answer.read().decode().splitlines()
    waits = [row for row in rows if row.startswith("tocsin_retries_total{") and 'reason="letters_not_kept"' in row]
    return sum(float(row.rpartition(" ")[2]) for row in waits)


async def test_refused_lines_outlive_a_kill_before_they_are_dead_letters(tmp_path: Path) -> None:
    """The embedded store has the good line and knows where it stood; the refused one is brought again and kept."""
    (tmp_path / "tocsin.yml").write_text(CONFIG)
    state = tmp_path / "state"
    state.mkdir()
    in_the_way = state / "dead"
    in_the_way.write_text("no folder")
    command = tocsin("collector", "--config", str(tmp_path / "tocsin.yml"))
    running = start(command, state)
    try:
        await running.ready("collector")
        body = f"{TOO_OLD}\nm f=2\n".encode()
        request = urllib.request.Request(f"{running.url('collector')}/write?db=telemetry", body)  # noqa: S310 - loopback
        with await asyncio.to_thread(urllib.request.urlopen, request, timeout=60) as answer:
            assert answer.status == 204
        await until(lambda: asyncio.to_thread(retries, running), seconds=60, what="letters that cannot be kept")
        running.kill()

        in_the_way.unlink()
        (state / "listen.json").unlink()
        running = start(command, state)
        await running.ready("collector")

        async def delivered() -> bool:
            return bool((await get(running, "/ready"))["buffered_lines"] == 0)

        await until(delivered, seconds=60, what="delivery")
        letters = (await get(running, "/api/v1/dead"))["letters"]
        assert [letter["line"] for letter in letters] == [TOO_OLD]
        [bucket] = (await get(running, "/api/v1/ledger"))["buckets"]
        assert (bucket["delivered"], bucket["dead"]) == (1, 1), json.dumps(bucket)
    finally:
        running.end()
