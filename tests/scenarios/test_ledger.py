"""The ledger through a real process: it closes under load, and goes on after the plug is pulled."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import subprocess
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.polling import until
from tests.fakes.process import ROOT, Running, get_json, start, tocsin

CONFIG = "collector: {tokens: open, host: {enabled: false}, health: {enabled: false}}\n"
BODY = b"m f=1\nrubbish\nm f=2i\n"
"""One line that is taken, one that is none, one of another type."""
PARTLY_TAKEN = 400
ROUNDS = int(os.environ.get("CRASH_ROUNDS", "2"))
"""`make crash ROUNDS=N` runs more."""
pytestmark = [pytest.mark.slow, pytest.mark.timeout(120 + 30 * ROUNDS)]


def post(url: str) -> bool:
    """One body; whether it was answered, whatever was said."""
    request = urllib.request.Request(f"{url}/api/v2/write?bucket=telemetry", BODY)  # noqa: S310 - loopback
    try:
        with urllib.request.urlopen(request, timeout=10):  # noqa: S310 - loopback
            return True
    except urllib.error.HTTPError as error:
        return error.code == PARTLY_TAKEN
    except (http.client.HTTPException, OSError):
        return False


async def load(url: str, bodies: int) -> int:
    """How many of so many bodies were answered."""
    return sum(await asyncio.gather(*(asyncio.to_thread(post, url) for _ in range(bodies))))


async def bucket_of(running: Running) -> dict[str, Any]:
    """The terms of the only bucket, which close, whenever they are looked at."""
    content = await asyncio.to_thread(get_json, f"{running.url('collector')}/api/v1/ledger")
    assert isinstance(content, dict)
    [bucket] = content["buckets"]
    assert content["closes"], bucket
    return dict(bucket)


async def delivered(running: Running) -> dict[str, Any]:
    """The terms when everything is delivered; they closed all the while."""

    async def so() -> bool:
        return (await bucket_of(running))["buffered"] == 0

    await until(so, seconds=60, what="an empty buffer")
    return await bucket_of(running)


def shown(state: Path) -> Any:
    """What `tocsin status` says."""
    command = tocsin("status", "--json")
    environment = {"TOCSIN_STATE": str(state)}
    return json.loads(subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, check=True).stdout)


async def test_the_ledger_closes_under_load_and_over_kills(tmp_path: Path):
    """Every line of every body is delivered or rejected by reason; after kill -9 the next process knows of each one."""
    config = tmp_path / "tocsin.yml"
    config.write_text(CONFIG)
    command = tocsin("collector", "--config", str(config))
    running = start(command, tmp_path / "state")
    try:
        await running.ready("collector")
        url = running.url("collector")
        assert await load(url, 50) == 50
        bucket = await delivered(running)
        assert (bucket["received"], bucket["delivered"]) == (150, 50)
        assert bucket["rejected"] == {"syntax": 50, "field_type": 50}
        assert (await asyncio.to_thread(shown, running.state))["buckets"] == [bucket]

        answered = 50
        for _ in range(ROUNDS):
            under_way = asyncio.create_task(load(running.url("collector"), 50))
            await asyncio.to_thread(post, running.url("collector"))
            await asyncio.to_thread(running.kill)
            answered += await under_way
            (running.state / "listen.json").unlink()  # left behind by the dead; the next start announces its own
            running = start(command, running.state)
            await running.ready("collector")
            answered += await load(running.url("collector"), 1)
            await bucket_of(running)

        bucket = await delivered(running)
        bodies = bucket["delivered"]
        assert bodies >= answered > 50
        assert (bucket["received"], bucket["rejected"]) == (3 * bodies, {"syntax": bodies, "field_type": bodies})
        assert bucket["sources"].keys() == {"host:127.0.0.1"}
    finally:
        running.end()
