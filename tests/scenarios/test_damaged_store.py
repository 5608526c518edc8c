"""A store whose file is damaged, as its operator meets it: what is said, what is kept, and the commands that mend."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

import pytest

from tests.fakes.process import ROOT
from tests.fakes.site import LINES, Site
from tests.faults.test_embedded_store import damage

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


async def test_a_damaged_store_is_mended(site: Site, tmp_path: Path) -> None:
    """The collector names file and command and does not start; then the backup is there, and what the buffer has."""
    await site.run()
    assert await site.write(LINES) == 204
    await site.stored(2)
    backup = tmp_path / "backup"
    assert (await site.type("backup", str(backup)))[0] == 0
    assert await site.write("m f=7 7\n") == 204
    await site.stored(3)
    assert site.running is not None
    await asyncio.to_thread(site.running.kill)

    file = site.state / "telemetry.duckdb"
    damage(file, 0, 3 * 4096)
    refused = await asyncio.to_thread(
        subprocess.run, site.command("collector"), cwd=ROOT, env=site.env, capture_output=True, text=True, check=False
    )
    assert refused.returncode == 2
    assert "telemetry.duckdb: cannot be opened" in refused.stderr
    assert "tocsin restore --store BACKUP" in refused.stderr

    code, printed = await site.type("restore", "--store", str(backup))
    assert code == 2
    assert "restore overwrites nothing: stop the collector, move telemetry.duckdb" in printed
    for part in site.state.glob("telemetry.duckdb*"):
        part.rename(tmp_path / part.name)
    code, printed = await site.type("restore", "--store", str(backup))
    assert (code, printed.partition(", as of")[0]) == (0, f"{site.state}: 3 points in 1 buckets")

    await site.run()
    await site.stored(3)
    (result,) = (await site.ask("SELECT f FROM m"))["results"]
    assert result["series"][0]["values"] == [[1, 1], [2, 2], [7, 7]]
    await site.stop()
