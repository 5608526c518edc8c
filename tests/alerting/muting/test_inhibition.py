"""Inhibition, as in Alertmanager."""

from collections.abc import Mapping

import pytest

from alerting.alert import Level
from alerting.muting.inhibition import Inhibition, InhibitRule
from alerting.routing.matchers import parse

DOWN = {"alertname": "DatabaseDown", "site": "a", "severity": "critical"}
SLOW = {"alertname": "Slow", "site": "a", "severity": "warning"}
RULE = InhibitRule(source=parse("severity=critical"), target=parse("severity=warning"), equal=("site",))


def opens(inhibition: Inhibition, alert_id: str, told: Mapping[str, str]) -> None:
    """An alert of which people are told these labels."""
    labels = tuple(sorted((name, value) for name, value in told.items() if name != "severity"))
    inhibition.opened(alert_id, labels, Level[told["severity"].upper()])


@pytest.mark.parametrize(
    ("source", "target", "muted"),
    [
        (DOWN, SLOW, True),
        (DOWN, {**SLOW, "site": "b"}, False),
        (DOWN, {"alertname": "Slow", "severity": "warning"}, False),
        ({**DOWN, "site": ""}, {"alertname": "Slow", "severity": "warning"}, True),
        ({**DOWN, "severity": "warning"}, SLOW, False),
        (DOWN, {**SLOW, "severity": "critical"}, False),
    ],
)
def test_source_mutes_targets_that_agree_with_it(source: dict[str, str], target: dict[str, str], muted: bool) -> None:
    """Both sides have to match and the equal labels to be equal; one that is missing is empty."""
    inhibition = Inhibition([RULE])
    opens(inhibition, "s", source)
    assert inhibition.source_of("t", target) == (source if muted else None)


def test_source_that_ends_mutes_no_more() -> None:
    """Also when it never was one, or the rules have changed since it opened."""
    inhibition = Inhibition()
    opens(inhibition, "s", DOWN)
    inhibition.adopt([RULE])
    assert inhibition.source_of("t", SLOW) == DOWN
    assert inhibition.lets_go("s", None)
    assert not inhibition.lets_go("t", None)
    inhibition.ended("t")
    inhibition.ended("s")
    assert not inhibition.lets_go("s", None)
    assert inhibition.source_of("t", SLOW) is None


def test_change_of_severity_is_followed() -> None:
    """An alert that falls to warning is no source any more; one of two sources is enough."""
    inhibition = Inhibition([RULE])
    opens(inhibition, "s", DOWN)
    opens(inhibition, "s", {**DOWN, "severity": "warning"})
    assert inhibition.source_of("t", SLOW) is None
    opens(inhibition, "s", DOWN)
    opens(inhibition, "u", DOWN)
    inhibition.ended("s")
    assert inhibition.source_of("t", SLOW) == DOWN


def test_nothing_mutes_itself_or_its_like() -> None:
    """An alert that meets both sides is muted by none that meets both sides, too."""
    both = InhibitRule(source=parse("alertname=~.+"), target=parse("severity=warning"), equal=("site",))
    inhibition = Inhibition([both])
    opens(inhibition, "a", SLOW)
    opens(inhibition, "b", {**SLOW, "alertname": "Slower"})
    assert inhibition.source_of("a", SLOW) is None
    opens(inhibition, "c", DOWN)
    assert inhibition.source_of("a", SLOW) == DOWN
