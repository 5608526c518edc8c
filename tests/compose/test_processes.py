"""The compose stack without an engine: every command and every file of it, run as plain processes on a real influxd.

What Docker would add (networks, volumes, health order) is checked by reading the file and by `make smoke`.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import shlex
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.fakes.influxd import Influxd
from tests.fakes.polling import until
from tests.fakes.process import ROOT, Running, start, tocsin

STACK: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
JSON = {"Content-Type": "application/json"}
BOARDS = sorted((ROOT / "grafana" / "provisioning" / "dashboards" / "json").glob("*.json"))

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]


def placed(text: str, folder: Path) -> str:
    """The stack's paths, moved from the containers' file systems into `folder`."""
    return (
        text.replace("/run/secrets", str(folder / "secrets"))
        .replace("/etc/tocsin", str(folder / "etc"))
        .replace("/opt/tocsin", str(ROOT))
    )


@pytest.fixture(scope="module")
def stack(influxd: Influxd, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Running]]:
    """Collector, alerting, console and demo, each with the command of its service and a state folder of its own."""
    folder = tmp_path_factory.mktemp("compose")
    for name in ("tocsin.yml", "notify.yml"):
        (folder / "etc").mkdir(exist_ok=True)
        (folder / "etc" / name).write_text(placed((ROOT / "docker" / name).read_text(), folder))
    (folder / "secrets").mkdir()
    (folder / "secrets" / "influx_admin_token").write_text(influxd.token)
    states = {name: folder / name for name in ("collector", "alerting", "console", "demo")}
    make = [*STACK["services"]["secrets"]["command"]]
    made = [placed(word, folder).replace("/var/lib/tocsin", str(states["collector"])) for word in make]
    subprocess.run(tocsin(*made), check=True, cwd=ROOT)
    running: dict[str, Running] = {}
    with ExitStack() as ended:
        env = {"INFLUX_URL": influxd.url, "TOCSIN_ALERTING_LISTEN": "0.0.0.0:0"}  # as there: what others can reach asks
        for role in ("collector", "demo", "alerting", "console"):
            command = [placed(word, folder) for word in STACK["services"][role]["command"]]
            running[role] = start(tocsin(*command), states[role], env=env)
            ended.callback(running[role].end)
            asyncio.run(running[role].ready(role))
            env[f"{role.upper()}_URL"] = running[role].url(role).replace("0.0.0.0", "127.0.0.1")
            if role == "demo":
                env["PAGERDUTY_URL"] = f"{running[role].url(role)}/v2/enqueue"
                env["SLACK_WEBHOOK"] = f"{running[role].url(role)}/slack"
        yield running


def fetch(url: str, headers: dict[str, str] | None = None, body: bytes | None = None) -> tuple[int, bytes]:
    request = urllib.request.Request(url, body, headers or {})  # noqa: S310 - loopback addresses made by the test
    try:
        with urllib.request.urlopen(request, timeout=60) as reply:  # noqa: S310 - as above
            return reply.status, reply.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_every_service_answers_its_health_check(stack: dict[str, Running]) -> None:
    """The command of each health check, told the port really bound, exits 0."""
    for role, running in stack.items():
        url = urllib.parse.urlsplit(STACK["services"][role]["healthcheck"]["test"][-1])
        checked = subprocess.run(tocsin("health", f"{running.url(role)}{url.path}"), check=False, cwd=ROOT)
        assert checked.returncode == 0, role


def test_a_stranger_is_turned_away_and_the_push_token_is_not(stack: dict[str, Running]) -> None:
    """Off loopback the collector asks for a token; the one that `secrets show` prints may write and not read."""
    collector = stack["collector"]
    token = (collector.state.parent / "secrets" / "push_token").read_text()
    body = b'{"device":"compose-1","temperature_c":20.5}'
    mine = {"Authorization": f"Token {token}"}

    assert fetch(f"{collector.url('collector')}/v1/telemetry", body=body)[0] == 401
    assert fetch(f"{collector.url('collector')}/v1/telemetry", mine, body)[0] == 204
    assert fetch(f"{collector.url('collector')}/query?q=SHOW+DATABASES", mine)[0] == 403


def test_secrets_are_made_once(stack: dict[str, Running]) -> None:
    """A second start leaves every password and token as it is, and shows those that a person needs."""
    folder = stack["collector"].state.parent / "secrets"
    before = {path.name: path.read_text() for path in folder.iterdir()}

    again = tocsin("secrets", "make", "--into", str(folder), "--state", str(stack["collector"].state))
    subprocess.run(again, check=True, cwd=ROOT)
    shown = subprocess.run(
        tocsin("secrets", "show", "--into", str(folder)), check=True, cwd=ROOT, capture_output=True, text=True
    ).stdout

    assert {path.name: path.read_text() for path in folder.iterdir()} == before
    assert before["push_token"] in shown
    assert before["grafana_admin_password"] in shown
    assert before["influx_admin_token"] not in shown


def test_the_console_asks_for_the_password_that_is_shown(stack: dict[str, Running]) -> None:
    """Nothing is told without it; with it the browser gets a cookie and the boards."""
    url = stack["console"].url("console")

    assert fetch(f"{url}/api/boards")[0] == 401
    assert fetch(f"{url}/api/session", JSON, b'{"password": "guessed"}')[0] == 401
    assert fetch(f"{url}/api/boards", sign_in(stack))[0] == 200


def test_whoever_signed_in_can_silence(stack: dict[str, Running]) -> None:
    """Alerting asks for its token there, and the console has it; a stranger in the network has not."""
    console, alerting = (
        stack["console"].url("console"),
        stack["alerting"].url("alerting").replace("0.0.0.0", "127.0.0.1"),
    )
    wish = json.dumps({"matchers": ['alertname="None"'], "for": "1h", "author": "ann", "comment": "moving"}).encode()

    assert fetch(f"{alerting}/api/v1/silences", JSON, wish)[0] == 401
    assert fetch(f"{console}/api/alerting/silences", JSON, wish)[0] == 401
    status, said = fetch(f"{console}/api/alerting/silences", {**JSON, **sign_in(stack)}, wish)
    assert status == 201, said


@pytest.mark.parametrize("role", ["collector", "alerting"])
async def test_the_doctor_finds_nothing_wrong(stack: dict[str, Running], influxd: Influxd, role: str) -> None:
    """In the collector's container it looks at the store and the boards, in alerting's at those who are told."""
    urls = {f"{name.upper()}_URL": running.url(name).replace("0.0.0.0", "127.0.0.1") for name, running in stack.items()}
    pager = {"PAGERDUTY_URL": f"{urls['DEMO_URL']}/v2/enqueue", "SLACK_WEBHOOK": f"{urls['DEMO_URL']}/slack"}
    own = stack[role]
    boards = own.state.parent / "boards"  # one of them: another test asks all
    boards.mkdir(exist_ok=True)
    (boards / "one.json").write_text(BOARDS[0].read_text())
    folders = {"TOCSIN_STATE": str(own.state), "TOCSIN_CONSOLE_BOARDS": str(boards)}
    env = {"PATH": os.environ["PATH"], "INFLUX_URL": influxd.url, **folders, **urls, **pager}
    command = tocsin("doctor", "--json", "--config", str(own.state.parent / "etc" / "tocsin.yml"))
    found: dict[str, Any] = {}

    async def is_well() -> bool:
        ran = await asyncio.to_thread(subprocess.run, command, cwd=ROOT, env=env, capture_output=True, check=False)
        found.update(json.loads(ran.stdout))
        return ran.returncode == 0

    try:
        await until(is_well, seconds=90, what="a doctor with nothing to complain of")
    except AssertionError:
        assert [one for one in found["findings"] if one["level"] == "wrong"] == []
    looked = {one["check"] for one in found["findings"]}
    assert {"collector": {"store", "probe", "board data", "tokens"}, "alerting": {"reach", "changes"}}[role] <= looked


def sign_in(stack: dict[str, Running]) -> dict[str, str]:
    """The cookie of whoever has the password that is shown."""
    password = (stack["collector"].state.parent / "secrets" / "console_password").read_text()
    body = json.dumps({"password": password}).encode()
    request = urllib.request.Request(f"{stack['console'].url('console')}/api/session", body, JSON)  # noqa: S310 - as above
    with urllib.request.urlopen(request, timeout=60) as reply:  # noqa: S310 - as above
        return {"Cookie": reply.headers["Set-Cookie"].partition(";")[0]}


async def test_grafana_s_own_user_reads_every_panel_and_can_do_nothing_else(
    stack: dict[str, Running], influxd: Influxd
) -> None:
    """The read-only user of the data source file gets an answer for each panel's query, and may not write."""
    secrets = stack["collector"].state.parent / "secrets"
    password = (secrets / "grafana_read_password").read_text()
    make_grafana_user(influxd, password)
    mine = {"Authorization": f"Basic {base64.b64encode(f'grafana:{password}'.encode()).decode()}"}

    for board in BOARDS:
        content = json.loads(await asyncio.to_thread(board.read_text))
        for panel in content["panels"]:
            for target in panel.get("targets", ()):
                await until(lambda q=target["query"]: answered(influxd, q, mine), seconds=60, what=target["query"])

    status, _ = fetch(f"{influxd.url}/write?db=telemetry", mine, b"m f=1")
    assert status in (401, 403)


def answered(influxd: Influxd, query: str, headers: dict[str, str]) -> bool:
    """Whether the query of a panel, its variables on All, is answered without an error."""
    expanded = query.replace("$timeFilter", "time > now() - 1h").replace("${__interval}", "30s")
    expanded = expanded.replace("${__interval_ms}", "30000")
    expanded = re.sub(r"\$\{\w+:regex\}", ".*", expanded)
    form = urllib.parse.urlencode({"db": "telemetry", "q": expanded}).encode()
    status, body = fetch(f"{influxd.url}/query", headers, form)
    assert status == 200, body
    return not any("error" in result for result in json.loads(body)["results"])


def make_grafana_user(influxd: Influxd, password: str) -> None:
    """What docker/influxdb/10-grafana.sh does with InfluxDB's command line, over HTTP."""
    script = (ROOT / "docker" / "influxdb" / "10-grafana.sh").read_text()
    assert "--read-bucket" in script
    assert shlex.quote("--write-bucket") not in script
    org = json.loads(influxd.call("GET", f"/api/v2/orgs?org={influxd.org}")[1])["orgs"][0]["id"]
    bucket = json.loads(influxd.call("GET", "/api/v2/buckets?name=telemetry")[1])["buckets"][0]["id"]
    wish = {
        "token": "grafana",
        "orgID": org,
        "permissions": [{"action": "read", "resource": {"type": "buckets", "id": bucket, "orgID": org}}],
    }
    status, answer = influxd.call("POST", "/private/legacy/authorizations", json.dumps(wish).encode())
    assert status == 201, answer
    made = json.loads(answer)["id"]
    path = f"/private/legacy/authorizations/{made}/password"
    assert influxd.call("POST", path, json.dumps({"password": password}).encode())[0] == 204
