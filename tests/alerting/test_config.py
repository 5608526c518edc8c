"""The alerting section and notify.yml: Alertmanager's words, and errors that help."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alerting.config import AlertingConfig, load_notify
from alerting.routing.tree import Timers
from foundation.errors import ConfigError

KEY = "0123456789abcdef0123456789abcdef"
RECEIVERS = f"""
receivers:
  - name: oncall
    pagerduty: [{{routing_key: {KEY}}}]
    slack: [{{webhook: "https://hooks.example.org/T/B/x"}}]
  - name: nobody
"""


def written(folder: Path, route: str) -> Path:
    path = folder / "notify.yml"
    path.write_text(RECEIVERS + route, encoding="utf-8")
    return path


def test_defaults_and_inheritance(tmp_path: Path) -> None:
    """A route inherits what it does not say; the root starts from alertname, 0s, 30s and 4h."""
    route = """
route:
  receiver: oncall
  routes:
    - matchers: ['severity="critical"', 'team=~"shop|web"']
      group_by: [alertname, endpoint]
      group_wait: 5s
      continue: true
      routes:
        - receiver: nobody
          repeat_interval: 1d
"""
    root = load_notify(written(tmp_path, route), {}).tree()
    assert (root.receiver, root.group_by, root.timers) == ("oncall", ("alertname",), Timers())
    (child,) = root.children
    assert (child.receiver, child.goes_on, child.group_by) == ("oncall", True, ("alertname", "endpoint"))
    assert [str(matcher) for matcher in child.matchers] == ['severity="critical"', 'team=~"shop|web"']
    (grandchild,) = child.children
    assert (grandchild.receiver, grandchild.goes_on, grandchild.group_by) == ("nobody", False, child.group_by)
    assert grandchild.timers == Timers(wait=timedelta(seconds=5), repeat=timedelta(days=1))


def test_receiver_may_have_many_notifiers_or_none(tmp_path: Path) -> None:
    """A receiver's keys are the catalog's, each a list; one without any hears of its alerts silently."""
    config = load_notify(written(tmp_path, "route: {receiver: oncall}"), {})
    assert [[key for key, _ in receiver.notifiers] for receiver in config.receivers] == [["pagerduty", "slack"], []]


@pytest.mark.parametrize(
    ("route", "told"),
    [
        ("route: {receiver: onkall}", ":7: route.receiver: 'onkall' is not a receiver; did you mean oncall?"),
        ("route: {group_by: [alertname]}", ":7: route: receiver is missing"),
        ("route: {receiver: oncall, matchers: ['a=b']}", ":7: route.matchers: the root route takes every alert"),
        ("route:\n  receiver: oncall\n  routes:\n    - {receiver: x}", ":10: route.routes[0].receiver: 'x' is not"),
        ("route: {receiver: oncall, routes: [{matchers: ['severity']}]}", "'severity' is not a matcher"),
        ("route: {receiver: oncall, group_intervall: 30s}", "did you mean group_interval?"),
        ("route: {receiver: oncall, group_wait: 5}", "is not a duration"),
        ("route: {receiver: oncall, repeat_interval: 0s}", "repeat_interval must be longer than zero"),
    ],
)
def test_faults_name_place_and_remedy(tmp_path: Path, route: str, told: str) -> None:
    """A fault in the routing tree is told with file, line, path and what to do."""
    path = written(tmp_path, route)
    with pytest.raises(ConfigError) as caught:
        load_notify(path, {})
    assert told in str(caught.value)
    assert str(path) in str(caught.value)


def test_receiver_given_twice_is_refused(tmp_path: Path) -> None:
    """Two receivers of one name would both be meant."""
    path = tmp_path / "notify.yml"
    path.write_text("receivers: [{name: a}, {name: a}]\nroute: {receiver: a}\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=r"notify.yml:1: receivers\[1\].name: 'a' is given twice"):
        load_notify(path, {})


def test_secrets_do_not_show(tmp_path: Path) -> None:
    """The key of a receiver is in no repr of the configuration."""
    config = load_notify(written(tmp_path, "route: {receiver: oncall}"), {})
    assert KEY not in repr(config)
    assert "hooks.example.org/T/B/x" not in repr(config)


@pytest.mark.parametrize("listen", ["9093", "host:port"])
def test_address_is_checked(listen: str) -> None:
    """An address that cannot be bound is refused when it is read."""
    with pytest.raises(ValueError, match="HOST:PORT"):
        AlertingConfig(listen=listen)


def test_collector_must_be_a_url() -> None:
    """A collector elsewhere is named by its URL."""
    with pytest.raises(ValueError, match="http://"):
        AlertingConfig(collector="127.0.0.1:8186")


MUTING = """
inhibit_rules:
  - source_matchers: [alertname="Down"]
    target_matchers: [severity="warning"]
    equal: [site]
time_intervals:
  - name: office
    time_intervals:
      - times: [{start_time: "09:00", end_time: "17:00"}]
        weekdays: [monday:friday]
        location: Europe/Berlin
route:
  receiver: oncall
  routes:
    - matchers: [team="web"]
      active_time_intervals: [office]
      routes:
        - matchers: [page="front"]
          mute_time_intervals: [office]
          active_time_intervals: []
"""


def test_muting_in_alertmanagers_words(tmp_path: Path) -> None:
    """Inhibition and time intervals as they stand in alertmanager.yml; a route inherits its calendars."""
    config = load_notify(written(tmp_path, MUTING), {})
    (rule,) = (one.rule() for one in config.inhibit_rules)
    assert ([str(one) for one in rule.source], [str(one) for one in rule.target]) == (
        ['alertname="Down"'],
        ['severity="warning"'],
    )
    assert rule.equal == ("site",)
    (web,) = config.tree().children
    (front,) = web.children
    assert (web.timers.mute, web.timers.active) == ((), ("office",))
    assert (front.timers.mute, front.timers.active) == (("office",), ())
    office = config.calendars()["office"]
    assert office.covers(datetime(2026, 11, 20, 12, 0, tzinfo=UTC))
    assert not office.covers(datetime(2026, 11, 20, 16, 30, tzinfo=UTC))


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("[office]", "[offise]", "notify.yml:22: route.routes[0].active_time_intervals: 'offise' is not one of"),
        ("17:00", "25:00", "notify.yml:15: time_intervals[0].time_intervals[0].times[0]: '25:00' is no time of day"),
        ("Europe/Berlin", "Berlin", "location: 'Berlin' is no time zone"),
        ('[alertname="Down"]', "[]", "inhibit_rules[0]: source_matchers and target_matchers need a matcher each"),
    ],
)
def test_faults_of_muting_are_named(tmp_path: Path, before: str, after: str, told: str) -> None:
    """With file, line, path and what was meant."""
    with pytest.raises(ConfigError) as caught:
        load_notify(written(tmp_path, MUTING.replace(before, after, 1)), {})
    assert told in str(caught.value)


def test_calendar_that_cannot_be_read_is_a_fault(tmp_path: Path) -> None:
    """Its name, the file and why."""
    route = "route: {receiver: oncall}\ntime_intervals: [{name: away, ical: away.ics}]\n"
    with pytest.raises(ConfigError, match=r"time_intervals: away: ical: .*away\.ics: No such file"):
        load_notify(written(tmp_path, route), {}).calendars()


@pytest.mark.parametrize("name", ["nobodi", "oncall"])
def test_fallback_is_another_receiver(tmp_path: Path, name: str) -> None:
    """One that does not exist, or itself, is an error that names it."""
    path = written(tmp_path, "route: {receiver: oncall}")
    path.write_text(path.read_text().replace("name: oncall\n", f"name: oncall\n    fallback: {name}\n"))
    with pytest.raises(ConfigError, match=rf"receivers\[0\]\.fallback: '{name}' is not another receiver"):
        load_notify(path, {})
