"""docker-compose.yml read as a person would review it: it is valid, pinned, ordered, private and unprivileged."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

import pytest
import yaml

from alerting.config import load_notify
from tests.fakes.servers import require_server

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "docker-compose.yml"
LONG_RUNNING = {"influxdb", "grafana", "collector", "alerting", "console", "demo"}


@pytest.fixture(scope="module")
def stack() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())
    return loaded


def test_compose_itself_accepts_the_file() -> None:
    """Docker Compose reads the file, every profile included, and finds nothing wrong."""
    compose = require_server("docker-compose")

    checked = subprocess.run(
        [compose, "-f", str(COMPOSE), "--profile", "demo", "config", "--quiet"],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.environ["PATH"]},
    )

    assert (checked.returncode, checked.stderr) == (0, "")


def test_images_are_pinned(stack: dict[str, Any]) -> None:
    """No image moves by itself."""
    for name, service in stack["services"].items():
        assert re.search(r":\d+\.\d+\.\d+$", service["image"]), name
    assert stack["services"]["influxdb"]["image"] == "influxdb:2.9.1"
    assert stack["services"]["grafana"]["image"] == "grafana/grafana:13.1.4"


def test_every_long_running_service_says_whether_it_is_well(stack: dict[str, Any]) -> None:
    """`up --wait` means something only if each service has a health check and restarts."""
    for name in LONG_RUNNING:
        service = stack["services"][name]
        assert "healthcheck" in service, name
        assert service["restart"] == "unless-stopped", name
        assert "mem_limit" in service, name
        assert service["logging"]["options"]["max-size"], name


def test_services_start_when_what_they_need_is_healthy(stack: dict[str, Any]) -> None:
    """Order is by health, and the one-shot is waited for by a long-running service (`up --wait` fails otherwise)."""
    needs = {
        name: {other: how["condition"] for other, how in service.get("depends_on", {}).items()}
        for name, service in stack["services"].items()
    }

    assert needs["influxdb"] == {"secrets": "service_completed_successfully"}
    assert needs["grafana"] == {"influxdb": "service_healthy"}
    assert needs["collector"] == {"influxdb": "service_healthy"}
    assert needs["alerting"] == {"collector": "service_healthy"}
    assert needs["console"] == {"collector": "service_healthy", "alerting": "service_healthy"}
    assert needs["demo"] == {"collector": "service_healthy"}


def test_only_the_doors_are_published_and_only_to_this_machine(stack: dict[str, Any]) -> None:
    """Grafana, the collector and the console, on loopback; the database and alerting stay inside."""
    published = {name: service["ports"] for name, service in stack["services"].items() if "ports" in service}

    assert published == {
        "grafana": ["127.0.0.1:3000:3000"],
        "collector": ["127.0.0.1:8186:8186"],
        "console": ["127.0.0.1:8080:8080"],
    }


def test_the_demo_is_a_profile(stack: dict[str, Any]) -> None:
    """Simulated traffic never starts unasked."""
    assert [name for name, service in stack["services"].items() if service.get("profiles") == ["demo"]] == ["demo"]


def test_no_secret_stands_in_the_file() -> None:
    """Passwords and tokens come from files in a volume; no variable holds one and none has a default."""
    text = COMPOSE.read_text()
    settings = re.findall(r"^\s+(\w*(?:PASSWORD|TOKEN)\w*):(.*)$", text, re.MULTILINE)

    assert settings
    for name, value in settings:
        assert name.endswith("_FILE"), name
        assert value.strip().startswith("/run/secrets/"), name


def test_our_own_containers_have_no_privileges(stack: dict[str, Any]) -> None:
    """Read-only root, no capabilities, no new privileges, no root user."""
    for name, service in stack["services"].items():
        if str(service["image"]).startswith("tocsin:"):
            assert service["read_only"] is True, name
            assert service["cap_drop"] == ["ALL"], name
            assert service["security_opt"] == ["no-new-privileges:true"], name
    assert "\nUSER tocsin\n" in (ROOT / "Dockerfile").read_text()


def test_what_others_may_is_told(stack: dict[str, Any]) -> None:
    """No image gains privileges; those that cannot run read-only or without capabilities are the page's exceptions."""
    services = stack["services"]
    assert all("no-new-privileges:true" in service["security_opt"] for service in services.values())
    page = (ROOT / "docs" / "compose.md").read_text()
    told = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", page, re.MULTILINE))
    found = {name: _liberties(service) for name, service in services.items()}
    assert told == {name: words for name, words in found.items() if words}


def test_a_backup_holds_every_volume(stack: dict[str, Any]) -> None:
    """What the page copies and puts back is all there is but the demo's own, by the names that Compose gives."""
    page = (ROOT / "docs" / "compose.md").read_text()
    copied, restored = (set(words.split()) for words in re.findall(r"for v in (.*); do", page))
    assert copied == restored == stack["volumes"].keys() - {"demo"}
    assert page.count(f"-v {stack['name']}_$v:") == 2
    assert page.count(str(stack["services"]["collector"]["image"])) == 2


def _liberties(service: dict[str, Any]) -> str:
    """What a service has that ours have not."""
    root = [] if service.get("read_only") else ["writable root"]
    return ", ".join([*root, *([] if service.get("cap_drop") == ["ALL"] else ["capabilities"])])


def test_grafana_begins_with_a_board_that_is_there(stack: dict[str, Any]) -> None:
    """The first page is one of the provisioned files."""
    environment = stack["services"]["grafana"]["environment"]
    home = str(environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    assert (ROOT / "grafana/provisioning" / home.removeprefix("/etc/grafana/provisioning/")).is_file()


def test_every_mounted_file_exists(stack: dict[str, Any]) -> None:
    """A bind mount of a path that is not there becomes an empty folder, silently."""
    for service in stack["services"].values():
        for volume in service.get("volumes", ()):
            source = volume.split(":")[0]
            if source.startswith("."):
                assert (ROOT / source).exists(), source
            else:
                assert source in stack["volumes"]


def test_the_image_holds_every_package_and_file_it_runs() -> None:
    """The Dockerfile copies every package of the distribution, the rules and the configuration."""
    dockerfile = (ROOT / "Dockerfile").read_text()

    for package in (
        "foundation",
        "influxql",
        "store",
        "collector",
        "alerting",
        "console",
        "grafana",
        "demo",
        "tocsin",
        "rules",
    ):
        assert f"COPY {package} " in dockerfile, package
    for file in ("docker/tocsin.yml", "docker/notify.yml"):
        assert file in dockerfile


def configured(*settings: str) -> dict[str, Any]:
    """The stack as Docker Compose reads it with these variables in the environment."""
    compose = require_server("docker-compose")
    read = subprocess.run(
        [compose, "-f", str(COMPOSE), "config", "--format", "json"],
        capture_output=True,
        check=True,
        env={"PATH": os.environ["PATH"]} | dict(setting.split("=", 1) for setting in settings),
    )
    content: dict[str, Any] = json.loads(read.stdout)
    return content


@pytest.mark.parametrize(
    ("settings", "url"),
    [
        ((), "http://demo:8187/v2/enqueue"),
        (("PAGERDUTY_KEY=k",), "https://events.pagerduty.com/v2/enqueue"),
        (("PAGERDUTY_KEY=k", "PAGERDUTY_URL=http://proxy/x"), "http://proxy/x"),
    ],
)
def test_a_key_alone_pages_pagerduty(settings: tuple[str, ...], url: str) -> None:
    """Without a key the demo's stand-in is told; with one nobody waits for a page that went to the stand-in."""
    environment = configured(*settings)["services"]["alerting"]["environment"]
    environment["PAGERDUTY_KEY"] = environment["PAGERDUTY_KEY"] and "0123456789abcdef0123456789abcdef"

    receiver = load_notify(ROOT / "docker" / "notify.yml", environment).receivers[0]
    (pager,) = [config for kind, config in receiver.notifiers if kind == "pagerduty"]

    assert pager.url == url


def test_the_build_sees_what_it_copies_and_nothing_else() -> None:
    """Everything is ignored but the sources of COPY, so no secret, state or .venv lies in the build's context."""
    ignored = (ROOT / ".dockerignore").read_text().split()
    copied = {
        source
        for words in re.findall(r"^COPY (?!--from)(.*) \S+$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
        for source in words.split()
    }

    assert "*" in ignored
    assert {word.removeprefix("!") for word in ignored if word.startswith("!")} == copied


SITE = Path(sysconfig.get_path("purelib"))
LEFT_OUT = re.search(r"site-packages .*?rm -r (.*?)\n\n", (ROOT / "Dockerfile").read_text(), re.DOTALL)


def left_out() -> list[str]:
    """The patterns below site-packages that the image is built without."""
    assert LEFT_OUT
    return LEFT_OUT[1].replace("\\", "").split()


def test_what_the_image_is_built_without_is_what_the_packages_bring() -> None:
    """A pattern that finds nothing would fail the build."""
    assert [pattern for pattern in left_out() if not list(SITE.glob(pattern))] == []


def test_nothing_opens_what_the_image_is_built_without() -> None:
    """Every module of ours is imported, and a Parquet file is written, with all that refused."""
    refused = sorted(
        str(path.relative_to(SITE)).partition(".")[0].replace("/", ".")
        for pattern in left_out()
        for path in SITE.glob(pattern)
        if path.suffix != ".dist-info"
    )
    code = f"""
import importlib, io, pkgutil, sys
class Refuse:
    def find_spec(self, name, path=None, target=None):
        if any(name == one or name.startswith(one + ".") for one in {refused}):
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Refuse())
for room in ("tocsin", "collector", "alerting", "store", "influxql", "console", "demo", "grafana"):
    for module in pkgutil.walk_packages(importlib.import_module(room).__path__, room + "."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
import pyarrow, pyarrow.parquet
pyarrow.parquet.write_table(pyarrow.table({{"x": [1]}}), io.BytesIO())
"""
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, cwd=ROOT)
    assert (ran.returncode, ran.stderr) == (0, "")
