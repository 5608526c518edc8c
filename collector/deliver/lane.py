"""One bucket on its way to one destination.

A cursor moves past a line only when the line is stored or a dead letter; until then the same lines are tried again. So
does the position of a store that keeps positions: after a kill, where the store says it is counts more than cursors. A
lane that waits to try again holds neither a place nor a parcel, so a bucket that the destination lacks, or whose lines
it cannot take for now, is in nobody's way.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence

from isal import igzip_lib

from collector.buffer.contract import Buffer, Parcel
from collector.dead.box import DeadLetters
from collector.dead.letter import DeadLetter
from collector.deliver.attempts import Attempts
from collector.deliver.isolation import Isolation
from collector.deliver.letters import letters
from collector.deliver.outlet import Outlet
from collector.deliver.passage import Passage
from collector.deliver.setbacks import Setbacks
from collector.ledger import Brought
from foundation.batch import Position, Refused, Shipment
from foundation.errors import Permanent
from foundation.line_protocol.split import split_lines
from store.contract import Verdict
from store.errors import BodyRefused, StoreUnavailable

_PACKING_LEVEL = 1


class Lane:
    """Brings everything of `bucket` in the buffer to `destination`, whose outlet is given; the steps of a Passage."""

    def __init__(
        self,
        destination: str,
        bucket: str,
        outlet: Outlet,
        *,
        buffer: Buffer,
        dead: DeadLetters,
        attempts: Attempts,
        setbacks: Setbacks,
    ) -> None:
        self._destination = destination
        self._bucket = bucket
        self._outlet = outlet
        self._buffer = buffer
        self._dead = dead
        self._attempts = attempts
        self._setbacks = setbacks
        self._confirmed: int | None = None
        """Where the store has said, or was told, that it is; None where it keeps no positions."""
        self._lacks = False
        """Whether the store was found to stand before that: the cursor is to be set to where it stands."""

    @property
    def hindered(self) -> str:
        """Why the lane waits to try again; empty while all is well."""
        return self._attempts.reason

    async def run(self) -> None:
        """Bring what is there and what comes, for ever."""
        self._dead.count_from_zero(self._bucket)
        self._setbacks.expect(self._bucket)
        await self._attempts.until_done(self.align)
        while True:
            last = await self._attempts.until_done(self._pass_through)
            if last is None:
                await self._buffer.grown(self._bucket)
            elif self._outlet.is_small(last.shipment):
                await asyncio.sleep(self._outlet.gather_s)

    async def align(self) -> None:
        """Set the cursor to what the destination itself says it has."""
        log = self._buffer.log(self._bucket)
        offset = self._confirmed = await self._outlet.position(log, self._bucket)
        self._lacks = False
        if offset is not None:
            setback = await self._buffer.seek(self._destination, Position(log, self._bucket, offset))
            if setback is not None:
                self._setbacks.meet(self._bucket, offset, setback)

    async def read(self, after: Position | None) -> Parcel | None:
        """The next parcel, or the one behind `after`."""
        most_bytes = self._outlet.most_bytes
        return await self._buffer.read(self._destination, self._bucket, most_bytes=most_bytes, after=after)

    def has_more(self, parcel: Parcel) -> bool:
        """Go on as long as parcels are full and nobody waits for the place."""
        return not (self._outlet.crowded or self._outlet.is_small(parcel.shipment))

    async def write(self, parcel: Parcel) -> Sequence[Refused]:
        """Store the parcel's lines but those that are refused for good, which are returned."""
        self._lacks = await self._is_set_back()
        if self._lacks:
            raise StoreUnavailable("the store was opened anew and lacks what it had confirmed")
        try:
            verdict = await self._outlet.write(parcel.shipment, parcel.behind)
        except Permanent as error:
            refused: Sequence[Refused] = await self._isolate(parcel, error)
        else:
            refused = verdict.refused
        if not refused:
            self._confirm(parcel.behind)
        return refused

    async def settle(self, parcel: Parcel, refused: Sequence[Refused]) -> None:
        """Keep the dead letters, then move the store's position and the cursor; the ledger moves with the cursor."""
        dead: list[DeadLetter] = []
        if refused:
            dead = await asyncio.to_thread(letters, parcel, refused, self._destination)
            await self._attempts.until_done(lambda: self._dead.add(dead))
            if self._confirmed is not None:
                await self._write_piece((), parcel.behind)
                self._confirm(parcel.behind)
        brought = _brought(parcel, dead)
        await self._attempts.until_done(lambda: self._buffer.commit(self._destination, parcel.behind, brought))

    async def _pass_through(self) -> Parcel | None:
        """Bring what there is, as far as others let us; the last parcel, None when there was nothing."""
        if self._lacks:
            await self.align()
        async with self._outlet.place():
            return await Passage(self, f"deliver.{self._destination}.{self._bucket}").run()

    async def _is_set_back(self) -> bool:
        """Whether the store, which may have been opened anew meanwhile, stands before what it had confirmed."""
        if self._confirmed is None:
            return False
        offset = await self._outlet.position(self._buffer.log(self._bucket), self._bucket)
        return offset is not None and offset < self._confirmed

    def _confirm(self, position: Position) -> None:
        if self._confirmed is not None:
            self._confirmed = position.offset

    async def _isolate(self, parcel: Parcel, error: Permanent) -> list[Refused]:
        """Store all lines of a refused body but the bad ones, which are returned.

        A store that keeps positions is told where the log stood before the parcel until the last piece is stored, and
        with that one too when lines were refused: they are no dead letters yet.
        """
        lines = await asyncio.to_thread(lambda: [line for _, line in split_lines(parcel.shipment.unpack())])
        search = Isolation(lines, _words(error))
        refused: list[Refused] = []
        while (piece := search.piece()) is not None:
            settled = search.last and not (refused or search.bad)
            position = parcel.behind if settled else parcel.before
            try:
                verdict = await self._write_piece(piece, position)
            except Permanent as still:
                search.refused(_words(still))
            else:
                refused += verdict.refused
                search.stored()
        return refused + search.bad

    async def _write_piece(self, lines: Sequence[bytes], position: Position) -> Verdict:
        """Tried again here and not with the whole parcel, so that a search ends however often it is disturbed."""
        shipment = await asyncio.to_thread(_pack, self._bucket, lines)
        return await self._attempts.until_done(lambda: self._outlet.write(shipment, position))


def _brought(parcel: Parcel, letters_: Sequence[DeadLetter]) -> Brought:
    """For the ledger: of each source's lines, how many the destination took and how many are dead letters."""
    delivered, dead = Counter[str](), Counter[str]()
    for origin in parcel.origins:
        delivered[origin.source] += origin.lines
    for letter in letters_:
        source = letter.source if delivered[letter.source] > 0 else next(iter(+delivered), letter.source)
        delivered[source] -= 1
        dead[source] += 1
    return Brought(delivered, dead)


def _words(error: Permanent) -> str:
    return "too large: " + str(error) if isinstance(error, BodyRefused) and error.too_large else str(error)


def _pack(bucket: str, lines: Sequence[bytes]) -> Shipment:
    body = b"".join(line + b"\n" for line in lines)
    return Shipment(bucket, igzip_lib.compress(body, _PACKING_LEVEL, igzip_lib.COMP_GZIP), len(lines))
