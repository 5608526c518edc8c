"""The ledger: terms add up by bucket, sources are bounded, and a missing line shows."""

from pathlib import Path
from typing import Any

import aiohttp
import pytest

from collector.ledger import CARRIED, DEAD, DELIVERED, MOST_SOURCES, OTHERS, RECEIVED, REJECTED, TAKEN_OUT, Ledger
from tests.collector.test_app import QUIET, Running
from tests.fakes.polling import until
from tests.fakes.store import MemoryStore


def test_the_terms_of_a_bucket_close():
    """What came is what was delivered, is buffered, rejected, dead or taken out; other buckets do not matter."""
    ledger = Ledger()
    ledger.count("b", "one", RECEIVED, 10)
    ledger.count("b", "", CARRIED, 3)
    ledger.count("b", "one", REJECTED, 2, "syntax")
    ledger.count("b", "two", TAKEN_OUT, 1, "drop")
    ledger.count("b", "one", DELIVERED, 4)
    ledger.count("b", "one", DEAD, 1)
    ledger.count("other", "one", RECEIVED, 7)

    balance = ledger.balance("b", 5)
    assert balance.difference == 0
    assert (dict(balance.rejected), dict(balance.taken_out)) == ({"syntax": 2}, {"drop": 1})
    assert dict(balance.sources["one"]) == {RECEIVED: 10, REJECTED: 2, DELIVERED: 4, DEAD: 1}


@pytest.mark.parametrize(("buffered", "difference"), [(4, 1), (6, -1)])
def test_a_line_too_few_or_too_many_shows(buffered: int, difference: int):
    """A lost line is a positive difference, one that is accounted for twice a negative one."""
    ledger = Ledger()
    ledger.count("b", "s", RECEIVED, 5)

    assert ledger.balance("b", buffered).difference == difference


def test_sources_without_end_share_a_row():
    """However many senders there are, memory stays bounded and no line goes uncounted."""
    ledger = Ledger()
    for number in range(MOST_SOURCES + 50):
        ledger.count("b", f"host:{number}", RECEIVED, 1)

    balance = ledger.balance("b", 0)
    assert len(balance.sources) == MOST_SOURCES + 1
    assert balance.sources[OTHERS][RECEIVED] == 50
    assert balance.terms[RECEIVED] == MOST_SOURCES + 50


async def ask(running: Running) -> dict[str, Any]:
    async with aiohttp.ClientSession() as session, session.get(f"{running.url}/api/v1/ledger") as answer:
        assert answer.status == 200
        ledger: dict[str, Any] = await answer.json()
        return ledger


async def test_every_line_is_found_again_and_across_a_restart(tmp_path: Path):
    """Delivered, dead, rejected and buffered lines add up; what the next process finds buffered is carried."""
    store = MemoryStore("embedded")
    store.refuses = lambda line: "unable to parse" if line.startswith(b"dead") else None
    first = Running(tmp_path, store, **QUIET)
    await first.start()
    assert await first.write("m f=1 1\nm f=2 2\ndead f=1 1\nrubbish\nm f=3i 3\n") == 400
    await until(lambda: store.lines.get("telemetry") == [b"m f=1 1", b"m f=2 2"])

    async def settled() -> bool:
        return not (await first.ready())["buffered_lines"]

    await until(settled)
    ledger = await ask(first)
    [bucket] = ledger["buckets"]
    assert ledger["closes"]
    assert {name: bucket[name] for name in ("received", "delivered", "buffered", "dead", "carried")} == {
        "received": 5,
        "delivered": 2,
        "buffered": 0,
        "dead": 1,
        "carried": 0,
    }
    assert bucket["rejected"] == {"syntax": 1, "field_type": 1}
    assert bucket["sources"] == {"host:127.0.0.1": {"received": 5, "delivered": 2, "dead": 1, "rejected": 2}}

    store.missing.add("telemetry")
    assert await first.write("m f=4 4\nm f=5 5\n") == 204
    assert (await ask(first))["closes"]
    await first.role.stop()

    second = Running(tmp_path, store, **QUIET)
    await second.start()
    [bucket] = (await ask(second))["buckets"]
    assert (bucket["carried"], bucket["buffered"], bucket["difference"]) == (2, 2, 0)
    store.missing.clear()
    await until(lambda: len(store.lines["telemetry"]) == 4)

    async def delivered() -> bool:
        [bucket] = (await ask(second))["buckets"]
        return (bucket["delivered"], bucket["buffered"], bucket["difference"]) == (2, 0, 0)

    await until(delivered)
    await second.role.stop()
