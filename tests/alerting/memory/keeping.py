"""Alerts, groups and messages as memory is handed them."""

from datetime import UTC, datetime, timedelta

from alerting.acknowledgement import Acknowledgement
from alerting.alert import Change, Level, labels_of
from alerting.flush import compose
from alerting.memory.contract import (
    Draft,
    HistoryEntry,
)
from alerting.muting.silence import Silence, draw_up
from alerting.routing.book import Book, GroupChange
from alerting.routing.group import Group
from alerting.routing.tree import Node
from tests.alerting.desk import change

NOW = datetime(2026, 1, 1, 12, 0, 0, 123456, tzinfo=UTC)
TREE = Node(receiver="oncall", group_by=("alertname",))
LANE = ("oncall", "pagerduty[0]")


def fired(name: str = "Slow", **labels: str) -> GroupChange:
    (opened,) = Book().route([change(Change.FIRED, name, **labels)], TREE, NOW)
    return opened


def firing(group: Group, notifier: str = "pagerduty[0]") -> Draft:
    return Draft(notifier=notifier, why="first", message=compose(group, NOW))


def resolved(group: Group, notifier: str = "pagerduty[0]") -> Draft:
    book = Book([group])
    (after,) = book.route([change(Change.RESOLVED, dict(group.key.labels)["alertname"])], TREE, NOW)
    return Draft(notifier=notifier, why="all-resolved", message=compose(after.group, NOW))


def entry(number: int, rule: str = "Slow") -> HistoryEntry:
    return HistoryEntry(
        at=NOW,
        alert_id=f"id-{rule}",
        rule=rule,
        labels=labels_of({"alertname": rule, "endpoint": "/päy"}),
        severity="critical",
        before="pending",
        state="firing",
        change="fired",
        value=float(number),
        reason="because",
        summary="slow",
        incident="i1",
    )


def silenced(name: str = "s1", comment: str = 'the "big" move') -> Silence:
    words = {"author": "ann", "comment": comment}
    matchers = ['team=~"a|b"', 'path="C:\\\\x"']
    return draw_up(name, matchers, starts_at=NOW, ends_at=NOW + timedelta(hours=1), now=NOW, **words)


def in_hand(alert_id: str = "a1", author: str = "ann") -> Acknowledgement:
    return Acknowledgement(alert_id=alert_id, level=Level.WARNING, author=author, comment='the "big" one', at=NOW)
