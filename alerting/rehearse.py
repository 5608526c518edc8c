"""`tocsin rule test`: unit tests of rules, through the query, the watch and the table that page in production.

    cases file -> samples into an embedded store of its own -> ask, decide, accept at every evaluation -> compare

The front door calls `run` and prints `Report.lines`. Time is made up: time 0 of a test is `ZERO`, nothing waits.
"""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from isal import igzip
from prometheus_client import CollectorRegistry

from alerting.alert import Alert, Labels, State
from alerting.inquiry import ask
from alerting.rules import composite
from alerting.rules.cases import AlertTest, CasesFile, InputSeries, Test, read_cases
from alerting.rules.filters import show
from alerting.rules.load import load
from alerting.rules.query import nanoseconds
from alerting.rules.rule import Rule
from alerting.rules.when import When
from alerting.watch import Watch, words_of
from foundation import durations
from foundation.batch import Position, Shipment
from foundation.clock import Clock
from foundation.decoding import nearest
from foundation.errors import ConfigError, TocsinError
from store.catalog import build
from store.contract import Store
from store.embedded.store import EmbeddedConfig

ZERO = datetime(2000, 1, 1, tzinfo=UTC)
"""Time 0 of a test; a multiple of every `every` that divides a day."""
_INTERVAL = timedelta(minutes=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One `alert_rule_test` and what was wrong with it; nothing, if it passed."""

    file: str
    test: str
    alertname: str
    eval_time: timedelta
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What came of all files. `unreadable` holds a sentence for each fault in a file."""

    checks: tuple[Check, ...] = ()
    unreadable: tuple[str, ...] = ()

    @property
    def failed(self) -> tuple[Check, ...]:
        """The checks that did not pass."""
        return tuple(check for check in self.checks if check.faults)

    @property
    def lines(self) -> tuple[str, ...]:
        """The report for people."""
        return tuple(self._lines())

    def _lines(self) -> Iterator[str]:
        for file in dict.fromkeys(check.file for check in self.checks):
            own = [check for check in self.checks if check.file == file]
            failed = [check for check in own if check.faults]
            yield f"{file}: {len(own) - len(failed)} of {len(own)} passed"
            for check in failed:
                yield f"  FAILED {check.test}: {check.alertname} at {durations.render(check.eval_time)}"
                yield from (f"    {fault}" for fault in check.faults)
        yield from self.unreadable


@dataclass(frozen=True, slots=True)
class _Stage:
    """Where one test plays: its series in a bucket of its own."""

    store: Store
    bucket: str
    test: Test
    interval: timedelta

    @property
    def has_samples(self) -> bool:
        """Whether there is anything to ask for."""
        return any(isinstance(sample, float) for series in self.test.input_series for sample in series.samples)

    async def set(self) -> tuple[str, ...]:
        """Write every sample; what the store refuses, as faults."""
        lines = [line for series in self.test.input_series for line in _lines(series, self.interval)]
        if not lines:
            return ()
        body = b"".join(line + b"\n" for line in lines)
        shipment = Shipment(self.bucket, igzip.compress(body, 1), len(lines))
        verdict = await self.store.write(shipment, Position("rehearsal", self.bucket, len(body)))
        return tuple(f"the series cannot be stored: {refused.reason}" for refused in verdict.refused[:1])

    def has_ended(self, rule: Rule, labels: Labels, at: timedelta) -> bool:
        """Whether all series that feed an alert have said `stale`."""
        own = {name: value for name, value in labels if name not in rule.labels and name != "alertname"}
        keys = own.keys() if rule.grouped_by is None else set(rule.grouped_by) - set(rule.labels)
        feeds = [
            series
            for series in self.test.input_series
            if all(series.tags.get(key, "") == own.get(key, "") for key in keys)
        ]
        return bool(feeds) and all(series.ends(at // self.interval) for series in feeds)


@dataclass(frozen=True, slots=True)
class _Script:
    """A readable file of tests, with the rules that it tests."""

    file: Path
    cases: CasesFile
    rules: Mapping[str, Rule]


async def run(files: Sequence[Path], *, env: Mapping[str, str], clock: Clock) -> Report:
    """Run the tests of every file. Raises nothing that a file can cause."""
    scripts: list[_Script] = []
    unreadable: list[str] = []
    for file in files:
        try:
            cases = read_cases(file, env)
            scripts.append(_Script(file, cases, {rule.alert: rule for rule in load(cases.rule_files, env)}))
        except ConfigError as error:
            unreadable += error.problems
    checks: list[Check] = []
    if scripts:
        with tempfile.TemporaryDirectory(prefix="tocsin-rule-test-") as folder:
            store = build(EmbeddedConfig(), state=Path(folder), clock=clock, registry=CollectorRegistry())
            await store.open()
            try:
                for number, script in enumerate(scripts):
                    checks += [check async for check in _run_script(script, store, f"file{number}")]
            finally:
                await store.close()
    return Report(checks=tuple(checks), unreadable=tuple(unreadable))


async def _run_script(script: _Script, store: Store, prefix: str) -> AsyncIterator[Check]:
    for number, test in enumerate(script.cases.tests):
        pace = test.interval or script.cases.evaluation_interval or _INTERVAL
        stage = _Stage(store, f"{prefix}-{number}", test, pace)
        refused = await stage.set()
        wanted = sorted(test.alert_rule_test, key=lambda check: check.eval_time)
        for alertname in dict.fromkeys(check.alertname for check in wanted):
            rule = script.rules.get(alertname)
            own = [check for check in wanted if check.alertname == alertname]
            results: list[tuple[AlertTest, tuple[str, ...]]]
            if refused:
                results = [(check, refused) for check in own]
            elif rule is None:
                results = [(check, (f"no rule has this name{nearest(alertname, script.rules)}",)) for check in own]
            else:
                results = [pair async for pair in _play(stage, _cast(rule, script, stage.bucket), own)]
            for check, faults in results:
                yield Check(
                    file=str(script.file),
                    test=test.name or f"tests[{number}]",
                    alertname=alertname,
                    eval_time=check.eval_time,
                    faults=faults,
                )


def _lines(series: InputSeries, interval: timedelta) -> Iterator[bytes]:
    for number, sample in enumerate(series.samples):
        if isinstance(sample, float):
            yield series.line(sample, nanoseconds(ZERO + interval * number))


def _cast(rule: Rule, script: _Script, bucket: str) -> list[Rule]:
    """The rule, behind those that it asks for, at the pace of the tests, reading what the test has written."""
    pace = script.cases.evaluation_interval
    return [
        replace(one, every=pace or one.every, bucket=bucket).placed(one.file)
        for one in composite.in_order(rule, script.rules)
    ]


async def _play(
    stage: _Stage, rules: Sequence[Rule], wanted: Sequence[AlertTest]
) -> AsyncIterator[tuple[AlertTest, tuple[str, ...]]]:
    """Evaluate `rules` from 0 on; at each check, in order of time, say what is not as expected of the last of them."""
    watches = {rule.alert: Watch(rule, is_primed=True) for rule in rules}
    watch, pace = watches[rules[-1].alert], min(rule.every for rule in rules)
    at = timedelta(0)
    for check in wanted:
        while at <= check.eval_time:
            for one in watches.values():
                if at % one.rule.every == timedelta(0):
                    await _evaluate(stage, one, watches, at)
            at += pace
        error = watch.status.error
        yield check, (f"the rule cannot be evaluated: {error}",) if error else tuple(_faults(check, watch))


async def _evaluate(stage: _Stage, watch: Watch, watches: Mapping[str, Watch], at: timedelta) -> None:
    moment, plan = ZERO + at, watch.rule.recipe
    try:
        if isinstance(plan, When):
            values = plan.values({name: watches[name].standing for name in plan.rules})
        else:
            values = await ask(stage.store, plan, moment) if stage.has_samples else {}
            for labels in watch.alerts.keys() - {watch.rule.identity(series) for series in values}:
                if stage.has_ended(watch.rule, labels, at):
                    watch.forget(labels)
        watch.accept(watch.decide(values, moment, behind=False))
    except (TocsinError, TimeoutError) as error:
        watch.fail(str(error) or "the store did not answer in time", moment)


def _faults(check: AlertTest, watch: Watch) -> Iterator[str]:
    firing = {_labels(alert): alert for alert in watch.active if alert.state is State.FIRING}
    expected = {_sorted(alert.labels(check.alertname)): alert for alert in check.exp_alerts}
    for labels in sorted(expected.keys() - firing.keys()):
        yield f"expected, but not firing: {_told(labels)}{_instead(watch, labels)}"
    for labels in sorted(firing.keys() - expected.keys()):
        yield f"firing, but not expected: {_told(labels)}, value {show(firing[labels].value)}"
    for labels in sorted(expected.keys() & firing.keys()):
        wanted = expected[labels].exp_annotations
        if wanted is not None:
            yield from _misworded(labels, wanted, words_of(watch.rule, firing[labels]))


def _misworded(labels: Labels, wanted: Mapping[str, str], found: Mapping[str, str]) -> Iterator[str]:
    for name in sorted(wanted.keys() | found.keys()):
        if wanted.get(name) != found.get(name):
            yield f"{name} of {_told(labels)}: expected {wanted.get(name)!r}, found {found.get(name)!r}"


def _instead(watch: Watch, labels: Labels) -> str:
    """What is known about an alert that should fire and does not."""
    wanted = tuple(pair for pair in labels if pair[0] != "severity")
    alert = watch.alerts.get(wanted)
    if alert is None:
        known = ", ".join(sorted(_told(_labels(other)) for other in watch.active))
        return f"; active are: {known}" if known else "; no alert of this rule is active"
    level = f" as {alert.level.severity}" if alert.state is State.FIRING else ""
    return f"; it is {alert.state}{level}, value {show(alert.value)}"


def _labels(alert: Alert) -> Labels:
    return _sorted({**dict(alert.labels), "severity": alert.level.severity})


def _sorted(labels: Mapping[str, str]) -> Labels:
    return tuple(sorted((name, value) for name, value in labels.items() if value != ""))


def _told(labels: Labels) -> str:
    return "{" + ", ".join(f"{name}={value!r}" for name, value in labels) + "}"
