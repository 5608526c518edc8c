"""The whole role: rule files and notify.yml in, pages out, the API beside it."""

import contextlib
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import orjson
import pytest

from alerting.app import Alerting
from alerting.config import AlertingConfig
from tests.alerting.role import NOTIFY, RULES, OneSeries, serving
from tests.fakes.pagerduty import FakePagerDuty
from tests.fakes.polling import until


@dataclass
class Running:
    role: Alerting
    url: str
    http: aiohttp.ClientSession
    published: list[bytes]

    async def get(self, path: str) -> Any:
        async with self.http.get(self.url + path) as response:
            return await response.json()

    async def text(self, path: str) -> str:
        async with self.http.get(self.url + path) as response:
            return await response.text()


@contextlib.asynccontextmanager
async def running(folder: Path, reader: OneSeries) -> AsyncIterator[Running]:
    published: list[bytes] = []

    async def publish(lines: bytes) -> None:
        published.append(lines)

    notify = folder / "notify.yml"
    config = AlertingConfig(
        listen="127.0.0.1:0", rules=(folder / "rules" / "*.yml",), notify=notify if notify.exists() else None
    )
    async with aiohttp.ClientSession() as http, serving(folder, config, reader, publish) as (role, address):
        yield Running(role, f"http://{address}", http, published)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "shop.yml").write_text(RULES)
    return tmp_path


@pytest.fixture
async def pagerduty(folder: Path) -> AsyncIterator[FakePagerDuty]:
    async with FakePagerDuty() as service:
        (folder / "notify.yml").write_text(NOTIFY.replace("URL", service.url))
        yield service


async def test_breach_pages_and_its_end_resolves(folder: Path, pagerduty: FakePagerDuty) -> None:
    """A value over the threshold triggers an incident; a good value resolves the same one."""
    reader = OneSeries(value=900.0)
    async with running(folder, reader) as it:
        await until(pagerduty.opened, what="a page")
        reader.value = 100.0
        await until(lambda: not pagerduty.opened(), what="the all-clear")
        actions = [(event["event_action"], event["dedup_key"]) for event in pagerduty.events]
        assert [action for action, _ in actions] == ["trigger", "resolve"]
        assert len({key for _, key in actions}) == 1
        history = (await it.get("/api/v1/history"))["history"]
        assert [entry["change"] for entry in history] == ["resolved", "fired"]
        assert [entry["incident"] for entry in history] == [actions[0][1]] * 2
        assert [entry["severity"] for entry in history] == ["critical", "critical"]
        await until(lambda: len(it.published) == 2, what="alert_event lines")
        assert it.published[0].startswith(b"alert_event,alertname=Slow,severity=critical,state=firing ")


async def test_store_that_is_away_resolves_nothing(folder: Path, pagerduty: FakePagerDuty) -> None:
    """While queries fail the incident stays open, the rule is shown as failing and the status as degraded."""
    reader = OneSeries(value=900.0)
    async with running(folder, reader) as it:
        await until(pagerduty.opened, what="a page")
        reader.away = True

        async def blind() -> bool:
            return (await it.get("/api/v1/rules"))["rules"][0]["health"] == "blind"

        await until(blind, what="the rule to be blind")
        assert len(pagerduty.opened()) >= 1
        status = await it.get("/api/v1/status")
        assert (status["status"], status["rules"]) == ("degraded", {"total": 1, "failing": 1})


async def test_restart_keeps_the_incident(folder: Path, pagerduty: FakePagerDuty) -> None:
    """A restart while an alert fires pages nobody again, and the end resolves the old incident."""
    reader = OneSeries(value=900.0)
    async with running(folder, reader) as it:

        async def marked() -> Any:
            return (await it.get("/api/v1/notifications"))["sent"]

        await until(marked, what="the page to be sent and marked")
    async with running(folder, reader) as it:

        async def evaluated() -> bool:
            return (await it.get("/api/v1/rules"))["rules"][0]["health"] == "ok"

        await until(evaluated, what="an evaluation")
        assert len(pagerduty.events) == 1
        reader.value = 100.0
        await until(lambda: not pagerduty.opened(), what="the all-clear")
    assert [event["event_action"] for event in pagerduty.events] == ["trigger", "resolve"]


async def test_edited_files_are_taken_up_and_broken_ones_are_not(folder: Path, pagerduty: FakePagerDuty) -> None:
    """Files are followed without a signal; an error keeps the old rules, is shown, and goes when it is mended."""
    async with running(folder, OneSeries()) as it:

        async def errors() -> list[str]:
            status = await it.get("/api/v1/status")
            return list(status["config"]["errors"])

        rules = folder / "rules" / "shop.yml"
        rules.write_text(RULES.replace("critical:", "critcal:"))
        told = await until(errors, what="the error to be shown")
        assert "shop.yml:" in told[0]
        assert "critical" in told[0]
        assert [rule["name"] for rule in (await it.get("/api/v1/rules"))["rules"]] == ["Slow"]
        assert "tocsin_alerting_config_ok 0.0" in await it.text("/metrics")
        rules.write_text(RULES.replace("Slow", "Slower"))

        async def renamed() -> bool:
            return [rule["name"] for rule in (await it.get("/api/v1/rules"))["rules"]] == ["Slower"]

        await until(renamed, what="the new rules")
        assert await errors() == []


async def test_broken_notify_file_keeps_the_old_receivers(folder: Path, pagerduty: FakePagerDuty) -> None:
    """An unknown receiver in notify.yml is an error with file, line, path and the nearest name; paging goes on."""
    reader = OneSeries()
    async with running(folder, reader) as it:
        notify = folder / "notify.yml"
        notify.write_text(notify.read_text().replace("{receiver: oncall}", "{receiver: onkall}"))
        await it.role.reload()
        (problem,) = (await it.get("/api/v1/status"))["config"]["errors"]
        assert problem == f"{notify}:5: route.receiver: 'onkall' is not a receiver; did you mean oncall?"
        reader.value = 900.0
        await until(pagerduty.opened, what="a page")


async def test_without_notify_file_alerts_are_shown_and_nobody_is_told(folder: Path) -> None:
    """No notify.yml: the alert is on the page, nothing is in the outbox."""
    async with running(folder, OneSeries(value=900.0)) as it:

        async def firing() -> Any:
            return (await it.get("/api/v1/alerts?state=firing"))["alerts"]

        (alert,) = await until(firing, what="the alert")
        assert alert["incidents"] == []
        assert (await it.get("/api/v1/status"))["config"]["notify"] is None
        listed = await it.get("/api/v1/notifications")
        assert listed == {"pending": [], "sent": [], "failed": [], "suppressed": []}


async def test_api_shows_what_the_docs_promise(folder: Path, pagerduty: FakePagerDuty) -> None:
    """Every answer has the very keys of docs/alerting-api.md."""
    async with running(folder, OneSeries(value=900.0)) as it:
        await until(pagerduty.opened, what="a page")

        async def sent() -> Any:
            return (await it.get("/api/v1/notifications"))["sent"]

        await until(sent, what="the message to be marked")
        ending = {"matchers": ["a=b"], "for": "1h", "author": "ann", "comment": "because"}
        async with it.http.post(it.url + "/api/v1/silences", json=ending) as made:
            assert made.status == 201
        promised = documented()
        for name in ("alerts", "rules", "history", "notifications", "silences", "status"):
            assert shape(await it.get(f"/api/v1/{name}")) == shape(promised[f"/api/v1/{name}"]), name


async def test_alert_as_it_is_shown(folder: Path, pagerduty: FakePagerDuty) -> None:
    """An alert is shown with its words, its value and the incident under which it was paged."""
    async with running(folder, OneSeries(value=900.0)) as it:
        await until(pagerduty.opened, what="a page")
        (alert,) = (await it.get("/api/v1/alerts?rule=Slow"))["alerts"]
        assert alert["labels"] == {"alertname": "Slow", "endpoint": "/pay"}
        assert (alert["state"], alert["severity"], alert["value"], alert["threshold"]) == (
            "firing",
            "critical",
            900,
            800,
        )
        assert alert["annotations"]["summary"] == "/pay takes 900 ms"
        (incident,) = alert["incidents"]
        assert incident["id"] == pagerduty.events[0]["dedup_key"]
        assert incident["receiver"] == "oncall"


@pytest.mark.parametrize(
    ("path", "status", "told"),
    [
        ("/api/v1/history?limit=0", 400, "limit"),
        ("/api/v1/history?limit=many", 400, "limit"),
        ("/api/v1/notifications?limit=1001", 400, "1000"),
        ("/api/v1/alerts?state=burning", 400, "firing"),
        ("/api/v1/nothing", 404, "docs/alerting-api.md"),
    ],
)
async def test_bad_requests_are_told(folder: Path, path: str, status: int, told: str) -> None:
    """Errors are JSON with one sentence that helps."""
    async with running(folder, OneSeries()) as it, it.http.get(it.url + path) as response:
        assert response.status == status
        assert told in (await response.json())["error"]


@pytest.mark.parametrize("path", ["/health", "/ready", "/metrics"])
async def test_probes_answer(folder: Path, path: str) -> None:
    """A healthy role answers its probes with 200."""
    async with running(folder, OneSeries()) as it, it.http.get(it.url + path) as response:
        assert response.status == 200


def documented() -> dict[str, Any]:
    """The JSON examples of the API's page, by the heading that they stand under."""
    page = Path("docs/alerting-api.md").read_text(encoding="utf-8")
    found = re.findall(r"^## `(/\S+)`\n.*?```json\n(.*?)```", page, flags=re.DOTALL | re.MULTILINE)
    return {path: orjson.loads(example) for path, example in found}


def shape(value: Any) -> Any:
    """Keys and nesting; a list is as its first item, values and free-form labels do not count."""
    if isinstance(value, list):
        return [shape(value[0])] if value and isinstance(value[0], dict) else []
    if isinstance(value, dict):
        return {key: shape(child) for key, child in value.items() if key not in ("labels", "group")}
    return ""
