"""A collector in a process of its own, as its operator sees it: what is typed, written and asked."""

from __future__ import annotations

import asyncio
import os
import subprocess
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

from tests.fakes.polling import until
from tests.fakes.process import ROOT, Running, get_json, start, tocsin

CONFIG = """\
collector:
  tokens: {tokens}
  host: {{enabled: false}}
  health: {{enabled: false}}
"""
LINES = 'm,h=a f=1,s="a \\"b\\"" 1\nm,h=b\\ c f=2,i=-7i,b=true 2\nSELECT,from=x u=18446744073709551615u 3\n'
QUERIES = ("SELECT * FROM m", 'SELECT * FROM "SELECT"', "SHOW FIELD KEYS", "SHOW TAG VALUES WITH KEY = h")


class Site:
    """A collector in a process of its own, and what its operator types."""

    def __init__(self, folder: Path, *, tokens: str = "open") -> None:
        folder.mkdir(exist_ok=True)
        self.state = folder / "state"
        self._config = folder / "tocsin.yml"
        self._config.write_text(CONFIG.format(tokens=tokens))
        self.running: Running | None = None

    def configure(self, section: str) -> None:
        """Add a section to the configuration, for the next start."""
        self._config.write_text(self._config.read_text() + section)

    async def run(self) -> None:
        (self.state / "listen.json").unlink(missing_ok=True)
        self.running = start(tocsin("collector", "--config", str(self._config)), self.state)
        await self.running.ready("collector")

    async def stop(self) -> None:
        assert self.running is not None
        assert await asyncio.to_thread(self.running.interrupt) == 0

    def end(self) -> None:
        """Whatever is left of it."""
        if self.running is not None:
            self.running.end()

    def command(self, *words: str) -> list[str]:
        return tocsin(words[0], "--config", str(self._config), *words[1:])

    @property
    def env(self) -> dict[str, str]:
        return {**os.environ, "TOCSIN_STATE": str(self.state), "COLUMNS": "200"}

    async def type(self, *words: str) -> tuple[int, str]:
        """One command on this state folder: exit code, and output with complaints."""
        done = await asyncio.to_thread(
            subprocess.run, self.command(*words), cwd=ROOT, env=self.env, capture_output=True, text=True, check=False
        )
        return done.returncode, done.stdout + done.stderr

    async def write(self, body: str, bucket: str = "telemetry", token: str = "") -> int:
        assert self.running is not None
        url = f"{self.running.url('collector')}/api/v2/write?bucket={bucket}"
        request = urllib.request.Request(url, body.encode())  # noqa: S310 - loopback
        if token:
            request.add_header("Authorization", f"Token {token}")

        def send() -> int:
            with urllib.request.urlopen(request) as reply:  # noqa: S310 - loopback
                return int(reply.status)

        return await asyncio.to_thread(send)

    async def ask(self, influxql: str, bucket: str = "telemetry") -> Any:
        assert self.running is not None
        query = urllib.parse.urlencode({"q": influxql, "db": bucket, "epoch": "ns"})
        return await asyncio.to_thread(get_json, f"{self.running.url('collector')}/query?{query}")

    async def stored(self, rows: int, bucket: str = "telemetry") -> None:
        """Return when so many points of m can be asked for."""

        async def there() -> bool:
            (result,) = (await self.ask("SELECT f FROM m", bucket))["results"]
            return [len(one["values"]) for one in result.get("series", ())] == [rows]

        await until(there, seconds=60, what=f"{rows} points")


async def answers(site: Site, bucket: str = "telemetry") -> list[Any]:
    """What QUERIES say of the bucket."""
    return [await site.ask(query, bucket) for query in QUERIES]
