"""The ledger: terms add up by bucket, source and destination, rows are bounded, and a missing line shows."""

from collections import Counter
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from collector.ledger import (
    BUFFERED,
    CARRIED,
    DEAD,
    DELIVERED,
    MOST_SOURCES,
    OTHERS,
    RECEIVED,
    REJECTED,
    SKIPPED,
    Account,
    Ledger,
    Row,
)
from tests.collector.test_app import QUIET, Running
from tests.fakes.polling import until
from tests.fakes.store import MemoryStore


def test_the_terms_of_a_bucket_close_for_each_destination():
    """What came is rejected, taken out, or is or was buffered; each destination has its own end of it."""
    ledger = Ledger()
    ledger.enter("b", "one", Account(10, {"syntax": 2}, {"drop": 1}).terms())
    ledger.count("b", "old", CARRIED, 3)
    for term, lines in {DELIVERED: 6, DEAD: 1}.items():
        ledger.count("b", "one", term, lines, destination="near")
    for term, lines in {BUFFERED: 4, SKIPPED: 3}.items():
        ledger.count("b", "one", term, lines, destination="far")
    ledger.count("b", "old", DELIVERED, 3, destination="near")
    ledger.count("b", "old", BUFFERED, 3, destination="far")
    ledger.enter("other", "one", Account(7).terms())

    near, far = ledger.balance("b", "near"), ledger.balance("b", "far")
    assert (near.closes, far.closes) == (True, True)
    assert (near.whole.difference, far.whole.difference) == (0, 0)
    assert (near.whole.rejected, near.whole.taken_out) == ({"syntax": 2}, {"drop": 1})
    assert near.whole.terms == {RECEIVED: 10, CARRIED: 3, DELIVERED: 9, DEAD: 1}
    assert far.sources["one"].terms == {RECEIVED: 10, BUFFERED: 4, SKIPPED: 3}


@pytest.mark.parametrize(("buffered", "difference"), [(4, 1), (6, -1)])
def test_a_line_too_few_or_too_many_shows(buffered: int, difference: int):
    """A lost line is a positive difference, one that is accounted for twice a negative one."""
    ledger = Ledger()
    ledger.enter("b", "s", Account(5).terms())
    ledger.count("b", "s", BUFFERED, buffered, destination="d")

    balance = ledger.balance("b", "d")
    assert (balance.whole.difference, balance.closes) == (difference, False)


def test_two_errors_that_cancel_out_do_not_close():
    """A line too many of one source and one too few of another are both differences."""
    ledger = Ledger()
    ledger.enter("b", "one", Account(5).terms())
    ledger.enter("b", "two", Account(5).terms())
    ledger.count("b", "one", BUFFERED, 4, destination="d")
    ledger.count("b", "two", BUFFERED, 6, destination="d")

    balance = ledger.balance("b", "d")
    assert (balance.whole.difference, balance.closes) == (0, False)


def test_sources_without_end_share_a_row():
    """However many senders there are, memory stays bounded and no line goes uncounted, those of notes neither."""
    ledger = Ledger()
    for number in range(MOST_SOURCES + 50):
        ledger.enter("b", f"host:{number}", Account(1).terms())
        ledger.note("b", f"other:{number}", Account(1, {"syntax": 1}))

    balance = ledger.balance("b", "d")
    assert len(balance.sources) == MOST_SOURCES + 1
    assert balance.whole.terms[RECEIVED] == 2 * (MOST_SOURCES + 50)
    [notes] = ledger.take_notes().values()
    assert len(notes) <= MOST_SOURCES + 1


def test_a_bucket_whose_sources_share_a_row_gives_out_no_other():
    """A source's lines stand in one row, so they close for each source, whenever space for rows comes back."""
    ledger = Ledger()
    ledger.restore("b", OTHERS, Row(Counter({(RECEIVED, ""): 5})))

    assert ledger.named("b", "host:1") == OTHERS
    assert ledger.named("c", "host:1") == "host:1"


def test_notes_count_at_once_and_are_kept_until_they_are_durable():
    """What waits to be written is shown; if it could not be written it waits on, and nothing is counted twice."""
    ledger = Ledger()
    ledger.note("b", "s", Account(2, {"syntax": 2}))
    assert ledger.balance("b", "d").whole.rejected == {"syntax": 2}

    assert set(ledger.take_notes()) == {"b"}
    ledger.note("b", "s", Account(1, {"syntax": 1}))
    assert ledger.balance("b", "d").whole.rejected == {"syntax": 3}
    ledger.settle_notes("b", durable=False)
    assert ledger.take_notes()["b"]["s"] == {(RECEIVED, ""): 3, (REJECTED, "syntax"): 3}
    assert ledger.rows("b")["s"].shared == {}

    ledger.settle_notes("b", durable=True)
    assert ledger.rows("b")["s"].shared == {(RECEIVED, ""): 3, (REJECTED, "syntax"): 3}
    assert ledger.balance("b", "d").whole.rejected == {"syntax": 3}
    assert not ledger.noted


async def ask(running: Running) -> dict[str, Any]:
    async with aiohttp.ClientSession() as session, session.get(f"{running.url}/api/v1/ledger") as answer:
        assert answer.status == 200
        ledger: dict[str, Any] = await answer.json()
        return ledger


async def test_every_line_is_found_again_and_across_a_restart(tmp_path: Path):
    """Delivered, dead, rejected and buffered lines add up, and the next process goes on where the last one ended."""
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
    [(source, terms)] = bucket["sources"].items()
    assert source == "host:127.0.0.1"
    assert terms == {name: value for name, value in bucket.items() if name not in ("bucket", "destination", "sources")}

    store.missing.add("telemetry")
    assert await first.write("m f=4 4\nm f=5 5\n") == 204
    assert await first.write("rubbish\n") == 400
    before = await ask(first)
    assert before["closes"]
    await first.role.stop()

    second = Running(tmp_path, store, **QUIET)
    await second.start()
    assert (await ask(second))["buckets"] == before["buckets"]
    store.missing.clear()
    await until(lambda: len(store.lines["telemetry"]) == 4)

    async def delivered() -> bool:
        [bucket] = (await ask(second))["buckets"]
        return (bucket["delivered"], bucket["buffered"], bucket["difference"]) == (4, 0, 0)

    await until(delivered)
    await second.role.stop()
