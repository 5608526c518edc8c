"""What Grafana reads at its start: one data source, one provider of boards, nothing secret in the files."""

import re
from pathlib import Path
from typing import Any

import yaml

from grafana.render import FOLDER

PROVISIONING = FOLDER.parents[1]
DATASOURCE_KEYS = {"name", "uid", "type", "access", "url", "isDefault", "editable", "jsonData", "secureJsonData"}
DATASOURCE_KEYS |= {"basicAuth", "basicAuthUser"}
PROVIDER_KEYS = {
    "name",
    "orgId",
    "folder",
    "folderUid",
    "type",
    "disableDeletion",
    "updateIntervalSeconds",
    "allowUiUpdates",
    "options",
}


def read(name: str) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((PROVISIONING / name).read_text(encoding="utf-8"))
    return loaded


def test_the_data_source_speaks_influxql_to_the_bucket():
    """No `version` means InfluxQL; POST carries long queries; the uid never changes, or boards lose their source."""
    (source,) = read("datasources/influxdb.yaml")["datasources"]
    assert set(source) == DATASOURCE_KEYS
    assert (source["uid"], source["type"], source["access"]) == ("influxdb-telemetry", "influxdb", "proxy")
    assert source["jsonData"]["dbName"] == "telemetry"
    assert source["jsonData"]["httpMode"] == "POST"
    assert "version" not in source["jsonData"]


def test_the_password_comes_from_a_secret_file():
    """The password is interpolated from a file, and no secret stands in the provisioning."""
    (source,) = read("datasources/influxdb.yaml")["datasources"]
    assert (source["basicAuth"], source["basicAuthUser"]) == (True, "grafana")
    assert source["secureJsonData"] == {"basicAuthPassword": "$__file{/run/secrets/grafana_read_password}"}


def test_every_variable_of_the_environment_is_set_by_compose():
    """Grafana turns an unset variable into nothing without a word, so compose sets each that is used."""
    used = set()
    for path in PROVISIONING.rglob("*.yaml"):
        used |= set(re.findall(r"\$__env\{(\w+)\}", path.read_text(encoding="utf-8")))
    compose = yaml.safe_load((PROVISIONING.parents[1] / "docker-compose.yml").read_text(encoding="utf-8"))
    assert used
    assert used <= set(compose["services"]["grafana"]["environment"])


def test_the_provider_shows_the_generated_folder_read_only():
    """Boards come from the folder that compose mounts, cannot be saved over, and do not vanish with a file."""
    (provider,) = read("dashboards/provider.yaml")["providers"]
    assert set(provider) == PROVIDER_KEYS
    assert Path(provider["options"]["path"]).relative_to("/etc/grafana/provisioning") == FOLDER.relative_to(
        PROVISIONING
    )
    assert provider["allowUiUpdates"] is False
    assert provider["disableDeletion"] is True
    assert provider["folderUid"] == "tocsin"


def test_no_alert_rules_are_provisioned():
    """Tocsin pages people; a second alerter would page them twice."""
    assert not (PROVISIONING / "alerting").exists()
