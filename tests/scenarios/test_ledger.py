"""The ledger through a real process: it closes under load, and again after the plug is pulled."""

from __future__ import annotations

import asyncio
import json
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.fakes.polling import until
from tests.fakes.process import ROOT, Running, get_json, start, tocsin

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]
CONFIG = "collector: {tokens: open, host: {enabled: false}, health: {enabled: false}}\n"
BODY = b"m f=1\nrubbish\nm f=2i\n"
"""One line that is taken, one that is none, one of another type."""


def post(url: str) -> None:
    """One body; whatever is answered, a process that dies meanwhile too."""
    request = urllib.request.Request(f"{url}/api/v2/write?bucket=telemetry", BODY)  # noqa: S310 - loopback
    try:
        with urllib.request.urlopen(request, timeout=60):  # noqa: S310 - loopback
            pass
    except (urllib.error.URLError, OSError):
        pass


async def closed(running: Running, received: int | None) -> None:
    """Wait until everything is delivered, and the terms close over `received` lines."""

    async def so() -> bool:
        content = await asyncio.to_thread(get_json, f"{running.url('collector')}/api/v1/ledger")
        assert isinstance(content, dict)
        [bucket] = content["buckets"]
        done = content["closes"] and not bucket["buffered"]
        return bool(done and (received is None or bucket["received"] == received))

    await until(so, seconds=30, what="a ledger that closes with an empty buffer")


async def test_the_ledger_closes_under_load_and_after_a_kill(tmp_path: Path):
    """Every line of every body is delivered or rejected by reason; after kill -9 the next process closes as well."""
    config = tmp_path / "tocsin.yml"
    config.write_text(CONFIG)
    command = tocsin("collector", "--config", str(config))
    running = start(command, tmp_path / "state")
    try:
        await running.ready("collector")
        url = running.url("collector")
        await asyncio.gather(*(asyncio.to_thread(post, url) for _ in range(50)))
        await closed(running, 150)
        shown = subprocess.run(  # noqa: ASYNC221 - nothing else runs meanwhile
            tocsin("status", "--json"),
            cwd=ROOT,
            env={"TOCSIN_STATE": str(running.state)},
            capture_output=True,
            text=True,
            check=True,
        )
        [bucket] = json.loads(shown.stdout)["buckets"]
        assert (bucket["delivered"], bucket["rejected"]) == (50, {"syntax": 50, "field_type": 50})

        load = asyncio.gather(*(asyncio.to_thread(post, url) for _ in range(50)))
        await asyncio.sleep(0)
        await asyncio.to_thread(running.kill)
        await load
        (running.state / "listen.json").unlink()  # left behind by the dead; the next start announces its own
        running = start(command, running.state)
        await running.ready("collector")
        await asyncio.to_thread(post, running.url("collector"))
        await closed(running, 3)
    finally:
        running.end()
