"""A client's connection without a socket: what it sends is split as a test wants it, what it gets is kept."""

import asyncio
from collections.abc import Iterable

from collector.intake.connection import Connection, ConnectionServer
from tests.fakes.polling import until

_TURNS = 50
"""Turns of the event loop in which a server that has all it needs gets on with it."""


class LineIn(asyncio.Transport):
    """The server's end of the connection."""

    def __init__(self, server: ConnectionServer, address: str = "192.0.2.7") -> None:
        super().__init__({"peername": (address, 4711)})
        self.said = b""
        """All that the server has answered."""
        self.paused = False
        self._protocol: Connection = server()
        self._closing = False
        self._protocol.connection_made(self)

    async def send(self, chunks: Iterable[bytes], *, hastily: bool = False) -> None:
        """Hand over chunk by chunk, `hastily` before the server has got on with the last one."""
        for chunk in chunks:
            await until(lambda: self._closing or not self.paused, what="the server to read on")
            if not self._closing:
                self._protocol.data_received(chunk)
            for _ in range(0 if hastily else _TURNS):
                await asyncio.sleep(0)

    async def hang_up(self) -> None:
        """Leave without a word."""
        if not self._closing:
            self.close()
        await asyncio.sleep(0)

    def let_idle_time_pass(self) -> None:
        """Have the server look whether this client has been silent for too long, as if that time were over."""
        self._protocol._next_keepalive_close_time = 0.0
        self._protocol._process_keepalive()

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if not self._closing:
            self.said += bytes(data)

    def close(self) -> None:
        if not self._closing:
            self._closing = True
            asyncio.get_running_loop().call_soon(self._protocol.connection_lost, None)

    def is_closing(self) -> bool:
        return self._closing

    def abort(self) -> None:
        self.close()

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False
