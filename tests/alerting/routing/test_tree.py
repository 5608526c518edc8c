"""The routing tree: first match, continue, inheritance."""

from datetime import timedelta

import pytest

from alerting.routing.matchers import parse
from alerting.routing.tree import Node, Timers


def node(receiver: str, *matchers: str, goes_on: bool = False, children: tuple[Node, ...] = ()) -> Node:
    found = tuple(matcher for text in matchers for matcher in parse(text))
    return Node(receiver=receiver, group_by=("alertname",), matchers=found, goes_on=goes_on, children=children)


TREE = node(
    "root",
    children=(
        node("audit", 'team=~".+"', goes_on=True),
        node("shop", 'team="shop"', children=(node("shop-pager", 'severity="critical"'),)),
        node("web", 'team="web"'),
        node("late", 'team="shop"'),
    ),
)


@pytest.mark.parametrize(
    ("labels", "receivers"),
    [
        ({}, ["root"]),
        ({"team": "other"}, ["audit"]),
        ({"team": "shop"}, ["audit", "shop"]),
        ({"team": "shop", "severity": "critical"}, ["audit", "shop-pager"]),
        ({"team": "web", "severity": "critical"}, ["audit", "web"]),
    ],
)
def test_first_match_takes_the_alert_and_continue_goes_on(labels: dict[str, str], receivers: list[str]) -> None:
    """The first child that matches takes the alert, with continue the next are asked, else the node itself takes it."""
    assert [found.receiver for found in TREE.find(labels)] == receivers


def test_root_that_does_not_match_takes_nothing() -> None:
    """A node whose own matchers fail finds nobody."""
    assert node("web", 'team="web"').find({"team": "shop"}) == ()


@pytest.mark.parametrize(
    ("group_by", "expected"),
    [
        (("alertname",), (("alertname", "Slow"),)),
        (("alertname", "service"), (("alertname", "Slow"),)),
        (("endpoint", "alertname"), (("alertname", "Slow"), ("endpoint", "/a"))),
        ((), ()),
        (("...",), (("alertname", "Slow"), ("endpoint", "/a"))),
    ],
)
def test_group_labels(group_by: tuple[str, ...], expected: tuple[tuple[str, str], ...]) -> None:
    """A group is named by the labels asked for that the alert has; `...` means all of its identity."""
    labels = {"alertname": "Slow", "endpoint": "/a", "severity": "critical"}
    assert Node(receiver="x", group_by=group_by).group_labels(labels) == expected


def test_default_timers() -> None:
    """group_wait 0s, group_interval 30s, repeat_interval 4h."""
    assert Timers() == Timers(wait=timedelta(0), interval=timedelta(seconds=30), repeat=timedelta(hours=4))
