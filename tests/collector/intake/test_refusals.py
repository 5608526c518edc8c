"""Lines refused at intake on their way to the dead letters: nobody waits for them, and a clean stop loses none."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

from prometheus_client import CollectorRegistry

from collector.dead.box import DeadConfig, DeadLetters
from collector.dead.letter import DeadLetter
from collector.decode.contract import Arrival
from collector.intake.refusals import Refusals
from collector.metrics import DeadLetterMetrics
from collector.verdict import Cause, Objection, Rejection
from tests.fakes.buffers import Incidents
from tests.fakes.letters import letters_in
from tests.fakes.polling import until


class BusyBox(DeadLetters):
    """Takes letters once it is free."""

    def __init__(self, folder: Path, metrics: DeadLetterMetrics) -> None:
        super().__init__(DeadConfig(), folder, metrics)
        self.free = asyncio.Event()
        self.asked = 0

    async def add(self, letters: Sequence[DeadLetter]) -> None:
        self.asked += 1
        await self.free.wait()
        await super().add(letters)


async def test_a_stop_loses_neither_what_waits_nor_what_is_being_written(tmp_path: Path) -> None:
    """A write that waits for its turn at the box goes on to its end, then comes what was refused meanwhile."""
    metrics = DeadLetterMetrics(CollectorRegistry())
    box = BusyBox(tmp_path, metrics)
    refusals = Refusals(box, metrics, Incidents())
    refusals.start()

    def refuse(line: bytes) -> None:
        rejection = Rejection(1, line, Objection(Cause.SYNTAX, "no fields"))
        refusals.take("line_protocol", Arrival(line, 1), [rejection], bucket="b", source="host:a")

    refuse(b"first")
    await until(lambda: box.asked, what="the first to be written")
    refuse(b"second")
    stopping = asyncio.create_task(refusals.stop())
    for _ in range(20):
        await asyncio.sleep(0)
    box.free.set()
    await stopping
    assert [letter.line for letter in letters_in(tmp_path)] == [b"first", b"second"]
