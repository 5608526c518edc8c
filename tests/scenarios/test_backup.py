"""Backups as an operator makes them: beside a running collector, through kills, and into an empty folder."""

from __future__ import annotations

import asyncio
import json
import shutil
import subprocess
import urllib.parse
import urllib.request
from contextlib import suppress
from pathlib import Path

import pytest

from foundation.errors import ConfigError
from tests.fakes.polling import until
from tests.fakes.process import ROOT, get_json
from tests.fakes.site import LINES, Site, answers
from tocsin import archive

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


def names_in(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


async def drained(site: Site) -> None:
    """Return when all that was taken is stored."""
    assert site.running is not None
    url = site.running.url("collector")

    async def empty() -> bool:
        ready = await asyncio.to_thread(get_json, f"{url}/ready")
        assert isinstance(ready, dict)
        return bool(ready["buffered_lines"] == 0)

    await until(empty, seconds=60, what="an empty buffer")


@pytest.mark.parametrize("name", ["monday", "monday.tar"])
async def test_a_restored_backup_answers_as_the_store_did(site: Site, tmp_path: Path, name: str) -> None:
    """Made beside a running collector, put into an empty folder: the same answers, and a folder in use is refused."""
    await site.run()
    assert await site.write(LINES) == 204
    assert await site.write("m f=5 5\n", "second") == 204
    await site.stored(2)
    await site.stored(1, "second")
    before = await answers(site)
    target = tmp_path / name
    code, printed = await site.type("backup", str(target))
    assert (code, printed) == (0, f"{target}: 4 points in 2 buckets, verified\n")
    assert (await site.type("backup", str(target)))[0] == 2
    assert await site.write("m,h=a f=9 9\n") == 204
    await site.stored(3)
    code, printed = await site.type("restore", str(target))
    assert code == 2
    assert "is not empty" in printed

    other = Site(tmp_path / "two")
    code, printed = await other.type("restore", "--json", str(target))
    assert code == 0
    assert json.loads(printed)["lines"] == {"telemetry": {"SELECT": 1, "m": 2}, "second": {"m": 1}}
    try:
        await other.run()
        assert await answers(other) == before
        assert await other.write("m,h=a f=9 9\n") == 204
        await other.stored(3)
        with pytest.raises(urllib.error.HTTPError, match="422"):
            await other.write("m f=true 11\n")
        await other.stop()
    finally:
        other.end()


async def test_tokens_and_a_store_at_rest(tmp_path: Path) -> None:
    """Without a collector the store is copied directly; a token of the old folder is one of the new folder's."""
    site, other = Site(tmp_path / "one", tokens="required"), Site(tmp_path / "two", tokens="required")
    try:
        await site.run()
        token = (await site.type("token", "create", "device"))[1].strip()

        async def taken() -> bool:
            try:
                return await site.write(LINES, token=token) == 204
            except urllib.error.HTTPError:
                return False

        await until(taken, what="the token to be taken")
        assert (await site.type("backup", str(tmp_path / "running")))[0] == 0
        await site.stop()
        code, printed = await site.type("backup", str(tmp_path / "resting"))
        assert code == 0, printed
        assert not list((site.state / "copies").iterdir())
        assert (await other.type("restore", str(tmp_path / "resting")))[0] == 0
        await other.run()
        assert await other.write("m f=3 3\n", token=token) == 204
        await other.stop()
    finally:
        site.end()
        other.end()


async def test_a_damaged_backup_is_refused(site: Site, tmp_path: Path) -> None:
    """A changed byte, a missing file or a missing manifest: a clear no, and the folder stays empty."""
    await site.run()
    await site.write(LINES)
    await site.stored(2)
    whole = tmp_path / "whole"
    assert (await site.type("backup", str(whole)))[0] == 0
    other = Site(tmp_path / "two")
    for number, (name, complaint) in enumerate(
        [
            ("telemetry.duckdb", "is not as it was"),
            ("field_types.sqlite", "is not as it was"),
            ("manifest.json", "no manifest"),
        ]
    ):
        bad = tmp_path / f"bad{number}"
        shutil.copytree(whole, bad)
        if number == 0:
            content = bytearray((bad / name).read_bytes())
            content[len(content) // 2] ^= 1
            (bad / name).write_bytes(content)
        else:
            (bad / name).unlink()
        code, printed = await other.type("restore", str(bad))
        assert code == 2
        assert complaint in printed
        assert not other.state.exists() or not list(other.state.iterdir())


@pytest.mark.parametrize("victim", ["command", "collector"])
async def test_a_kill_leaves_no_half_backup_that_looks_whole(site: Site, tmp_path: Path, victim: str) -> None:
    """Kill -9 at several moments: what has its name is whole, what has not is not there; the next backup is well."""
    await site.run()
    await site.write("".join(f"m f={n} {n}\n" for n in range(100_000)))
    await site.stored(100_000)
    for number in range(2):
        target = tmp_path / f"backup{number}"
        part = target.with_name(target.name + ".part")
        signs = (site.state / "copies", part / archive.STORE)
        command = subprocess.Popen(  # noqa: ASYNC220 - it only starts
            site.command("backup", str(target)), cwd=ROOT, env=site.env, stderr=subprocess.DEVNULL
        )
        await until(lambda: signs[number].exists() or command.poll() is not None, seconds=60, what="it to begin")  # noqa: B023 - awaited here
        if victim == "command":
            command.kill()
        else:
            assert site.running is not None
            await asyncio.to_thread(site.running.kill)
        await asyncio.to_thread(command.wait)
        if target.exists():
            with archive.opened(target) as backup:
                assert backup.lines == {"telemetry": {"m": 100_000}}
        else:
            with suppress(ConfigError), archive.opened(part) as backup:
                assert backup.lines == {"telemetry": {"m": 100_000}}
        if victim == "collector":
            await site.run()
            await site.stored(100_000)
        shutil.rmtree(target, ignore_errors=True)
        code, printed = await site.type("backup", str(target))
        assert (code, printed) == (0, f"{target}: 100000 points in 1 buckets, verified\n")
        with archive.opened(target) as backup:
            assert backup.lines == {"telemetry": {"m": 100_000}}


async def test_from_another_machine(tmp_path: Path) -> None:
    """With a token of its own right and the collector's URL alone the store comes, verified, as backup and as export;
    nothing stays behind on either machine.
    """
    site, other = Site(tmp_path / "one", tokens="required"), Site(tmp_path / "two")
    try:
        token = (await site.type("token", "create", "nightly", "--scope", "backup", "--scope", "write"))[1].strip()
        file = tmp_path / "nightly.token"
        file.write_text(token)
        await site.run()
        assert await site.write(LINES, token=token) == 204
        await drained(site)

        assert site.running is not None
        there = ("--url", site.running.url("collector"), "--rate", "500MB", "--token-file", str(file))
        target, lines = tmp_path / "far.tar", tmp_path / "far.lp"
        code, printed = await other.type("backup", str(target), *there)
        assert (code, printed.partition(";")[0]) == (0, f"{target}: 3 points in 1 buckets, verified")
        with archive.opened(target) as backup:
            assert set(backup.files) == {archive.STORE}
        assert await other.type("export", str(lines), *there) == (0, f"{lines}: 3 points\n")
        assert names_in(tmp_path) == {"one", "two", "nightly.token", "far.tar", "far.lp"}
        assert names_in(site.state / "copies") == set()
    finally:
        site.end()
