"""What is red on a board is what pages somebody: the boards' limits are those of the rules that ship."""

from pathlib import Path

import pytest
import yaml

from grafana import limits
from grafana.limits import Limits

RULES = Path(__file__).resolve().parents[2] / "rules"


@pytest.mark.parametrize(
    ("shown", "rule", "scale"),
    [
        (limits.RESPONSE_MS, "FeatureSlow", 1),
        (limits.ERROR_PCT, "ErrorRateHigh", 100),
        (limits.STOCK_PCT, "StockLow", 100),
        (limits.DISK_PCT, "HostDiskFull", 1),
        (limits.MEMORY_PCT, "HostMemoryHigh", 1),
        (limits.BEHIND_S, "PipelineBehind", 1),
    ],
)
def test_limits_are_those_of_the_rules(shown: Limits, rule: str, scale: float):
    """Amber begins where the rule warns and red where it is critical, in the board's unit and direction."""
    files = [yaml.safe_load(path.read_text(encoding="utf-8"))["rules"] for path in sorted(RULES.glob("*.yml"))]
    (found,) = [one for rules in files for one in rules if one["alert"] == rule]
    operator, warn = found["warn"].split()
    _, critical = found["critical"].split()
    expected = (pytest.approx(float(warn) * scale), pytest.approx(float(critical) * scale), operator == "<")
    assert (shown.warn, shown.critical, shown.falling) == expected
