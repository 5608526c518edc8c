"""Tokens as an operator hands them out: the page's own commands, and InfluxData's client with what they made."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shlex
import sys
from collections.abc import Iterator

import pytest
from influxdb_client import InfluxDBClient, Point
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.rest import ApiException

from tests.fakes.polling import until
from tests.fakes.process import ROOT, Running, start, tocsin

CONFIG = "collector: {tokens: required, host: {enabled: false}, health: {enabled: false}}\n"
PAGE = re.findall(r"```sh\n(.*?)```", (ROOT / "docs" / "tokens.md").read_text(), re.DOTALL)
CREATE, PUSH, EXPLAIN = range(3)

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A collector that asks for tokens, in a process of its own, and the token that the page's first command makes."""
    folder = tmp_path_factory.mktemp("tokens")
    (folder / "tocsin.yml").write_text(CONFIG)
    running = start(tocsin("collector", "--config", str(folder / "tocsin.yml")), folder / "state")
    try:
        asyncio.run(running.ready("collector"))
        made = asyncio.run(type_in(PAGE[CREATE], running))
        assert made == (0, ""), made
        yield running
    finally:
        running.end()


async def type_in(command: str, site: Running) -> tuple[int, str]:
    """A command of the page, told where the collector listens: exit code, and what it printed."""
    command = command.replace("127.0.0.1:8186", site.listening()["collector"])
    process = await asyncio.create_subprocess_shell(
        re.sub(r"^tocsin", f"{shlex.quote(sys.executable)} -m tocsin", command, flags=re.MULTILINE),
        cwd=site.state.parent,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "TOCSIN_STATE": str(site.state), "COLUMNS": "200"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    return await process.wait(), output.decode()


async def make(site: Running, *options: str) -> str:
    code, token = await type_in(shlex.join(("tocsin", "token", "create", *options)), site)
    assert code == 0, token
    return token.strip()


async def write(site: Running, token: str, *points: Point) -> tuple[int, str, dict[str, str]]:
    """What InfluxData's client is told: status, message and headers."""

    def send() -> tuple[int, str, dict[str, str]]:
        with InfluxDBClient(url=site.url("collector"), token=token, org="any") as client:
            try:
                client.write_api(write_options=SYNCHRONOUS).write(bucket="telemetry", record=list(points))
            except ApiException as error:
                return int(error.status), str(error.message), dict(error.headers)
        return 204, "", {}

    return await asyncio.to_thread(send)


def reading(measurement: str = "device_reading") -> Point:
    return Point(measurement).field("temperature_c", 21.4)


async def test_the_pages_commands_do_what_the_page_says(site: Running) -> None:
    """A reading is pushed without a word on its device, and explained with its tag; then it is stored with it."""
    assert "HTTP/1.1 204" in (await type_in(PAGE[PUSH], site))[1]
    code, explained = await type_in(PAGE[EXPLAIN], site)
    assert code == 0
    assert re.search(r"forced_tag +changed +\+device=d7", explained)
    assert "token d7: may write" in explained

    async def shown() -> bool:
        asked = "tocsin query \"SELECT temperature_c FROM device_reading WHERE device = 'd7'\""
        return "21.4" in (await type_in(asked, site))[1]

    await until(shown, seconds=60, what="the reading under its device")


async def test_a_device_cannot_claim_anothers_id_or_measurement(site: Running) -> None:
    """The client's own error names tag, value and token; its good lines are stored all the same."""
    token = (site.state.parent / "d7.token").read_text().strip()
    assert (await write(site, token, reading(), reading().tag("device", "d7")))[0] == 204
    status, message, _ = await write(site, token, reading(), reading().tag("device", "d8"))
    assert (status, 'tag "device" is "d8": token "d7" writes "d7" alone' in message) == (422, True)
    status, message, _ = await write(site, token, reading("billing"))
    assert (status, 'measurement "billing"' in message) == (422, True)

    async def kept() -> bool:
        return "token:d7" in (await type_in("tocsin dead list --reason forced_tag", site))[1]

    await until(kept, seconds=30, what="the dead letter of the forged line")


async def test_quotas_hold_and_say_so(site: Running) -> None:
    """Over its rate a token gets 503 with the time to come again; over its series 422 with the tag to blame."""
    slow = await make(site, "slow", "--lines-per-second", "0.001", "--burst", "2")
    assert (await write(site, slow, reading(), reading()))[0] == 204
    status, message, headers = await write(site, slow, reading())
    assert (status, 'token "slow" has spent its lines (per second: 0.001)' in message) == (503, True)
    assert int(headers["Retry-After"]) > 0
    narrow = await make(site, "narrow", "--series", "1")
    assert (await write(site, narrow, reading().tag("session", "a")))[0] == 204
    status, message, _ = await write(site, narrow, reading().tag("session", "b"), reading().tag("session", "a"))
    assert (status, 'tag "session"' in message) == (422, True)


async def test_a_token_ends_without_a_restart(site: Running) -> None:
    """Revoked or expired, it is wrong from then on; another one never notices."""
    ended = [await make(site, "revoked"), await make(site, "brief", "--expires", "1s")]
    other = await make(site, "other")
    assert (await type_in("tocsin token revoke revoked", site))[0] == 0

    for token in ended:

        async def refused(token: str = token) -> bool:
            return (await write(site, token, reading()))[0] == 401

        await until(refused, seconds=30, what="a token to be wrong")
    assert (await write(site, other, reading()))[0] == 204
    code, listed = await type_in("tocsin token list --json", site)
    assert code == 0
    shown = {token["name"]: token["expired"] for token in json.loads(listed)["tokens"]}
    assert (shown.get("revoked"), shown["brief"], shown["other"]) == (None, True, False)


async def test_nothing_is_lost_from_the_ledger_and_no_token_is_in_the_log(site: Running) -> None:
    """Every line is delivered, or rejected under the name of what bound its token; the secret stands nowhere."""
    token = (site.state.parent / "d7.token").read_text().strip()
    assert (await write(site, token, reading().tag("device", "d8")))[0] == 422

    async def closed() -> dict[str, int]:
        _, shown = await type_in("tocsin status --json", site)
        content = json.loads(shown)
        [bucket] = content["buckets"]
        return dict(bucket["rejected"]) if content["closes"] and not bucket["buffered"] else {}

    rejected = await until(closed, seconds=60, what="a ledger that closes")
    assert rejected.get("forced_tag", 0) > 0
    assert set(rejected) <= {"forced_tag", "measurement_scope", "series_quota"}
    assert token not in site.log.read_text()
    assert token not in (site.state / "tokens.json").read_text()
