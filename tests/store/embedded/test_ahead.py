"""What is read before anybody asks for it."""

import asyncio
import threading
from functools import partial
from pathlib import Path

import pytest

from store.embedded.ahead import Ahead
from store.embedded.answerers import Answerers
from store.embedded.deadline import Withdrawal
from store.embedded.store import EmbeddedConfig, EmbeddedStore
from tests.fakes.clock import ManualClock
from tests.fakes.polling import until
from tests.fakes.shipping import Log
from tests.store.embedded.standing import standing

HOSTS = standing('SHOW TAG VALUES WITH KEY = "h"')


async def test_a_file_that_is_opened_has_its_series_looked_up(tmp_path: Path, clock: ManualClock) -> None:
    """The first who asks finds them, in whichever bucket."""
    store = EmbeddedStore(EmbeddedConfig(), state=tmp_path, clock=clock)
    await store.open()
    await Log(store, "db").put(b"m,h=a v=1 1\nn,h=b v=1 1\n")
    await Log(store, "other").put(b"m,h=c v=1 1\n")
    await store.close()
    again = EmbeddedStore(EmbeddedConfig(), state=tmp_path, clock=clock)
    await again.open()
    for database, hosts in (("db", ["a", "b"]), ("other", ["c"])):
        found = await until(partial(again._opened().reader.answer_at_once, HOSTS, database, 0))
        assert sorted(row[1] for one in found[0].series for row in one.values) == hosts
    await again.close()


async def test_a_table_that_is_asked_for_twice_is_read(tmp_path: Path, clock: ManualClock) -> None:
    """Behind the answers, so that what is asked next is answered from memory."""
    store = EmbeddedStore(EmbeddedConfig(), state=tmp_path, clock=clock)
    await store.open()
    await Log(store, "db").put(b"m,h=a v=1 1\n")
    for text in ("SELECT max(v) FROM m WHERE time > 0", "SELECT min(v) FROM m WHERE time > 0"):
        assert store.recent_bytes == 0
        await store.query(text, "db")
    await until(lambda: store.recent_bytes > 0)
    await store.close()


async def test_one_thing_at_a_time_is_read_and_none_once_it_is_stopped() -> None:
    """What is under way is told to break off."""
    answerers, go, begun = Answerers(2, "test"), threading.Event(), []
    ahead = Ahead(answerers)

    def work(withdrawal: Withdrawal) -> None:
        begun.append(withdrawal)
        go.wait(30)

    ahead.read(work)
    await until(lambda: len(begun) == 1)
    ahead.read(work)
    ahead.stop()
    assert begun[0].withdrawn
    go.set()
    await asyncio.wait_for(answerers.ask(lambda: None), 30)
    ahead.read(work)
    await answerers.close()
    assert len(begun) == 1


async def test_no_more_series_are_looked_up_than_take_little_memory(
    tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody may ever ask for them."""
    store = EmbeddedStore(EmbeddedConfig(), state=tmp_path, clock=clock)
    await store.open()
    await Log(store, "db").put(b"m,h=a v=1 1\nm,h=b v=1 1\nm,h=c v=1 1\n")
    reader = store._opened().reader
    monkeypatch.setattr("store.embedded.query._MOST_SERIES_AHEAD", 2)
    await asyncio.to_thread(reader.look_ahead, Withdrawal())
    assert reader.answer_at_once(HOSTS, "db", 0) is None
    monkeypatch.setattr("store.embedded.query._MOST_SERIES_AHEAD", 3)
    await asyncio.to_thread(reader.look_ahead, Withdrawal())
    assert reader.answer_at_once(HOSTS, "db", 0) is not None
    await store.close()
