"""The book of open groups: who holds which alert, and what is due."""

from datetime import timedelta

from alerting.alert import Change, Level
from alerting.routing.book import Book, GroupChange, member_now
from alerting.routing.group import Notice
from alerting.routing.matchers import parse
from alerting.routing.tree import Node, Timers
from tests.alerting.desk import T0, change

TREE = Node(receiver="oncall", group_by=("alertname",))
BY_LEVEL = Node(
    receiver="team",
    group_by=("alertname",),
    children=(Node(receiver="boss", group_by=("alertname",), matchers=parse('severity="critical"')),),
)


def receivers(changes: list[GroupChange]) -> list[str]:
    return sorted(one.group.key.receiver for one in changes)


def test_route_changes_nothing_until_it_is_taken() -> None:
    """The book stays as it is until the change is stored."""
    book = Book()
    changes = book.route([change(Change.FIRED)], TREE, T0)
    assert list(book.groups()) == []
    book.take(changes)
    assert [group.key.receiver for group in book.groups()] == ["oncall"]


def test_transitions_of_one_decision_build_on_each_other() -> None:
    """An alert that rises within one decision keeps its receiver and gains the new one."""
    rising = [change(Change.FIRED, level=Level.WARNING), change(Change.RAISED, level=Level.CRITICAL)]
    changes = Book().route(rising, BY_LEVEL, T0)
    assert receivers(changes) == ["boss", "team"]


def test_resolve_of_an_alert_that_nobody_holds_is_for_nobody() -> None:
    """A resolve reaches those that hold the alert and no one else."""
    book = Book()
    assert book.route([change(Change.RESOLVED)], TREE, T0) == []
    book.take(book.route([change(Change.FIRED, level=Level.WARNING)], BY_LEVEL, T0))
    assert receivers(book.route([change(Change.RESOLVED)], BY_LEVEL, T0)) == ["team"]


def test_due_groups_come_earliest_first_and_in_portions() -> None:
    """What is due is found in order; a group that is not settled stays due."""
    book = Book()
    for number in range(3):
        book.take(book.route([change(Change.FIRED, f"A{number}")], TREE, T0 + timedelta(seconds=3 - number)))
    late = T0 + timedelta(seconds=10)
    assert book.next_due() == T0 + timedelta(seconds=1)
    assert book.take_due(T0, 9) == []
    names = [dict(group.key.labels)["alertname"] for group in book.take_due(late, 2)]
    assert names == ["A2", "A1"]
    assert [dict(group.key.labels)["alertname"] for group in book.take_due(late, 9)] == ["A2", "A1", "A0"]


def test_clock_that_is_set_back_delays_no_page() -> None:
    """A group that waits for half a minute waits no longer because the clock went back an hour meanwhile."""
    wait = Timers(wait=timedelta(seconds=30))
    book = Book()
    book.take(book.route([change(Change.FIRED)], Node(receiver="oncall", group_by=(), timers=wait), T0))
    back = T0 - timedelta(hours=1)
    assert book.take_due(T0, 9) == []
    assert book.take_due(back, 9) == []
    assert book.next_due() == back + wait.wait
    assert len(book.take_due(back + wait.wait, 9)) == 1


def test_settled_group_is_due_later() -> None:
    """After its flush a group is next due at the repeat interval."""
    book = Book()
    book.take(book.route([change(Change.FIRED)], TREE, T0))
    (group,) = book.take_due(T0, 9)
    book.take([book.settled(group, Notice.FIRST, T0)])
    assert book.take_due(T0, 9) == []
    assert book.next_due() == T0 + timedelta(hours=4)


def test_closed_group_lets_its_alerts_go() -> None:
    """When an incident is over, its alerts are held by nobody, and a new breach opens another."""
    book = Book()
    book.take(book.route([change(Change.FIRED)], TREE, T0))
    alert_id = change(Change.FIRED).alert.fingerprint
    (first,) = book.holding(alert_id)
    book.take([book.settled(first, Notice.ALL_RESOLVED, T0)])
    assert book.holding(alert_id) == ()
    assert book.next_due() is None
    book.take(book.route([change(Change.FIRED)], TREE, T0 + timedelta(seconds=1)))
    (second,) = book.holding(alert_id)
    assert second.incident != first.incident


def test_book_goes_on_from_what_was_kept() -> None:
    """A book made of stored groups knows holders and due times."""
    before = Book()
    before.take(before.route([change(Change.FIRED)], TREE, T0))
    after = Book(before.groups())
    assert after.holding(change(Change.FIRED).alert.fingerprint) == tuple(before.groups())
    assert after.next_due() == T0


def test_reroute_adds_new_receivers_and_ends_groups_of_gone_ones() -> None:
    """New configuration reaches alerts that are open; receivers that still exist keep theirs, routed or not."""
    book = Book()
    transition = change(Change.FIRED)
    book.take(book.route([transition], TREE, T0))
    member = member_now(transition.alert, {}, "", T0)
    night = Node(receiver="night", group_by=("alertname",))
    kept = book.reroute([member], night, frozenset({"oncall", "night"}), T0)
    assert [(one.group.key.receiver, one.closed) for one in kept] == [("night", False)]
    gone = book.reroute([member], night, frozenset({"night"}), T0)
    assert [(one.group.key.receiver, one.closed) for one in gone] == [("oncall", True), ("night", False)]
    assert book.reroute([member], TREE, frozenset({"oncall"}), T0) == []
