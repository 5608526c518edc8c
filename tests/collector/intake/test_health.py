"""Probes: alive, well, ready, and what we count."""

import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from collector.deliver.delivery import Standing
from collector.intake.health import Readiness
from tests.fakes.intake import RunningIntake, running_intake


@pytest.fixture
async def intake(tmp_path: Path) -> AsyncIterator[RunningIntake]:
    async with running_intake(tmp_path) as running:
        yield running


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_ping_is_204_with_the_version(intake: RunningIntake, method: str):
    """Clients of InfluxDB 1.x refuse a server that does not say its version."""
    answer = await intake.ask(method, "/ping")
    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["X-Influxdb-Version"] == "v2.9.1"
    verbose = await intake.ask(method, "/ping?verbose=true")
    assert verbose.status == 200


async def test_health_is_influxdbs_form(intake: RunningIntake):
    """Pass with 200, fail with 503 and the reason."""
    answer = await intake.ask("GET", "/health")
    assert answer.status == 200
    assert json.loads(answer.body)["status"] == "pass"
    intake.readiness[0] = Readiness("the disk is full", 5, 2.5)
    answer = await intake.ask("GET", "/health")
    assert answer.status == 503
    assert json.loads(answer.body)["message"] == "the disk is full"


async def test_ready_tells_what_waits_for_delivery(intake: RunningIntake):
    """200 while lines are accepted, 503 otherwise, always with the backlog and how each destination stands."""
    assert json.loads((await intake.ask("GET", "/ready")).body) == {
        "status": "ready",
        "buffered_lines": 0,
        "buffer_age_s": 0.0,
        "destinations": [],
    }
    away = Standing("archive", required=False, buffered_lines=5, buffer_age_s=2.5, waits_for=("token_refused",))
    intake.readiness[0] = Readiness("the disk is full", 5, 2.5, (away,))
    answer = await intake.ask("GET", "/ready")
    assert answer.status == 503
    assert json.loads(answer.body) == {
        "status": "the disk is full",
        "buffered_lines": 5,
        "buffer_age_s": 2.5,
        "destinations": [
            {
                "name": "archive",
                "required": False,
                "buffered_lines": 5,
                "buffer_age_s": 2.5,
                "waits_for": ["token_refused"],
                "lacks": [],
            }
        ],
    }


async def test_metrics_show_requests_by_path_and_status(intake: RunningIntake):
    """Unknown paths share one name, so that nobody can fill the memory with them."""
    await intake.ask("GET", "/ping")
    await intake.ask("GET", "/some/secret/path")
    text = (await intake.ask("GET", "/metrics")).body.decode()
    assert 'tocsin_requests_total{path="/ping",status="204"} 1.0' in text
    assert 'tocsin_requests_total{path="other",status="404"} 1.0' in text
    assert "secret" not in text
