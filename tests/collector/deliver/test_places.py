"""Who may write to one destination at once: so many, in the order in which they came, fewer while it is strained."""

import asyncio

from collector.deliver.places import Places


class Guests:
    """Tasks that hold a place until they are let go."""

    def __init__(self, places: Places) -> None:
        self.places = places
        self.seated: list[str] = []
        self._go: dict[str, asyncio.Event] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def come(self, *names: str) -> None:
        for name in names:
            self._go[name] = asyncio.Event()
            self._tasks[name] = asyncio.create_task(self._sit(name))
        await rounds()

    async def leave(self, name: str) -> None:
        self._go[name].set()
        await self._tasks[name]
        await rounds()

    async def give_up(self, name: str) -> None:
        self._tasks[name].cancel()
        await asyncio.wait([self._tasks[name]])
        await rounds()

    async def _sit(self, name: str) -> None:
        async with self.places.place():
            self.seated.append(name)
            try:
                await self._go[name].wait()
            finally:
                self.seated.remove(name)


async def rounds() -> None:
    """Let everything that can happen happen."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_no_more_than_there_are_places_and_first_come_first_served():
    """A third guest waits for one of two places; who came first gets the one that is left first."""
    guests = Guests(Places(2))
    await guests.come("a", "b", "c", "d")
    assert guests.seated == ["a", "b"]
    assert guests.places.crowded

    await guests.leave("b")
    assert guests.seated == ["a", "c"]
    await guests.leave("a")
    assert guests.seated == ["c", "d"]
    assert not guests.places.crowded
    await guests.leave("c")
    await guests.leave("d")


async def test_a_strained_destination_gets_fewer_at_once_and_more_again():
    """Half after a strain, never none; one more for each round of writes that were taken."""
    places = Places(4)
    for _ in range(5):
        places.strained()
    assert places.allowed == 1
    guests = Guests(places)
    await guests.come("a", "b", "c")
    assert guests.seated == ["a"]

    places.took()
    await rounds()
    assert (places.allowed, guests.seated) == (2, ["a", "b"])
    for _ in range(100):
        places.took()
    assert places.allowed == 4
    for name in ("a", "b", "c"):
        await guests.leave(name)


async def test_who_gives_up_waiting_takes_no_place_along():
    """A task that is cancelled in line, or at the very moment it gets its place, leaves all places to the others."""
    guests = Guests(Places(1))
    await guests.come("a", "b", "c")
    await guests.give_up("b")
    await guests.leave("a")
    assert guests.seated == ["c"]
    await guests.leave("c")

    await guests.come("d", "e", "f")
    guests._go["d"].set()
    guests._tasks["d"].add_done_callback(lambda _: guests._tasks["e"].cancel())
    await asyncio.wait([guests._tasks["e"]])
    await rounds()
    assert guests.seated == ["f"]
    await guests.leave("f")


async def test_all_who_wait_may_be_cancelled_together():
    """At the stop: who has a place and who waits for one end in whatever order, and none of them with an error."""
    guests = Guests(Places(1))
    await guests.come("a", "b", "c")
    for task in guests._tasks.values():
        task.cancel()
    await asyncio.wait(guests._tasks.values())
    assert all(task.cancelled() for task in guests._tasks.values())

    await guests.come("d")
    assert guests.seated == ["d"]
    await guests.leave("d")


async def test_more_places_by_configuration_are_there_at_once():
    """Who waits gets one of them."""
    guests = Guests(Places(1))
    await guests.come("a", "b", "c")
    guests.places.adopt(3)
    await rounds()
    assert guests.seated == ["a", "b", "c"]
    for name in ("a", "b", "c"):
        await guests.leave(name)
