"""Every InfluxDB that is configured, against a real one: away, wrong token, no bucket, only half of the rights."""

from __future__ import annotations

import json

import pytest

from collector.config import CollectorConfig
from foundation.clock import SystemClock
from foundation.secret import Secret
from store.influxdb import InfluxConfig
from tests.fakes.influxd import Influxd
from tests.fakes.patient import FakeMachine
from tests.tocsin.doctor.conftest import Ward
from tocsin.config import TocsinConfig
from tocsin.doctor.command import examine
from tocsin.doctor.finding import Level
from tocsin.doctor.patient import Patient
from tocsin.doctor.servers import Servers
from tocsin.doctor.web import Answer, Wire


def told(influxd: Influxd, bucket: str, token: str = "", url: str = "") -> list[tuple[Level, str]]:
    """What the check says of a store that is configured so."""
    token = token or influxd.token
    store = InfluxConfig(kind="influxdb", url=url or influxd.url, org=influxd.org, token=Secret(token))
    config = TocsinConfig(store=store, collector=CollectorConfig(bucket=bucket))
    clock = SystemClock()
    report = examine(Patient(config, FakeMachine(), Wire(clock, patience_s=30.0), clock), [Servers()])
    assert token not in str(report)
    return [(finding.level, f"{finding.words} -> {finding.mend}") for _, finding in report.findings]


def faults(found: list[tuple[Level, str]]) -> list[str]:
    return [words for level, words in found if level is not Level.FINE]


def token_for(influxd: Influxd, bucket: str, *actions: str) -> str:
    """A token that may do this alone with the bucket."""
    listed = json.loads(influxd.call("GET", f"/api/v2/buckets?name={bucket}")[1])["buckets"][0]
    resource = {"type": "buckets", "id": listed["id"], "orgID": listed["orgID"]}
    permissions = [{"action": action, "resource": resource} for action in actions]
    form = {"orgID": listed["orgID"], "permissions": permissions}
    return str(json.loads(influxd.call("POST", "/api/v2/authorizations", json.dumps(form).encode())[1])["token"])


def test_a_server_that_is_well(influxd: Influxd, influx_bucket: str) -> None:
    """Its version, writing and reading; and not a point is left in it."""
    found = told(influxd, influx_bucket, token_for(influxd, influx_bucket, "read", "write"))

    assert faults(found) == []
    assert len(found) == 3
    answer = influxd.call("GET", f"/query?db={influx_bucket}&q=SHOW+MEASUREMENTS")[1]
    assert json.loads(answer) == {"results": [{"statement_id": 0}]}


def test_a_token_that_may_not_write(influxd: Influxd, influx_bucket: str) -> None:
    """Reading is fine."""
    [fault] = faults(told(influxd, influx_bucket, token_for(influxd, influx_bucket, "read")))

    assert "cannot be written to: insufficient permissions for write (HTTP 403)" in fault
    assert "let the token in store.token write to" in fault


def test_a_token_that_may_not_read(influxd: Influxd, influx_bucket: str) -> None:
    """Though the server answers its queries, with nothing."""
    [fault] = faults(told(influxd, influx_bucket, token_for(influxd, influx_bucket, "write")))

    assert f"the token may not read bucket {influx_bucket}" in fault


def test_a_token_that_is_none(influxd: Influxd, influx_bucket: str) -> None:
    """Told once."""
    [fault] = faults(told(influxd, influx_bucket, "mistyped"))

    assert "(HTTP 401) -> a token that is valid there, in store.token" in fault


def test_a_bucket_that_is_missing(influxd: Influxd) -> None:
    """With the command that makes it."""
    [fault] = faults(told(influxd, "nowhere"))

    assert "(HTTP 404) -> `influx bucket create --name nowhere --org" in fault


def test_a_server_that_is_away(influxd: Influxd) -> None:
    """With the key that says where it is looked for."""
    [fault] = faults(told(influxd, "telemetry", url="http://127.0.0.1:1"))

    assert "http://127.0.0.1:1/ping does not answer" in fault
    assert "store.url" in fault


@pytest.mark.parametrize(
    ("version", "level", "words"),
    [
        ("1.8.10", Level.WRONG, "InfluxDB 1.8 is too old"),
        ("v2.0.0", Level.FINE, "InfluxDB 2.0"),
        ("3.1.0", Level.FINE, "InfluxDB 3.1"),
        ("4.0.0", Level.HINT, "InfluxDB 4.0 is newer"),
        ("", Level.HINT, "does not say that it is InfluxDB"),
    ],
)
def test_versions(ward: Ward, version: str, level: Level, words: str) -> None:
    """By the header of /ping: buckets came with 2.0."""
    ward.web.answers |= {
        ("influx:8086", "/ping"): Answer(204, {"x-influxdb-version": version}),
        ("influx:8086", "/api/v2/write"): Answer(204),
        ("influx:8086", "/query"): Answer(200),
        ("influx:8086", "/api/v2/buckets"): {"buckets": [{"name": "telemetry"}]},
    }
    store = "store: {kind: influxdb, url: 'http://influx:8086', org: o, token: SECRET}\n"
    ward.write("tocsin.yml", (ward.folder / "tocsin.yml").read_text() + store)

    found = [finding for name, finding in ward.report().findings if name == "store"]
    assert [finding.level for finding in found if words in finding.words] == [level]
    assert "SECRET" not in str(ward.report())
