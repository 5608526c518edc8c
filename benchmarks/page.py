"""From an event to the pager: the time from its acknowledgement to PagerDuty's request, and the outbox's throughput.

The first runs the whole product in a process of its own, with 50 rules evaluated each second, and breaks a threshold
for a new series, hence a new group, at a random moment. The second lets many alerts change at once and drains the
outbox into a receiver in another process; its goal is for one core: CPU time tells where other work runs beside.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import orjson
from aiohttp import web
from prometheus_client import CollectorRegistry

from alerting.alert import Alert, Change, Evaluation, Level, State, Transition, labels_of
from alerting.dispatcher import Dispatcher, Equipment
from alerting.lane import ChannelKey
from alerting.memory.contract import Outcome
from alerting.memory.sqlite import SqliteMemory
from alerting.metrics import DispatchMetrics
from alerting.notify.pagerduty import PagerDuty, PagerDutyConfig
from alerting.notify.plugin import Deps
from alerting.routing.tree import Node
from alerting.send import Pace, Sender
from benchmarks.contract import Wish
from benchmarks.figures import Figure
from benchmarks.process import pin_load, sink, whole
from foundation.clock import SystemClock
from foundation.secret import Secret
from foundation.web import Address, Site

_KEY = "0" * 32
_RULES = 50
_PATIENCE_S = 15.0
_PAUSE_S = 0.02
_CONFIG = """
collector: {tokens: open}
store: {kind: embedded}
alerting: {rules: [rules.yml], notify: notify.yml}
"""
_RULE = """
  - alert: Slow{number}
    query: SELECT max(duration_ms) FROM http_request WHERE feature = 'f{number}' GROUP BY endpoint
    over: 30s
    every: 1s
    critical: "> 800"
"""
_NOTIFY = """
receivers: [{{name: oncall, pagerduty: [{{routing_key: "{key}", url: "{url}"}}]}}]
route: {{receiver: oncall, group_by: [alertname, endpoint]}}
"""


def measure(wish: Wish) -> Iterator[Figure]:
    """Breach to page, then throughput."""
    pin_load()
    yield from asyncio.run(_breach_to_page(10 if wish.quick else 100))
    with sink() as address:
        yield from asyncio.run(_throughput(f"http://{address}/v2/enqueue", 1_000 if wish.quick else 10_000))


class _Pager:
    """Takes every event; tells when the incident of each endpoint in `seen` was triggered."""

    def __init__(self) -> None:
        self.seen: dict[str, asyncio.Future[float]] = {}
        self.url = ""

    async def take(self, request: web.BaseRequest) -> web.StreamResponse:
        event = orjson.loads(await request.read())
        endpoint = event["payload"]["custom_details"].get("group", {}).get("endpoint", "")
        waiting = self.seen.get(endpoint)
        if waiting is not None and not waiting.done() and event["event_action"] == "trigger":
            waiting.set_result(time.perf_counter())
        return web.Response(status=202, body=b'{"status":"success"}')


@contextlib.asynccontextmanager
async def _pager() -> AsyncIterator[_Pager]:
    pager = _Pager()
    site = Site(web.Server(pager.take), Address.parse("127.0.0.1:0"))
    pager.url = (await site.start()).url
    try:
        yield pager
    finally:
        await site.stop()


async def _breach_to_page(rounds: int) -> list[Figure]:
    async with _pager() as pager:
        with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as name:
            folder = Path(name)
            rules = "".join(_RULE.format(number=number) for number in range(_RULES))
            (folder / "rules.yml").write_text(f"rules:{rules}", encoding="utf-8")
            (folder / "notify.yml").write_text(_NOTIFY.format(key=_KEY, url=pager.url), encoding="utf-8")
            with whole(folder, _CONFIG) as (address, _):
                waits = await _breaches(pager, f"http://{address}/api/v2/write?bucket=telemetry", rounds)
    return [
        Figure("event accepted to PagerDuty request, 50 rules, p99", _percentile(waits, 0.99), "s", "< 1.5 s"),
        Figure("event accepted to PagerDuty request, 50 rules, p50", statistics.median(waits), "s"),
        Figure("event accepted to PagerDuty request, 50 rules, worst", max(waits), "s"),
    ]


async def _breaches(pager: _Pager, url: str, rounds: int) -> list[float]:
    waits: list[float] = []
    async with aiohttp.ClientSession() as http:
        for number in range(-1, rounds):
            endpoint = f"/{number + 1}"
            pager.seen[endpoint] = asyncio.get_running_loop().create_future()
            line = f"http_request,feature=f{number % _RULES},endpoint={endpoint} duration_ms=900"
            async with http.post(url, data=line) as response:
                response.raise_for_status()
            accepted = time.perf_counter()
            async with asyncio.timeout(_PATIENCE_S):
                wait_s = await pager.seen[endpoint] - accepted
            if number >= 0:  # the first one finds no bucket and no table yet
                waits.append(wait_s)
            await asyncio.sleep(random.random())
    return waits


async def _throughput(url: str, incidents: int) -> list[Figure]:
    clock = SystemClock()
    metrics = DispatchMetrics(CollectorRegistry())
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as folder:
        memory = SqliteMemory(Path(folder) / "alerting.sqlite")
        await memory.open()
        sender = Sender(memory, clock=clock, metrics=metrics, luck=random.random, pace=Pace())
        dispatcher = Dispatcher(memory, sender, clock=clock, metrics=metrics)
        notifier = PagerDuty(PagerDutyConfig(routing_key=Secret(_KEY), url=url), Deps())
        tree = Node(receiver="oncall", group_by=("alertname", "endpoint"))
        channels = {ChannelKey("oncall", "pagerduty[0]"): notifier}
        await dispatcher.open(Equipment(tree=tree, receivers=frozenset({"oncall"}), notifiers=channels))
        storm = _storm(clock, incidents)
        started, spent = time.perf_counter(), time.process_time()
        loops = [asyncio.create_task(dispatcher.run()), asyncio.create_task(sender.run())]
        await dispatcher.record(storm, now=clock.now())
        recorded_s = time.perf_counter() - started
        await _until_marked(memory, 1)
        first_s = time.perf_counter() - started
        await _until_marked(memory, incidents)
        all_s, spent = time.perf_counter() - started, time.process_time() - spent
        for loop in loops:
            loop.cancel()
        await asyncio.gather(*loops, return_exceptions=True)
        await memory.close()
    return [
        Figure(f"{incidents} alerts change at once: state stored", recorded_s, "s", "< 2 s"),
        Figure(f"{incidents} alerts change at once: first notification out", first_s, "s", "< 2 s"),
        Figure("outbox to a local receiver", incidents / all_s, "notifications/s", ">= 2 000"),
        Figure("the same in a second of CPU time", incidents / spent, "notifications/s", ">= 2 000"),
    ]


async def _until_marked(memory: SqliteMemory, count: int) -> None:
    """Until so many messages are marked as sent."""
    while await memory.count(Outcome.SENT) < count:  # noqa: ASYNC110 - the file is measured as it is, it calls nobody
        await asyncio.sleep(_PAUSE_S)


def _storm(clock: SystemClock, count: int) -> Evaluation:
    now = clock.now()
    alerts = [
        Alert(
            rule="Slow",
            labels=labels_of({"alertname": "Slow", "endpoint": f"/{number}"}),
            state=State.FIRING,
            level=Level.CRITICAL,
            value=900.0,
            since=now,
            fired_at=now,
        )
        for number in range(count)
    ]
    fired = (
        Transition(
            alert=alert,
            before=State.INACTIVE,
            change=Change.FIRED,
            at=now,
            reason="900 > 800",
            annotations={"summary": "checkout is slow"},
        )
        for alert in alerts
    )
    return Evaluation(rule="Slow", at=now, saved=tuple(alerts), transitions=tuple(fired))


def _percentile(values: list[float], share: float) -> float:
    ordered = sorted(values)
    return ordered[min(int(share * len(ordered)), len(ordered) - 1)]
