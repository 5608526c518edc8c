"""What can stand under `demo:`, and the demo's own configuration file."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from demo.config import DemoConfig
from foundation.web import Address
from tocsin import config as configuration

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"listen": "8187"}, "HOST:PORT"),
        ({"requests_per_s": 0.0}, "requests_per_s"),
        ({"devices": -1}, "devices"),
        ({"report_every": timedelta(milliseconds=1)}, "report_every"),
        ({"history": timedelta(days=2)}, "history"),
    ],
)
def test_a_wrong_value_is_refused_by_name(wrong: dict[str, Any], told: str) -> None:
    """Each bound is checked, and the error names the setting."""
    with pytest.raises(ValueError, match=told):
        DemoConfig(**wrong)


def test_the_demo_runs_open_on_loopback_with_the_rules_that_ship() -> None:
    """Its file loads; state, rules and receivers are where the tree has them; nothing can be reached from outside."""
    config = configuration.load(None, with_demo=True, env={})
    listens = (config.collector.listen, config.alerting.listen, config.console.listen, config.demo.listen)

    assert config.state == ROOT / "var"
    assert config.alerting.rules == (ROOT / "rules" / "*.yml",)
    assert config.alerting.notify == ROOT / "demo" / "notify.yml"
    assert all(Address.parse(listen).loopback for listen in listens)
    assert config.collector.json.integers == ("uptime_s",)
