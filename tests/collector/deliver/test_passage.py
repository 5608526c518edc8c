"""A bucket's parcels on their way: the next is read while one is written, the last is settled meanwhile, in order."""

import asyncio
from collections.abc import Sequence

import pytest

from collector.buffer.contract import Parcel
from collector.deliver.passage import Passage
from foundation.batch import Position, Refused, Shipment
from store.errors import StoreUnavailable


def parcel(number: int) -> Parcel:
    return Parcel(Shipment("b", b"x", 1), Position("log", "b", number), Position("log", "b", number + 1))


class Recorded:
    """Steps over parcels 0, 1, 2, ... that say when they begin and end, and wait where a test holds them."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.said: list[str] = []
        self.held: dict[str, asyncio.Event] = {}
        self.failures: dict[str, Exception] = {}
        self.refused: dict[str, tuple[Refused, ...]] = {}
        self.goes_on = True

    async def read(self, after: Position | None) -> Parcel | None:
        number = 0 if after is None else after.offset
        await self._step(f"read {number}")
        return parcel(number) if number < self.count else None

    async def write(self, parcel: Parcel) -> Sequence[Refused]:
        await self._step(f"write {parcel.before.offset}")
        return self.refused.get(f"write {parcel.before.offset}", ())

    async def settle(self, parcel: Parcel, refused: Sequence[Refused]) -> None:
        assert refused == self.refused.get(f"write {parcel.before.offset}", ())
        await self._step(f"settle {parcel.before.offset}")

    def has_more(self, parcel: Parcel) -> bool:
        del parcel
        return self.goes_on

    async def _step(self, what: str) -> None:
        self.said.append(what)
        if what in self.held:
            await self.held[what].wait()
        if what in self.failures:
            raise self.failures[what]
        self.said.append(f"{what}.")


async def rounds() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_the_next_is_read_while_one_is_written():
    """When the store has answered, the next parcel is in hand."""
    steps = Recorded(2)
    steps.held["write 0"] = asyncio.Event()
    running = asyncio.create_task(Passage(steps, "p").run())
    await rounds()
    assert steps.said[-1] == "read 1."

    steps.held["write 0"].set()
    last = await running
    assert last == parcel(1)


async def test_the_last_is_settled_while_the_next_is_written_and_cursors_move_in_order():
    """A sync of the cursor costs the store no pause; a settling that takes long keeps the one behind it waiting."""
    steps = Recorded(3)
    steps.held["settle 0"] = asyncio.Event()
    running = asyncio.create_task(Passage(steps, "p").run())
    await rounds()
    assert "write 1." in steps.said
    assert "settle 1" not in steps.said
    assert "write 2" not in steps.said

    steps.held["settle 0"].set()
    await running
    settled = [what for what in steps.said if what.startswith("settle") and what.endswith(".")]
    assert settled == ["settle 0.", "settle 1.", "settle 2."]


async def test_writes_never_overlap():
    """Two lines of one series reach the store in the order in which they came."""
    steps = Recorded(5)
    await Passage(steps, "p").run()
    writes = [what for what in steps.said if what.startswith("write")]
    assert writes == [f"write {number}{end}" for number in range(5) for end in ("", ".")]


async def test_a_write_that_fails_ends_it_with_what_was_stored_settled():
    """The parcels behind are read again next time; nothing that was written is left unsettled."""
    steps = Recorded(3)
    steps.failures["write 1"] = StoreUnavailable("away")
    with pytest.raises(StoreUnavailable):
        await Passage(steps, "p").run()
    assert "settle 0." in steps.said
    assert "settle 1" not in steps.said


async def test_without_more_to_do_at_once_it_ends_behind_one_parcel():
    """A parcel that is far from full, or a place that others wait for: nothing is read ahead."""
    steps = Recorded(3)
    steps.goes_on = False
    assert await Passage(steps, "p").run() == parcel(0)
    assert "read 1" not in steps.said
    assert steps.said[-1] == "settle 0."


async def test_nothing_to_read_is_told():
    """An empty bucket has no last parcel."""
    assert await Passage(Recorded(0), "p").run() is None


async def test_cancelled_it_leaves_no_task_behind():
    """Reading ahead and settling end with it."""
    steps = Recorded(3)
    steps.held = {"write 1": asyncio.Event(), "read 2": asyncio.Event(), "settle 0": asyncio.Event()}
    running = asyncio.create_task(Passage(steps, "p").run())
    await rounds()
    assert {"write 1", "read 2", "settle 0"} <= set(steps.said)
    running.cancel()
    await asyncio.wait([running])
    await rounds()
    assert [task for task in asyncio.all_tasks() if task.get_name().startswith("p.")] == []


async def test_refused_lines_are_settled_before_the_next_write():
    """A store that keeps positions moves with the next write; until then the lines must be dead letters."""
    steps = Recorded(2)
    steps.refused["write 0"] = (Refused(b"m f=1 1", "never"),)
    steps.held["settle 0"] = asyncio.Event()
    running = asyncio.create_task(Passage(steps, "p").run())
    await rounds()
    assert steps.said[-1] == "settle 0"
    assert "write 1" not in steps.said

    steps.held["settle 0"].set()
    await running
    assert steps.said.index("settle 0.") < steps.said.index("write 1")
