"""Two hundred odd requests to /query, always the same ones: the collector and InfluxDB answer alike."""

import asyncio
from pathlib import Path
from random import Random
from typing import Any

from tests.differential.requests import make_request
from tests.fakes.influxd import Influxd
from tests.scenarios.test_query_agrees import Request, Server, both, unpacked

REQUESTS = 200


async def told(server: Server, request: Request) -> tuple[int, Any, Any]:
    """What can be compared: of a refusal the words where the question cannot be read, of errors as CSV nothing."""
    status, headers, body = unpacked(await asyncio.to_thread(server.ask, request))
    if status >= 400:
        return status, None, body if body and body.startswith("failed to parse query") else None
    return status, headers, b"" if body.startswith(b"error\n") else body


async def test_odd_requests_are_answered_alike(influxd: Influxd, influx_bucket: str, tmp_path: Path) -> None:
    """Wherever the parameters stand and whatever they are, status, headers and body are the same."""
    random = Random(1)  # noqa: S311 - the same requests every time
    found = []
    async with both(influxd, influx_bucket, tmp_path) as servers:
        for request in [make_request(random) for _ in range(REQUESTS)]:
            there, here = [await told(server, request) for server in servers]
            if there != here:
                found.append(f"{request}\n    influxd {there}\n    tocsin  {here}")
    assert not found, "\n".join(found)
