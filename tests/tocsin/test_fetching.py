"""A copy fetched from another machine: whole or not at all, over connections that break."""

from __future__ import annotations

import asyncio
import os
from argparse import Namespace
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from foundation.backoff import Backoff
from store.contract import Copied
from store.errors import StoreUnavailable
from tests.fakes.intake import RunningIntake, running_intake
from tocsin.asking import Collector, Refused
from tocsin.fetching import fetch, forget

AT_ONCE = Backoff(first_s=0.0)
SIZE = 5_000_000


@asynccontextmanager
async def breaking(target: str, after_bytes: int, *, spoilt: bool = False) -> AsyncIterator[str]:
    """The address of a way to `target` on which every connection breaks when it has brought so many bytes; on a
    `spoilt` one with some of the last changed.
    """
    host, _, port = target.removeprefix("http://").rpartition(":")

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(host, int(port))
        far_writer.write(await reader.readuntil(b"\r\n\r\n"))
        left = after_bytes
        while left > 0 and (data := await far_reader.read(left)):
            left -= len(data)
            writer.write(bytes(len(data)) if spoilt and left < after_bytes // 2 else data)
        writer.close()
        far_writer.transport.abort()

    async with await asyncio.start_server(pass_on, "127.0.0.1", 0) as server:
        yield "http://{}:{}".format(*server.sockets[0].getsockname())


async def make_copy(intake: RunningIntake, folder: Path) -> bytes:
    """A copy that the collector has; its bytes."""
    content = os.urandom(SIZE)
    file = folder / "1.duckdb"
    file.write_bytes(content)
    intake.store.copied = Copied(file, {})
    json = {"Content-Type": "application/json"}
    assert (await intake.session.post(f"{intake.url}/api/v1/copy", data="{}", headers=json)).status == 200
    return content


def collector(folder: Path, url: str) -> Collector:
    config = folder / "tocsin.yml"
    config.write_text("{}\n")
    return Collector(Namespace(config=config, url=url, token_file=None))


async def test_it_goes_on_where_a_connection_broke(tmp_path: Path) -> None:
    """The bytes are those of the copy, however often it took; then it can be removed there."""
    async with running_intake(tmp_path) as intake, breaking(intake.url, 2_000_000) as url:
        content = await make_copy(intake, tmp_path)
        place, there = tmp_path / "here", collector(tmp_path, url)
        await asyncio.to_thread(fetch, there, "1.duckdb", place, backoff=AT_ONCE)
        assert place.read_bytes() == content
        await asyncio.to_thread(forget, there, "1.duckdb")
        assert not (tmp_path / "1.duckdb").exists()


async def test_bytes_that_changed_on_the_way_are_not_taken(tmp_path: Path) -> None:
    """As many as they should be is not enough."""
    async with running_intake(tmp_path) as intake, breaking(intake.url, SIZE + 2000, spoilt=True) as url:
        await make_copy(intake, tmp_path)
        with pytest.raises(StoreUnavailable, match="changed on its way"):
            await asyncio.to_thread(fetch, collector(tmp_path, url), "1.duckdb", tmp_path / "here", backoff=AT_ONCE)


async def test_a_way_that_brings_nothing_is_given_up(tmp_path: Path) -> None:
    """In words, after some tries."""
    async with running_intake(tmp_path) as intake, breaking(intake.url, 10) as url:
        await make_copy(intake, tmp_path)
        with pytest.raises(StoreUnavailable, match="could not be fetched"):
            await asyncio.to_thread(fetch, collector(tmp_path, url), "1.duckdb", tmp_path / "here", backoff=AT_ONCE)


async def test_a_copy_that_is_gone_is_told(tmp_path: Path) -> None:
    """The collector's own words, as after its restart."""
    async with running_intake(tmp_path) as intake:
        with pytest.raises(Refused, match="no such copy"):
            await asyncio.to_thread(fetch, collector(tmp_path, intake.url), "1.duckdb", tmp_path / "here")
