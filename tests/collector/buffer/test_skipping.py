"""What an optional destination misses when space is short, and what happens to cursors of those that come and go."""

from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from collector.buffer.contract import BufferFull
from collector.buffer.disk import DiskBuffer, DiskConfig
from collector.ledger import DELIVERED, EARLIER, SKIPPED, Brought, Ledger
from tests.fakes.buffers import batch, disk_buffer, drain

TWO = ("store", "archive")
SMALL = DiskConfig(quota_bytes=2000)


def closes(ledger: Ledger, destinations: tuple[str, ...] = TWO) -> bool:
    balances = ledger.balances(destinations)
    assert balances
    return all(one.closes for one in balances)


def term(ledger: Ledger, name: str, destination: str) -> int:
    return sum(one.whole.terms.get(name, 0) for one in ledger.balances([destination]))


async def append(buffer: DiskBuffer, number: int, bucket: str = "telemetry") -> str:
    line = f"m f={number} {number}"
    await buffer.append(batch(line, bucket=bucket, source=f"s{number % 2}"))
    return line


async def append_until_refused(buffer: DiskBuffer, sent: list[str]) -> None:
    while True:
        sent.append(await append(buffer, len(sent)))


def files(folder: Path, kind: str) -> int:
    """How many files of a kind there are."""
    return len(list(folder.rglob(f"*.{kind}")))


async def test_an_optional_destination_skips_the_oldest_lines_when_space_is_short(tmp_path: Path):
    """While the required one keeps up nobody is refused; the optional one gets the newest lines, others count."""
    registry, ledger = CollectorRegistry(), Ledger()
    options = {"config": SMALL, "destinations": TWO, "optional": ["archive"], "registry": registry, "ledger": ledger}
    buffer = disk_buffer(tmp_path, **options)  # type: ignore[arg-type]  # they are disk_buffer's own
    await buffer.open()
    sent = []
    for number in range(100):
        sent.append(await append(buffer, number))
        assert await drain(buffer) == sent[-1:]
        assert closes(ledger)

    got = await drain(buffer, "archive")
    assert 0 < len(got) < len(sent)
    assert got == sent[-len(got) :]
    missed = len(sent) - len(got)
    labels = {"destination": "archive", "bucket": "telemetry"}
    assert registry.get_sample_value("tocsin_skipped_lines_total", labels) == missed
    assert (term(ledger, SKIPPED, "archive"), term(ledger, SKIPPED, "store")) == (missed, 0)
    await buffer.close()

    again = Ledger()
    reopened = disk_buffer(tmp_path, config=SMALL, destinations=TWO, ledger=again)
    await reopened.open()
    assert await drain(reopened, "archive") == []
    assert (term(again, SKIPPED, "archive"), term(again, DELIVERED, "archive")) == (missed, len(got))
    assert closes(again)
    await reopened.close()


async def test_space_is_made_in_the_buckets_that_have_it(tmp_path: Path):
    """Many small logs that only the optional destination holds back give their space to a new one."""
    ledger = Ledger()
    buffer = disk_buffer(tmp_path, config=SMALL, destinations=TWO, optional=["archive"], ledger=ledger)
    await buffer.open()
    for number in range(60):
        line = await append(buffer, number, bucket=f"b{number}")
        assert await drain(buffer, bucket=f"b{number}") == [line]
    assert closes(ledger)
    assert term(ledger, SKIPPED, "archive") > 0
    await buffer.close()


async def test_nobody_skips_while_a_required_destination_holds_the_lines_back(tmp_path: Path):
    """When skipping would free nothing, senders are told to come back and no line is missed."""
    ledger = Ledger()
    buffer = disk_buffer(tmp_path, config=SMALL, destinations=TWO, optional=["archive"], ledger=ledger)
    await buffer.open()
    sent: list[str] = []
    with pytest.raises(BufferFull):
        await append_until_refused(buffer, sent)

    assert await drain(buffer, "archive") == sent
    assert await drain(buffer) == sent
    assert term(ledger, SKIPPED, "archive") == 0
    await buffer.close()


async def test_what_was_under_way_when_it_was_skipped_may_be_committed(tmp_path: Path):
    """A parcel read before the skip is committed after it: nothing goes back, and no line counts twice."""
    ledger = Ledger()
    buffer = disk_buffer(tmp_path, config=SMALL, destinations=TWO, optional=["archive"], ledger=ledger)
    await buffer.open()
    await append(buffer, 0)
    parcel = await buffer.read("archive", "telemetry", most_bytes=1)
    assert parcel is not None
    await drain(buffer)
    for number in range(1, 60):
        await append(buffer, number)
        await drain(buffer)
    assert term(ledger, SKIPPED, "archive") > 0

    await buffer.commit("archive", parcel.behind, Brought({"s0": 1}))
    assert closes(ledger)
    assert term(ledger, DELIVERED, "archive") == 0
    await drain(buffer, "archive")
    assert closes(ledger)
    await buffer.close()


async def test_a_destination_that_is_gone_holds_nothing_back(tmp_path: Path):
    """Without its cursor what the others have is deleted, and the ledger closes for those that are left."""
    config = DiskConfig(segment_bytes=1, keep_bytes=0)
    buffer = disk_buffer(tmp_path, config=config, destinations=TWO)
    await buffer.open()
    for number in range(5):
        await append(buffer, number)
    await drain(buffer)
    await buffer.close()
    assert (files(tmp_path, "seg"), files(tmp_path, "cursor")) == (5, 2)

    ledger = Ledger()
    alone = disk_buffer(tmp_path, config=config, ledger=ledger)
    await alone.open()
    assert (files(tmp_path, "seg"), files(tmp_path, "cursor")) == (1, 1)
    assert closes(ledger, ("store",))
    assert term(ledger, DELIVERED, "store") == 5
    await alone.close()


async def test_a_new_destination_gets_what_is_still_kept_and_knows_how_much_it_missed(tmp_path: Path):
    """It starts at the oldest kept line; lines from before are earlier in its ledger, also after another start.

    The third line is kept, because its segment was still written to when it was delivered.
    """
    config = DiskConfig(segment_bytes=1)
    buffer = disk_buffer(tmp_path, config=config)
    await buffer.open()
    sent = [await append(buffer, number) for number in range(3)]
    await drain(buffer)
    sent += [await append(buffer, number) for number in range(3, 5)]
    await buffer.close()

    for start in range(2):
        ledger = Ledger()
        two = disk_buffer(tmp_path, config=config, destinations=TWO, ledger=ledger)
        await two.open()
        assert closes(ledger)
        assert term(ledger, EARLIER, "archive") == 2
        if start:
            assert await drain(two, "archive") == sent[2:]
            assert closes(ledger)
        await two.close()
