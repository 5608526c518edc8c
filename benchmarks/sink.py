"""A store that takes everything and keeps nothing: InfluxDB's write API answering 204, in a process of its own.

`python -m benchmarks.sink` prints its address and serves until it is terminated.
"""

from __future__ import annotations

import asyncio

import orjson
from aiohttp import web

_EMPTY = orjson.dumps({"results": [{"statement_id": 0}]})
_BUCKETS = {"name": "databases", "columns": ["name"], "values": [["telemetry"]]}
_DATABASES = orjson.dumps({"results": [{"statement_id": 0, "series": [_BUCKETS]}]})


async def answer(request: web.BaseRequest) -> web.Response:
    """204 for lines, the one bucket for SHOW DATABASES, nothing for any other question."""
    body = await request.content.read()  # unlike request.read(), without a limit
    if request.path.endswith("/write"):
        return web.Response(status=204)
    return web.Response(body=_DATABASES if b"DATABASES" in body else _EMPTY, content_type="application/json")


async def serve() -> None:
    """Listen on a free port and say which."""
    runner = web.ServerRunner(web.Server(answer, auto_decompress=False))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print("{}:{}".format(*runner.addresses[0][:2]), flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(serve())
