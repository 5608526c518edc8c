"""What a group says: which alerts a message holds, and how those that it does not hold are counted."""

import orjson

from alerting.alert import Change
from alerting.flush import MOST_ALERTS, compose
from alerting.memory import codec
from alerting.notify.contract import Status
from alerting.notify.render import headline
from alerting.routing.book import Book
from alerting.routing.group import Group, Notice, settle
from alerting.routing.tree import Node
from tests.alerting.desk import T0, change

TREE = Node(receiver="oncall", group_by=("alertname",))


def firing(count: int) -> Group:
    """An announced group of `count` alerts."""
    (opened,) = Book().route([change(Change.FIRED, host=f"h{n}") for n in range(count)], TREE, T0)
    announced = settle(opened.group, Notice.FIRST, T0)
    assert announced is not None
    return announced


def test_a_message_holds_so_many_alerts_and_counts_all() -> None:
    """Of 2 000 alerts, 1 500 of which are over, the firing ones are held; the headline counts what fires."""
    over = [change(Change.RESOLVED, host=f"h{n}") for n in range(500, 2_000)]
    (mixed,) = Book([firing(2_000)]).route(over, TREE, T0)
    said = compose(mixed.group, T0)

    assert len(said.alerts) == MOST_ALERTS
    assert (said.count(Status.FIRING), said.count(Status.RESOLVED)) == (500, 1_500)
    assert headline(said).endswith("(and 499 more)")


def test_a_message_that_was_stored_is_the_same_message() -> None:
    """What is sent after a restart counts the same alerts."""
    said = compose(firing(MOST_ALERTS + 7), T0, "http://console/alerts", "repeat")

    assert codec.message(codec.encode(said)) == said


def test_a_message_of_another_version_can_be_sent() -> None:
    """A key that this version does not know is passed over, one that it misses takes its default."""
    said = compose(firing(1), T0)
    stored = orjson.loads(codec.encode(said)) | {"mood": "calm"}
    del stored["untold"], stored["why"]

    assert codec.message(orjson.dumps(stored)) == said
