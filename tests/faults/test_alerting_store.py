"""The store is away, slow, wrong or empty for an hour: what alerts do meanwhile, and what people hear of it."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from alerting.alert import RULE_BLIND
from alerting.rules.policy import Missing
from alerting.rules.rule import Rule
from store.contract import Series, StatementResult
from store.errors import QueryLimitExceeded, QuerySyntaxError, StoreTimedOut, StoreUnavailable
from store.wire import read_results
from tests.alerting.alarm import VIRTUAL, Alarm, a_rule, alarm
from tests.alerting.desk import ONCALL, equipment
from tests.fakes.pager import Pager
from tests.fakes.reader import Answer, FakeReader, FaultyReader, dawdle

pytestmark = VIRTUAL

START = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
AWAY_AT, BACK_AT = START + 10 * MINUTE, START + 10 * MINUTE + HOUR
Results = tuple[StatementResult, ...]


async def refused() -> Results:
    raise StoreUnavailable("connection refused")


async def timed_out() -> Results:
    await dawdle(5)
    raise StoreTimedOut("no answer within 5 s")


async def hangs() -> Results:
    await dawdle(HOUR.total_seconds())
    raise AssertionError("nobody waits for so long")


async def stopped() -> Results:
    raise QueryLimitExceeded("query timeout")


async def does_not_understand() -> Results:
    raise QuerySyntaxError("error parsing query: found MEAN, expected SELECT")


async def breaks() -> Results:
    raise KeyError("a bug in a store")


async def garbage() -> Results:
    return read_results(b"<html>Bad gateway</html>")


async def cut_short() -> Results:
    return read_results(b'{"results":[{"statement_id":0,"series":[{"name":"m","col')


async def no_results() -> Results:
    return read_results(b'{"results":[]}')


async def error_alone() -> Results:
    return read_results(b'{"error":"engine: shard is disabled"}')


async def error_in_the_statement() -> Results:
    return read_results(b'{"results":[{"statement_id":0,"error":"shard is disabled"}]}')


async def truncated() -> Results:
    return read_results(
        b'{"results":[{"statement_id":0,"series":[{"name":"m","tags":{"host":"else"},"columns":["time","mean"],'
        b'"values":[[1,1]],"partial":true}]}]}'
    )


async def text() -> Results:
    return (StatementResult(0, (Series("m", ("time", "mean"), [[1, "high"]], {"host": "a"}),)),)


async def other_columns() -> Results:
    return (StatementResult(0, (Series("m", ("time", "min", "max"), [[1, 1, 2]], {"host": "a"}),)),)


async def no_such_bucket() -> Results:
    return (StatementResult(0, error="database not found: telemetry"),)


async def nothing() -> Results:
    return (StatementResult(0),)


FAULTS = (
    refused,
    timed_out,
    hangs,
    stopped,
    does_not_understand,
    breaks,
    garbage,
    cut_short,
    no_results,
    error_alone,
    error_in_the_statement,
    truncated,
    text,
    other_columns,
    no_such_bucket,
)
RULES = tuple(
    a_rule(
        f"{missing}{'-counted' if datapoints else ''}",
        every=timedelta(seconds=30),
        over=timedelta(seconds=30),
        for_=5 * MINUTE,
        keep_firing_for=5 * MINUTE,
        missing=missing,
        datapoints=datapoints,
    )
    for missing in Missing
    for datapoints in (None, "2 of 3")
)


def before(at: datetime) -> Answer:
    """`bad` fires, `good` never does, `late` turns bad and `calm` turns good two minutes before the fault."""
    turned = at >= AWAY_AT - 2 * MINUTE
    return {"bad": 95.0, "good": 5.0, "late": 95.0 if turned else 5.0, "calm": 5.0 if turned else 95.0}


def states(it: Alarm) -> Mapping[str, Mapping[str, str]]:
    """By host, then by rule: the state of each alert that is active."""
    found: dict[str, dict[str, str]] = {}
    for name, state in it.states().items():
        rule, _, host = name.partition("/")
        found.setdefault(host, {})[rule] = state
    return found


def everywhere(state: str, rules: tuple[Rule, ...] = RULES) -> Mapping[str, str]:
    return {rule.alert: state for rule in rules}


def ended(at: datetime) -> Answer:
    """After everything: all is well."""
    return dict.fromkeys(before(at), 5.0)


async def test_without_a_fault_every_rule_sees_the_same(tmp_path: Path) -> None:
    """The story that the faults interrupt: what is late fires, what is calm resolves, nobody is told of blindness."""
    pager, store = Pager(), FaultyReader(before)
    async with alarm(tmp_path / "a.sqlite", RULES, store, equipment({ONCALL: pager})) as it:
        await it.until(BACK_AT)
        assert states(it) == {"bad": everywhere("firing"), "late": everywhere("firing")}
        store.answer = ended
        await it.rest(minutes=20)
        assert (pager.is_open(), pager.stray) == ([], [])
        assert {name for name, _ in pager.story()} == {rule.alert for rule in RULES}


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_store_that_fails_for_an_hour_changes_nothing_and_is_one_notice(
    tmp_path: Path, fault: Callable[[], Awaitable[Results]]
) -> None:
    """No alert moves while nobody can see; one notice says so and ends when it is over; timers go on from where they
    began.
    """
    pager, store = Pager(), FaultyReader(before)
    async with alarm(tmp_path / "a.sqlite", RULES, store, equipment({ONCALL: pager})) as it:
        await it.until(AWAY_AT - timedelta(seconds=1))
        known, said = states(it), len(pager.heard)
        assert known == {
            "bad": everywhere("firing"),
            "late": everywhere("pending"),
            "calm": everywhere("firing"),
        }
        store.fault = fault
        await it.until(BACK_AT - timedelta(seconds=1))
        assert states(it) == {**known, "": {RULE_BLIND: "firing"}}
        ((_, notice),) = pager.heard[said:]
        assert (notice.group_labels["alertname"], notice.severity) == (RULE_BLIND, "critical")
        assert notice.alerts[0].summary == "8 of 8 rules cannot be evaluated; their alerts keep their state"
        store.fault = None
        await it.until(BACK_AT + timedelta(seconds=45))
        assert states(it) == {"bad": everywhere("firing"), "late": everywhere("firing")}
        assert [one.change for one in await it.story(RULE_BLIND)] == ["pending", "fired", "resolved"]
        assert [status.value for _, status in pager.told(RULE_BLIND)] == ["firing", "resolved"]
        store.answer = ended
        await it.rest(minutes=20)
        assert (pager.is_open(), pager.stray) == ([], [])


@pytest.mark.parametrize("counted", [False, True], ids=["each counts", "2 of 3"])
async def test_a_store_that_is_empty_for_an_hour_is_what_each_rule_says_of_gaps(
    tmp_path: Path, *, counted: bool
) -> None:
    """`keep` holds, and no timer ends; `ok` resolves; `alert` fires; `missing` says once that data is gone and
    resolves nothing. Nobody is told of blindness, since there is an answer.
    """
    rules = tuple(rule for rule in RULES if (rule.datapoints is not None) is counted)
    keep, _, alert, missing = (rule.alert for rule in rules)
    pager, store = Pager(), FaultyReader(before)
    async with alarm(tmp_path / "a.sqlite", rules, store, equipment({ONCALL: pager})) as it:
        await it.until(AWAY_AT - timedelta(seconds=1))
        store.fault = nothing
        await it.until(BACK_AT - timedelta(seconds=1))
        assert states(it) == {
            "bad": {keep: "firing", alert: "firing", missing: "no-data"},
            "good": {alert: "firing"},
            "late": {keep: "pending", alert: "firing"},
            "calm": {keep: "firing", alert: "firing", missing: "no-data"},
        }
        changes = [
            one.change for one in await it.story(missing) if one.labels == (("alertname", missing), ("host", "bad"))
        ]
        assert changes == ["pending", "fired", "data-lost"]
        store.fault = None
        await it.rest(minutes=10)
        assert states(it) == {"bad": everywhere("firing", rules), "late": everywhere("firing", rules)}
        store.answer = ended
        await it.rest(minutes=20)
        assert (pager.is_open(), pager.stray, pager.told(RULE_BLIND)) == ([], [], [])


async def test_a_store_that_answers_now_and_then_is_no_storm(tmp_path: Path) -> None:
    """For an hour every third query is answered: no alert moves for the others, and the notices stay few."""
    pager, store, asked = Pager(), FaultyReader(before), 0

    async def now_and_then() -> Results:
        nonlocal asked
        asked += 1
        if asked % 3:
            raise StoreUnavailable("connection refused")
        return await FakeReader(before).query(store.text, "telemetry")

    async with alarm(tmp_path / "a.sqlite", RULES[:1], store, equipment({ONCALL: pager})) as it:
        await it.until(AWAY_AT - timedelta(seconds=1))
        store.fault = now_and_then
        await it.until(BACK_AT)
        seen = everywhere("firing", RULES[:1])
        assert states(it) == {"bad": seen, "late": seen, "": {RULE_BLIND: "firing"}}
        assert [status.value for _, status in pager.told(RULE_BLIND)] == [*["firing", "resolved"] * 2, "firing"]
        last = next(message for _, message in reversed(pager.heard) if message.group_labels["alertname"] == RULE_BLIND)
        assert last.alerts[0].summary.endswith("; this comes and goes")
        store.fault = None
        await it.rest(minutes=31)
        assert pager.told(RULE_BLIND)[-1][1].value == "resolved"
