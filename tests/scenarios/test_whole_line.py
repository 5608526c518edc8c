"""The whole line as its users meet it: the README's own commands, a device's POST on a board, a fault on a pager.

The tests of this file share one running demo and follow each other in the order of the README.
"""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import sys
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from influxdb_client import InfluxDBClient, Point
from influxdb_client.client.write_api import SYNCHRONOUS

from tests.fakes.browser import open_page, running_browser
from tests.fakes.influxd import Influxd
from tests.fakes.polling import until
from tests.fakes.process import ROOT, Running, get_json, start, tocsin

ROLES = ("collector", "alerting", "console", "demo")
COMMANDS = [block.strip() for block in re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)]
RUN, TEST, PUSH, ASK, WRITE, BREAK, CHECK = range(7)
BOARDS = sorted((ROOT / "grafana" / "provisioning" / "dashboards" / "json").glob("*.json"))

pytestmark = [pytest.mark.slow, pytest.mark.timeout(420)]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """`make run`, as the README says, on free ports."""
    running = start(shlex.split(COMMANDS[RUN]), tmp_path_factory.mktemp("whole-line") / "state")
    try:
        asyncio.run(running.ready(*ROLES, seconds=180))
        yield running
    finally:
        running.end()


async def shell(command: str, running: Running) -> str:
    """One of the README's commands, told where things really listen; returns what it printed."""
    for role, port in (("collector", 8186), ("console", 8080)):
        command = command.replace(f"127.0.0.1:{port}", running.listening()[role])
    process = await asyncio.create_subprocess_shell(
        command.replace(".venv/bin/tocsin", f"{shlex.quote(sys.executable)} -m tocsin"),
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "TOCSIN_STATE": str(running.state)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    output, complaint = await process.communicate()
    assert process.returncode == 0, complaint.decode()
    return output.decode()


async def ask(running: Running, influxql: str) -> list[Any]:
    """The series that answer one InfluxQL statement, from the collector's /query."""
    query = urllib.parse.urlencode({"q": influxql, "db": "telemetry", "epoch": "ns"})
    content = await asyncio.to_thread(get_json, f"{running.url('collector')}/query?{query}")
    assert isinstance(content, dict)
    assert "error" not in content["results"][0], content
    return list(content["results"][0].get("series", ()))


def test_the_readme_holds_the_commands_that_are_run_here() -> None:
    """No command of the README goes untested, but the one that runs the tests."""
    assert COMMANDS[RUN] == "make run"
    assert COMMANDS[TEST] == "make test"
    assert len(COMMANDS) == CHECK + 1


def test_make_run_says_where_to_look(demo: Running) -> None:
    """The URLs are printed, the console first, with a curl line that can be pasted."""
    printed = demo.log.read_text()

    places = [printed.find(demo.url(role)) for role in ("console", "collector", "alerting")]
    assert -1 not in places
    assert places[0] < min(places[1:])
    assert f"curl -i {demo.url('collector')}/v1/telemetry" in printed


async def test_a_reading_pushed_with_curl_is_answered(demo: Running) -> None:
    """The README's first reading: 204, and the next command shows it."""
    pushed = await shell(COMMANDS[PUSH], demo)
    assert pushed.startswith("HTTP/1.1 204")

    async def shown() -> bool:
        return "21.4" in await shell(COMMANDS[ASK], demo)

    await until(shown, seconds=60, what="the reading to be answered")


async def test_line_protocol_pushed_with_curl_is_answered(demo: Running) -> None:
    """The README's InfluxDB v2 write lands in the store with its types."""
    written = await shell(COMMANDS[WRITE], demo)
    assert written.startswith("HTTP/1.1 204")

    async def found() -> Any:
        return await ask(demo, "SELECT duration_ms, error FROM http_request WHERE endpoint = '/hello'")

    (series,) = await until(found, seconds=60, what="the line to be answered")
    assert series["values"][0][1:] == [12.5, 0]


async def test_influxdb_client_writes_unmodified(demo: Running) -> None:
    """InfluxData's own client for Python needs nothing but the URL."""
    stamp = time.monotonic_ns()

    def write() -> None:
        with InfluxDBClient(url=demo.url("collector"), token="any", org="any") as client:
            point = Point("device_reading").tag("device", "d8").field("humidity_pct", 40.5).time(stamp)
            client.write_api(write_options=SYNCHRONOUS).write(bucket="telemetry", record=[point])

    await asyncio.to_thread(write)

    async def found() -> Any:
        return await ask(demo, "SELECT humidity_pct FROM device_reading WHERE device = 'd8'")

    (series,) = await until(found, seconds=60, what="the point to be answered")
    assert series["values"] == [[stamp, 40.5]]


@pytest.mark.parametrize("board", BOARDS, ids=lambda path: path.stem)
async def test_every_panel_of_every_board_has_data(demo: Running, board: Path) -> None:
    """A board in a real browser: no panel is empty, none has an error, nothing complains; the picture is kept."""
    url = f"{demo.url('console')}/boards/{board.stem}"
    async with running_browser() as browser, open_page(browser, url) as seen:
        states: dict[str, str] = {}

        async def filled() -> bool:
            states.update(await seen.panels())
            return set(states.values()) == {"ok"}

        try:
            await until(filled, seconds=60, what=f"every panel of {board.stem} to have data")
        finally:
            await seen.keep(f"demo-{board.stem}")
        assert not seen.complaints


async def test_a_fault_pages_and_its_end_resolves(demo: Running) -> None:
    """Break the shop: the pager gets a trigger; the fault ends: it gets the resolve, under the same dedup key."""
    await shell(COMMANDS[BREAK].replace("--for 1m", "--for 20s"), demo)

    async def pages(action: str) -> list[Any]:
        content = await asyncio.to_thread(get_json, f"{demo.url('demo')}/pages")
        assert isinstance(content, list)
        return [page for page in content if (page["service"], page["action"]) == ("pagerduty", action)]

    triggered = await until(lambda: pages("trigger"), seconds=120, what="a page")
    keys = {page["incident"] for page in triggered}

    async def resolved() -> bool:
        return keys <= {page["incident"] for page in await pages("resolve")}

    await until(resolved, seconds=180, what="the all-clear")


async def test_check_finds_the_shipped_files_fine(demo: Running) -> None:
    """The configuration, rules, receivers and boards that ship have no fault."""
    assert (await shell(COMMANDS[CHECK], demo)).startswith("fine:")


async def test_ctrl_c_stops_quickly_and_the_next_start_goes_on(demo: Running) -> None:
    """Ctrl-C reaches the whole group and ends it; what was pushed is there after the next start.

    That a role gets a share of 5 s, and no more, is tested where time is virtual, so that a slow machine fails nothing.
    """
    await asyncio.to_thread(demo.interrupt)

    assert demo.listening() == {}

    again = start(shlex.split(COMMANDS[RUN]), demo.state)
    try:
        await again.ready(*ROLES, seconds=60)
        (series,) = await ask(again, "SELECT temperature_c FROM device_reading WHERE device = 'd7'")
        assert series["values"][0][1] == 21.4
    finally:
        await asyncio.to_thread(again.interrupt)
        again.end()


async def test_the_same_line_runs_on_influxdb(influxd: Influxd, tmp_path: Path) -> None:
    """With InfluxDB behind it the front door is the same: a POST in, the answer out of /query."""
    config = tmp_path / "tocsin.yml"
    config.write_text(
        f"store: {{kind: influxdb, url: '{influxd.url}', org: {influxd.org}, token: '${{INFLUX_TOKEN}}'}}\n"
        f"collector: {{tokens: open, host: {{enabled: false}}}}\n"
    )
    running = start(tocsin("up", "--config", str(config)), tmp_path / "state", env={"INFLUX_TOKEN": influxd.token})
    try:
        await running.ready("collector", "alerting", "console")
        body = b'{"device":"d9","site":"lab","temperature_c":19.5}'
        request = urllib.request.Request(f"{running.url('collector')}/v1/telemetry", body)  # noqa: S310 - loopback
        with await asyncio.to_thread(urllib.request.urlopen, request) as reply:
            assert reply.status == 204

        async def found() -> Any:
            return await ask(running, "SELECT temperature_c, site FROM device_reading WHERE device = 'd9'")

        (series,) = await until(found, seconds=60, what="the reading to be in InfluxDB")
        assert series["values"][0][1:] == [19.5, "lab"]
    finally:
        await asyncio.to_thread(running.interrupt)
        running.end()
