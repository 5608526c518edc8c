"""Listening sockets pass from one process to the next; here both ends stand in one process."""

import asyncio
import json
import os
import socket
import stat
import threading
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import ClientSession, web

from foundation.errors import ConfigError
from foundation.handover import Offer, Sockets, from_manager, take_over
from foundation.web import Address, Listening, Site
from tests.fakes.polling import until

ANYWHERE = Address("127.0.0.1", 0)


@dataclass
class Predecessor:
    """A process with roles that listen, as far as hand-over sees it."""

    offer: Offer
    sites: Mapping[str, Site]
    where: Mapping[str, Address]
    leaving: asyncio.Event = field(default_factory=asyncio.Event)

    async def end(self) -> None:
        """What it does once it is asked to leave."""
        for site in self.sites.values():
            await site.stop()
        self.offer.close()


def application(answer: str) -> web.Application:
    async def say(_request: web.Request) -> web.Response:
        return web.Response(text=answer)

    app = web.Application()
    app.add_routes([web.get("/", say)])
    return app


@asynccontextmanager
async def running(state: Path, *roles: str) -> AsyncIterator[Predecessor]:
    listening = {role: Listening() for role in roles}
    sites = {role: Site(application(f"old {role}"), ANYWHERE, listening=one) for role, one in listening.items()}
    where = {role: await site.start() for role, site in sites.items()}
    leaving = asyncio.Event()
    predecessor = Predecessor(Offer(state, listening, leaving.set), sites, where, leaving)
    waiting = asyncio.create_task(predecessor.offer.run())
    await until((state / f"{roles[0]}.sock").exists, seconds=15)
    try:
        yield predecessor
    finally:
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        await predecessor.end()


def close(sockets: Sockets) -> None:
    for each in sockets.values():
        for one in each:
            one.close()


async def test_the_next_process_accepts_on_the_same_address(tmp_path: Path):
    """Who connects in between waits, and is answered by the next one; the socket to meet at is the owner's alone."""
    async with running(tmp_path, "collector", "console") as old, ClientSession() as client:
        assert stat.S_IMODE((tmp_path / "collector.sock").stat().st_mode) == 0o600
        taking = asyncio.create_task(asyncio.to_thread(take_over, tmp_path, ["collector", "console"], patience_s=30))
        await asyncio.wait_for(old.leaving.wait(), 15)
        assert old.offer.taken
        await old.end()
        early = asyncio.create_task(client.get(old.where["collector"].url))
        sockets = await taking
        assert {role: len(found) for role, found in sockets.items()} == {"collector": 1, "console": 1}
        assert not (tmp_path / "collector.sock").exists()
        sites = [
            Site(application(f"new {role}"), ANYWHERE, listening=Listening(inherited=found))
            for role, found in sockets.items()
        ]
        assert [await site.start() for site in sites] == list(old.where.values())
        async with await early as answer:
            assert await answer.text() == "new collector"
        async with client.get(old.where["console"].url) as answer:
            assert await answer.text() == "new console"
        for site in sites:
            await site.stop()


async def test_a_process_with_more_roles_stays(tmp_path: Path):
    """It says which, and how to take all of them over; it offers itself again."""
    async with running(tmp_path, "collector", "alerting") as old:
        for _ in range(2):
            with pytest.raises(ConfigError) as caught:
                await asyncio.to_thread(take_over, tmp_path, ["collector"], patience_s=30)
            assert str(caught.value) == (
                f"{tmp_path}: cannot take over: process {os.getpid()} runs alerting too; "
                "start the new one with the same roles, as in `tocsin up --take-over`"
            )
        assert not old.leaving.is_set()


async def test_processes_of_one_role_each_are_all_taken_over(tmp_path: Path):
    """By one that runs both roles."""
    async with running(tmp_path, "collector") as first, running(tmp_path, "console") as second:
        taking = asyncio.create_task(asyncio.to_thread(take_over, tmp_path, ["collector", "console"], patience_s=30))
        for old in (first, second):
            await asyncio.wait_for(old.leaving.wait(), 15)
            await old.end()
        sockets = await taking
        assert sorted(sockets) == ["collector", "console"]
        close(sockets)


async def test_rubbish_at_the_socket_ends_nothing(tmp_path: Path):
    """Nor does a process that goes away before it has said go."""
    async with running(tmp_path, "collector") as old:
        for message in (b"rubbish", b"{}", b'{"roles": ["collector"]}'):
            with socket.socket(socket.AF_UNIX) as stranger:
                await asyncio.to_thread(stranger.connect, str(tmp_path / "collector.sock"))
                stranger.sendall(message)
        taking = asyncio.create_task(asyncio.to_thread(take_over, tmp_path, ["collector"], patience_s=30))
        await asyncio.wait_for(old.leaving.wait(), 15)
        await old.end()
        close(await taking)


async def test_who_does_not_end_is_told_about(tmp_path: Path):
    """After the patience is over."""
    async with running(tmp_path, "collector"):
        with pytest.raises(ConfigError) as caught:
            await asyncio.to_thread(take_over, tmp_path, ["collector"], patience_s=0.1)
        assert str(caught.value) == (
            "the process that handed over the collector has not ended within 0.1 s; "
            "look into its log, end it, and start again"
        )


def test_nobody_there_is_no_error(tmp_path: Path):
    """Neither a socket, nor one that a killed process left, nor a folder."""
    assert take_over(tmp_path, ["collector"], patience_s=1) == {}
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / "collector.sock"))
    assert take_over(tmp_path, ["collector"], patience_s=1) == {}
    assert take_over(tmp_path / "none", ["collector"], patience_s=1) == {}


def test_an_answer_that_is_none_is_told(tmp_path: Path):
    """A process of another kind at the socket."""
    with socket.socket(socket.AF_UNIX) as waiting:
        waiting.bind(str(tmp_path / "collector.sock"))
        waiting.listen()

        def answer() -> None:
            asking, _ = waiting.accept()
            with asking:
                assert json.loads(asking.recv(4096)) == {"roles": ["collector"]}
                asking.sendall(b"what?")

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(ConfigError, match="the running process does not hand over"):
            take_over(tmp_path, ["collector"], patience_s=1)
        thread.join()


async def test_a_folder_deeper_than_a_sockets_name_may_be(tmp_path: Path):
    """108 bytes are what an address of a unix socket holds."""
    deep = tmp_path / ("x" * 120)
    deep.mkdir()
    async with running(deep, "collector") as old:
        taking = asyncio.create_task(asyncio.to_thread(take_over, deep, ["collector"], patience_s=30))
        await asyncio.wait_for(old.leaving.wait(), 15)
        await old.end()
        close(await taking)


def passed(count: int, names: str | None = None) -> dict[str, str]:
    named = {} if names is None else {"LISTEN_FDNAMES": names}
    return {"LISTEN_PID": "4711", "LISTEN_FDS": str(count), **named}


def test_what_a_service_manager_passes_to_others_is_not_ours():
    """Its variables are inherited by children, whose process number is another."""
    assert from_manager(["collector"], passed(1), pid=4712) == {}
    assert from_manager(["collector"], {}, pid=4711) == {}


def test_a_name_that_is_no_role_is_an_error():
    """Which socket, which name, and what it could be."""
    with pytest.raises(ConfigError) as caught:
        from_manager(["collector", "console"], passed(1, "http"), pid=4711)
    assert str(caught.value) == (
        "LISTEN_FDNAMES: socket 0 is named 'http', which is no role here; "
        "set FileDescriptorName to one of collector, console"
    )
