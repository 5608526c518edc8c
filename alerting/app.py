"""Composition root of alerting: rules and notify.yml in, a running evaluator, dispatcher, sender and API out.

The front door builds one `Alerting` and calls `start`, `prepare` and `stop`. The invariant: configuration with an error
is never taken up; the one before stays in force, and the error is logged, counted and shown.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import aiohttp
from prometheus_client import CollectorRegistry

from alerting.account_route import AccountRoute
from alerting.acknowledging import Acknowledging
from alerting.admission import Admission
from alerting.alert import Alert
from alerting.api import Api, ConfigStatus
from alerting.config import AlertingConfig, HeartbeatConfig
from alerting.contract import Lag
from alerting.dispatcher import Dispatcher
from alerting.equipping import Armory
from alerting.evaluator import Evaluator
from alerting.events import EventLog, Publish
from alerting.files import Contents, Files
from alerting.front_door import FrontDoor
from alerting.heartbeat import Heartbeat
from alerting.lag import CollectorElsewhere, CollectorHere, NeverBehind
from alerting.memory.contract import MemoryFailed
from alerting.memory.sqlite import SqliteMemory
from alerting.metrics import ConfigMetrics, DispatchMetrics, EvaluatorMetrics, EventMetrics, HeartbeatMetrics
from alerting.reach import Reach
from alerting.self_watch import SelfWatch
from alerting.send import Pace, Sender
from alerting.silencing import Silencing
from foundation.clock import Clock
from foundation.errors import ConfigError
from foundation.lifecycle import OnIncident, TakeUp, Tasks
from foundation.logs import logger
from foundation.standing import Standing
from foundation.tls import Trust
from foundation.web import Address, Listening, Site
from store.contract import Reader

_log = logger("alerting.app")
_LOOK_S = 1.0
_REST_S, _GRACE_S = 0.4, 0.5
FILE = "alerting.sqlite"


class Alerting:
    """The role. `lag`: how old, in seconds, the oldest line is that a collector in this process has not delivered yet;
    None: asked over HTTP at `config.collector`, if that is given. `publish` takes the history of alerts (else the
    collector does). `standing`: how the configuration of the process stands, for the status. `trust`: whose certificate
    the collector's may be.
    """

    name = "alerting"

    def __init__(  # noqa: PLR0913 - the front door hands over each collaborator by name
        self,
        config: AlertingConfig,
        reader: Reader,
        *,
        lag: Callable[[], float] | None,
        state: Path,
        clock: Clock,
        registry: CollectorRegistry,
        on_incident: OnIncident,
        env: Mapping[str, str],
        console_url: str = "",
        standing: Standing | None = None,
        publish: Publish | None = None,
        luck: Callable[[], float] = random.random,
        listening: Listening | None = None,
        trust: Trust = True,
    ) -> None:
        self._config = config
        self._listening = listening
        self._trust = trust
        self._reader = reader
        self._lag = lag
        self._clock = clock
        self._registry = registry
        self._publish = publish
        self._env = env
        self._files = Files(config, env)
        self._armory = Armory()
        self._memory = SqliteMemory(state / FILE)
        self._metrics = DispatchMetrics(registry)
        self._files_metrics = ConfigMetrics(registry)
        self._sender = Sender(self._memory, clock=clock, metrics=self._metrics, luck=luck, pace=Pace())
        self._url = _page(console_url)
        self._tasks = Tasks(on_incident)
        self._status = ConfigStatus(
            started_at=clock.now(), loaded_at=clock.now(), process=standing if standing is not None else Standing()
        )
        self._reloading = asyncio.Lock()
        self._session: aiohttp.ClientSession | None = None
        self._site: Site | None = None
        self._evaluator: Evaluator | None = None
        self._dispatcher: Dispatcher | None = None
        self._front_door: FrontDoor | None = None
        self._elsewhere: CollectorElsewhere | None = None

    async def start(self) -> str:
        """Read the files, open the memory, go on where it stands; returns the address really bound."""
        contents = await asyncio.to_thread(self._files.read)
        await self._memory.open()
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=self._trust))
        events = self._event_log(self._session)
        dispatcher = Dispatcher(
            self._memory, self._sender, clock=self._clock, metrics=self._metrics, events=events, url=self._url
        )
        kept = await dispatcher.open(self._armory.equip(contents.notify, contents.calendars))
        reach = Reach(alert for alert in kept.values() if alert.rule == Reach.RULE)
        others = {alert_id: alert for alert_id, alert in kept.items() if alert.rule != Reach.RULE}
        evaluator = self._evaluate(contents, others, dispatcher, self._session)
        self._dispatcher, self._evaluator = dispatcher, evaluator
        self._taken_up(contents)
        if contents.notify is None:
            _log.warning("no notify file is configured: alerts are kept and shown, nobody is told")
        loops = {"send": self._sender.run(), "flush": dispatcher.run(), "evaluate": evaluator.run()}
        loops["reach"] = SelfWatch(
            reach, self._sender.health, recorder=dispatcher, clock=self._clock, metrics=self._metrics
        ).run()
        loops |= {"files": self._follow_files()} | ({"events": events.run()} if events is not None else {})
        if self._config.heartbeat is not None:
            loops["heartbeat"] = self._heartbeat(self._config.heartbeat, evaluator).run()
        for name, loop in loops.items():
            _ = self._tasks.spawn(loop, f"alerting.{name}")
        return await self._serve(evaluator, dispatcher, reach)

    async def stop(self) -> None:
        """Stop answering, deciding and sending; what waits stays in the file."""
        if self._site is not None:
            await self._site.stop()
        await self._sender.rest(_REST_S)
        await self._tasks.stop(_GRACE_S)
        await self._memory.close(clean=not self._sender.was_cut_off)
        if self._session is not None:
            await self._session.close()

    async def prepare(self, config: AlertingConfig, *, console_url: str = "") -> TakeUp:
        """Look at a new section, in which what is FIXED is as it was, and at its files where it names others.

        Raises ConfigError, and nothing has changed.
        """
        files = self._files
        if (config.rules, config.notify) != (self._config.rules, self._config.notify):
            files = Files(config, self._env)
            _ = await asyncio.to_thread(files.read)
        return partial(self._adopt, config, files, console_url)

    async def _adopt(self, config: AlertingConfig, files: Files, console_url: str) -> None:
        async with self._reloading:
            self._config, self._files = config, files
            if self._front_door is not None:
                self._front_door.point_at(config.collector, config.token)
            if self._elsewhere is not None:
                self._elsewhere.point_at(config.collector)
            if self._dispatcher is not None:
                self._dispatcher.link_to(_page(console_url))
        await self.reload()

    async def reload(self) -> None:
        """Take up the files again. With an error in them everything stays as it is."""
        if self._evaluator is None or self._dispatcher is None:
            return
        async with self._reloading:
            try:
                contents = await asyncio.to_thread(self._files.read)
                await self._dispatcher.equip(self._armory.equip(contents.notify, contents.calendars))
                await self._evaluator.replace(contents.rules)
            except (ConfigError, MemoryFailed) as error:
                if isinstance(error, MemoryFailed):
                    self._files.look_again()
                self._status.errors = tuple(str(error).splitlines())
                self._files_metrics.config_ok.set(0)
                _log.error("configuration not taken up, the one before stays in force", problems=str(error))
            else:
                self._taken_up(contents)
                _log.info("configuration taken up", rules=len(contents.rules), receivers=len(self._status.receivers))

    async def _follow_files(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_S)
            if await asyncio.to_thread(self._files.changed):
                await self.reload()

    def _taken_up(self, contents: Contents) -> None:
        self._status.loaded_at = self._clock.now()
        self._status.errors = ()
        self._status.rules = self._files.rule_files()
        self._status.notify = str(self._config.notify) if self._config.notify else None
        self._status.receivers = tuple(one.name for one in contents.notify.receivers) if contents.notify else ()
        self._files_metrics.config_ok.set(1)

    def _evaluate(
        self, contents: Contents, kept: Mapping[str, Alert], dispatcher: Dispatcher, session: aiohttp.ClientSession
    ) -> Evaluator:
        return Evaluator(
            contents.rules,
            kept,
            reader=self._reader,
            recorder=dispatcher,
            lag=self._lag_of(session),
            clock=self._clock,
            metrics=EvaluatorMetrics(self._registry),
        )

    def _heartbeat(self, config: HeartbeatConfig, evaluator: Evaluator) -> Heartbeat:
        return Heartbeat(
            config,
            self._memory,
            statuses=evaluator.statuses,
            oldest_s=self._sender.oldest_s,
            clock=self._clock,
            metrics=HeartbeatMetrics(self._registry),
        )

    def _event_log(self, session: aiohttp.ClientSession) -> EventLog | None:
        publish = self._publish
        if publish is None and self._config.collector:
            self._front_door = FrontDoor(self._config.collector, self._config.token, session)
            publish = self._front_door.publish
        return EventLog(publish, EventMetrics(self._registry)) if publish is not None else None

    def _lag_of(self, session: aiohttp.ClientSession) -> Lag:
        if self._lag is not None:
            return CollectorHere(self._lag)
        if not self._config.collector:
            return NeverBehind()
        self._elsewhere = CollectorElsewhere(self._config.collector, session, self._clock)
        return self._elsewhere

    async def _serve(self, evaluator: Evaluator, dispatcher: Dispatcher, reach: Reach) -> str:
        address = Address.parse(self._config.listen)
        admission = Admission(token=self._config.admin_token, demands_token=not address.loopback)
        silencing = Silencing(dispatcher, self._clock, admission)
        acknowledging = Acknowledging(dispatcher, lambda: (*evaluator.alerts(), *reach.active), admission)
        accounts = AccountRoute(evaluator.statuses, dispatcher, self._memory, self._clock)
        api = Api(
            evaluator,
            dispatcher,
            self._sender,
            self._memory,
            config=self._status,
            clock=self._clock,
            registry=self._registry,
            about_notifiers=lambda: reach.active,
            routes=(*silencing.routes(), *acknowledging.routes(), *accounts.routes()),
        )
        self._site = Site(api.app(), address, listening=self._listening, shutdown_s=_REST_S)
        return str(await self._site.start())


def _page(console_url: str) -> str:
    """Where the console shows alerts; empty without a console."""
    return f"{console_url.rstrip('/')}/alerts" if console_url else ""
