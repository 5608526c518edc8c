"""A receiver is in trouble for an hour: what it hears late, what others hear meanwhile, and that nobody hears twice."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alerting.alert import NOTIFICATIONS_FAILING
from alerting.dispatcher import Equipment
from alerting.fallback import WHY, Fallback
from alerting.lane import ChannelKey
from alerting.memory.contract import Outcome, Suppression
from alerting.notify.contract import Status, Unanswered, Unreachable
from alerting.notify.render import body
from alerting.routing.tree import Node
from tests.alerting.alarm import VIRTUAL, a_rule, alarm
from tests.alerting.desk import ONCALL
from tests.fakes.pager import Pager
from tests.fakes.reader import Answer, FakeReader, dawdle

pytestmark = VIRTUAL

START = datetime(2026, 1, 1, tzinfo=UTC)
HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)
STORM_AT, OVER_AT = START + 10 * MINUTE, START + 10 * MINUTE + HOUR
OPS, MAIL = ChannelKey("ops", "slack[0]"), ChannelKey("mail", "email[0]")
PASSED_ON = 10 * MINUTE


async def throttled() -> None:
    raise Unreachable("status 429", retry_after_s=120.0)


async def broken() -> None:
    raise Unanswered("status 503")


async def hangs() -> None:
    await dawdle(HOUR.total_seconds())


async def refuses_the_connection() -> None:
    raise Unreachable("connection refused")


def equipped(pager: Pager, ops: Pager, mail: Pager) -> Equipment:
    """Everything goes to `oncall`, whose fallback is `mail`, and to `ops`."""
    by = ("alertname", "host")
    children = (Node(receiver="ops", group_by=by, goes_on=True), Node(receiver="oncall", group_by=by))
    return Equipment(
        tree=Node(receiver="oncall", group_by=by, children=children),
        receivers=frozenset({"oncall", "ops", "mail"}),
        fallbacks={"oncall": Fallback("mail", PASSED_ON)},
        notifiers={ONCALL: pager, OPS: ops, MAIL: mail},
    )


def world(at: datetime) -> Answer:
    """`before` fires before the storm and ends in it; every five minutes of it one fires that lasts seven minutes
    (`short`), and one that lasts until after it (`long`).
    """
    found = {"before": (START + 5 * MINUTE, STORM_AT + 20 * MINUTE)}
    for number in range(10):
        begins = STORM_AT + (2 + 5 * number) * MINUTE
        found[f"short{number}"] = (begins, begins + 7 * MINUTE)
        found[f"long{number}"] = (begins, OVER_AT + 20 * MINUTE)
    return {host: 95.0 if begins <= at < ends else 5.0 for host, (begins, ends) in found.items()}


def hosts(pager: Pager, status: Status) -> list[str]:
    """The hosts of what was heard, in order."""
    found = ((message.group_labels.get("host"), message.status) for _, message in pager.heard)
    return [host for host, told in found if host and told is status]


LONG = [f"long{number}" for number in range(10)]
SHORT = [f"short{number}" for number in range(10)]


@pytest.mark.parametrize(
    ("trouble", "may_have_arrived", "most_tries"),
    [(throttled, False, 40), (broken, True, 250), (hangs, True, 150), (refuses_the_connection, False, 250)],
)
async def test_an_hour_of_trouble_is_late_once_and_in_order(
    tmp_path: Path, trouble: Callable[[], Awaitable[None]], *, may_have_arrived: bool, most_tries: int
) -> None:
    """What still burns is told once when it is over, saying how late it is; what ended before it was told pages
    nobody; others hear everything at once, the fallback after its time, and people of the trouble itself.
    """
    pager, ops, mail = Pager(), Pager(), Pager()
    async with alarm(tmp_path / "a.sqlite", [a_rule()], FakeReader(world), equipped(pager, ops, mail)) as it:
        circuit = ("tocsin_alerting_circuit_open", {"receiver": ONCALL.receiver, "notifier": ONCALL.notifier})
        await it.until(STORM_AT)
        pager.trouble = trouble
        await it.until(OVER_AT - SECOND)
        assert it.desk.count(circuit[0], **circuit[1]) == 1
        assert hosts(pager, Status.FIRING) == ["before"]
        assert len(pager.tried) <= most_tries
        pager.trouble = None
        await it.until(OVER_AT + 15 * MINUTE)
        assert it.desk.count(circuit[0], **circuit[1]) == 0

        late = [(at, message) for at, message in pager.heard if message.group_labels.get("host") in LONG]
        assert sorted(message.group_labels["host"] for _, message in late) == LONG
        assert all(" late: it was decided at " in body(message, at) for at, message in late)
        await it.rest(minutes=30)
        assert pager.is_open() == ops.is_open() == mail.is_open() == []
        assert sorted(hosts(pager, Status.FIRING)) == ["before", *LONG]
        called_off = hosts(pager, Status.RESOLVED)
        assert {"before", *LONG} <= set(called_off) <= {"before", *LONG, *(SHORT if may_have_arrived else ())}

        assert sorted(hosts(ops, Status.FIRING)) == sorted(["before", *LONG, *SHORT])
        assert max(at - message.decided_at for at, message in ops.heard) < SECOND
        assert hosts(mail, Status.FIRING) == LONG
        passed_on = [(at, one) for at, one in mail.heard if one.why == WHY and "host" in one.group_labels]
        waited = [at - one.decided_at for at, one in passed_on]
        assert min(waited) >= PASSED_ON
        assert max(waited) < PASSED_ON + 10 * SECOND
        assert [one.change for one in await it.story(NOTIFICATIONS_FAILING)] == ["fired", "resolved"]
        assert [status for _, status in ops.told(NOTIFICATIONS_FAILING)] == [Status.FIRING, Status.RESOLVED]
        assert await it.desk.memory.count(Outcome.PENDING) == 0
        held = {row.reason for row in await it.desk.memory.notifications(Outcome.SUPPRESSED)}
        assert held <= set(Suppression)
