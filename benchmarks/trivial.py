"""A server that answers 204 to every request and looks at none: what it measures is the load generator.

`python -m benchmarks.trivial` prints its address and serves until it is terminated.
"""

from __future__ import annotations

import asyncio
import re
from typing import cast

from benchmarks.load import run

_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)
_ANSWER = b"HTTP/1.1 204 No Content\r\n\r\n"
_HEAD_END = b"\r\n\r\n"


class Answering(asyncio.Protocol):
    """One connection, with one request under way at a time."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._missing = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Count the body's bytes; answer behind the last. A head comes whole: the generator writes it at once."""
        if not self._missing:
            head, _, body = data.partition(_HEAD_END)
            length = _LENGTH.search(head)
            self._missing = (int(length[1]) if length else 0) - len(body)
        else:
            self._missing -= len(data)
        if self._missing <= 0 and self._transport is not None:
            self._missing = 0
            self._transport.write(_ANSWER)


async def serve() -> None:
    """Listen on a free port and say which."""
    server = await asyncio.get_running_loop().create_server(Answering, "127.0.0.1", 0)
    print("{}:{}".format(*server.sockets[0].getsockname()[:2]), flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    run(serve())
