"""Export and import as an operator types them: out of a running collector, and in again through its front door."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from tests.fakes.polling import until
from tests.fakes.site import LINES, Site, answers

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


async def test_what_was_exported_is_imported_equal(site: Site, tmp_path: Path) -> None:
    """Out as packed line protocol, into another bucket: the same answers; bad lines are told and counted."""
    await site.run()
    assert await site.write(LINES) == 204
    await site.stored(2)
    file = tmp_path / "all.lp.gz"
    assert await site.type("export", str(file)) == (0, f"{file}: 3 points\n")
    assert len(gzip.decompress(file.read_bytes()).splitlines()) == 3
    assert (await site.type("export", str(file)))[0] == 2
    assert await site.type("import", str(file), "--bucket", "again") == (0, "accepted 3, refused 0\n")
    await site.stored(2, "again")

    async def alike() -> bool:
        return await answers(site, "again") == await answers(site)

    await until(alike, what="the same answers")
    code, printed = await site.type("export", str(tmp_path / "none.lp"), "--bucket", "nowhere")
    assert code == 2
    assert "it has again, telemetry" in printed

    bad = tmp_path / "bad.lp"
    bad.write_text("m f=7 7\nno line at all\nm f=true 8\n")
    code, printed = await site.type("import", "--json", str(bad))
    assert code == 1
    assert json.loads(printed.splitlines()[0]) == {"accepted": 1, "refused": 2}
    assert "no line at all" in printed
    await site.stored(3)


async def test_parquet_and_a_part_of_the_points(site: Site, tmp_path: Path) -> None:
    """A folder of partitions; bounds of time and a measurement select."""
    await site.run()
    assert await site.write("m f=1 1\nm f=2 86400000000000\nn f=3 5\n") == 204
    await site.stored(2)
    lake = tmp_path / "lake"
    code, printed = await site.type("export", "--json", str(lake), "--format", "parquet", "--measurement", "m")
    assert code == 0
    assert json.loads(printed) == {"export": str(lake), "points": 2, "left_out": 0}
    days = sorted(file.parent.name for file in (lake / "bucket=telemetry" / "measurement=m").rglob("*.parquet"))
    assert days == ["day=1970-01-01", "day=1970-01-02"]
    assert await site.type("import", str(lake), "--bucket", "again") == (0, "accepted 2, refused 0\n")
    await site.stored(2, "again")
    part = tmp_path / "part.lp"
    code, _ = await site.type("export", str(part), "--since", "1970-01-01T00:00:01Z", "--measurement", "m")
    assert (code, part.read_text()) == (0, "m f=2.0 86400000000000\n")
    assert not list((site.state / "copies").iterdir())
