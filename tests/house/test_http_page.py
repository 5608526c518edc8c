"""docs/http-api.md names every address that is served, with its methods, and no other."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from prometheus_client import CollectorRegistry

from alerting.openapi import describe
from console.app import Console
from console.config import ConsoleConfig
from tests.fakes.clock import ManualClock
from tests.fakes.intake import running_intake
from tests.fakes.process import ROOT

PAGE = (ROOT / "docs" / "http-api.md").read_text()


def told(role: str) -> Mapping[str, frozenset[str]]:
    """Address -> methods of a role's table."""
    section = PAGE.split(f"## {role} (")[1].split("\n## ")[0]
    return dict(_rows(section))


def _rows(section: str) -> Iterator[tuple[str, frozenset[str]]]:
    for addresses, methods in re.findall(r"^\| (`.*?`) \| ([A-Z, ]*) ?\|", section, re.MULTILINE):
        for address in re.findall(r"`(\S+)`", addresses):
            yield address, frozenset(methods.strip().split(", "))


async def test_the_collectors_addresses_are_told(tmp_path: Path) -> None:
    """As the running role routes them."""
    async with running_intake(tmp_path) as running:
        assert running.intake is not None
        served = {path: route.methods for path, route in running.intake._routes.items()}
    assert told("Collector") == served


def test_alertings_addresses_are_told() -> None:
    """As its OpenAPI says, which a test of its own holds to the role."""
    paths = describe()["paths"]
    assert told("Alerting") == {path: frozenset(method.upper() for method in paths[path]) for path in paths}


def test_the_consoles_pages_are_told() -> None:
    """Those for people, and those that other programs ask for."""
    console = Console(
        ConsoleConfig(), registry=CollectorRegistry(), clock=ManualClock(), on_incident=lambda _name, _error: None
    )
    served = {
        re.sub(r"\{(\w+)[^/]*\}", r"{\1}", resource.canonical)
        for resource in console._app().router.resources()
        if not resource.canonical.startswith(("/api/", "/static"))
    }
    kept = {address for address in told("Console") if not address.startswith("/api/")}
    assert served == kept
