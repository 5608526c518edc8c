"""Retention as an operator sets it: old points go, late lines become dead letters, and both are counted."""

from __future__ import annotations

import asyncio
import urllib.request
from typing import Any

import pytest

from tests.fakes.polling import until
from tests.fakes.process import get_json
from tests.fakes.site import Site

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


async def test_old_points_go_and_late_lines_are_dead_letters(site: Site) -> None:
    """Points that were stored before the span was set are deleted after a restart; one that comes late is a letter."""
    await site.run()
    assert await site.write("m f=1 1\nm f=2\n") == 204
    assert await site.write("m f=1 1\nm f=2 2\n", "archive") == 204
    await site.stored(2)
    await site.stored(2, "archive")
    await site.stop()
    site.configure("store: {kind: embedded, retention: {telemetry: 1d, default: 0}}\n")
    await site.run()
    await site.stored(1)
    await site.stored(2, "archive")
    assert await site.write("m f=3 3\n") == 204
    assert site.running is not None
    url = site.running.url("collector")

    async def letters() -> list[Any]:
        content = await asyncio.to_thread(get_json, f"{url}/api/v1/dead")
        assert isinstance(content, dict)
        return list(content["letters"])

    (letter,) = await until(letters, seconds=60, what="the dead letter")
    assert letter["line"] == "m f=3 3"
    assert letter["reason"] == 'points beyond retention policy: bucket "telemetry" keeps the last 1d'

    def counted() -> bool:
        with urllib.request.urlopen(f"{url}/metrics") as reply:  # noqa: S310 - loopback
            return b'tocsin_store_expired_lines_total{bucket="telemetry"} 1.0' in reply.read()

    async def told() -> bool:
        return await asyncio.to_thread(counted)

    await until(told, what="the count")
    await site.stop()
