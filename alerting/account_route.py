"""`GET /api/v1/alerts/{id}/account`: gathers what `account` needs. Served by `api`."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from alerting.account import Evidence, Holding, account
from alerting.dispatcher import Dispatcher
from alerting.memory.contract import Memory
from alerting.watch import RuleStatus
from foundation.clock import Clock
from foundation.web import answer

_MOST_ENTRIES = 20


class AccountRoute:
    """Answers for one alerting role; `statuses` are those of its rules."""

    def __init__(
        self, statuses: Callable[[], tuple[RuleStatus, ...]], dispatcher: Dispatcher, memory: Memory, clock: Clock
    ) -> None:
        self._statuses = statuses
        self._dispatcher = dispatcher
        self._memory = memory
        self._clock = clock

    def routes(self) -> list[web.RouteDef]:
        """What `api` serves beside its own."""
        return [web.get("/api/v1/alerts/{id}/account", self._answer)]

    async def _answer(self, request: web.Request) -> web.Response:
        """The beginning of an id is enough where no other begins so."""
        wanted = request.match_info["id"]
        found = await self._memory.ids(wanted)
        kept = await self._memory.alerts(found) if len(found) == 1 else ()
        if not kept:
            problem = "the ids of several alerts begin so" if found else "there is no such alert"
            raise web.HTTPNotFound(text=f"{wanted}: {problem}; /api/v1/alerts lists those that are open")
        alert = kept[0].alert
        evidence = Evidence(
            alert=alert,
            words=kept[0].words,
            rule=next((one for one in self._statuses() if one.rule.alert == alert.rule), None),
            tree=self._dispatcher.tree,
            holdings=[
                Holding(
                    group=group,
                    mute=self._dispatcher.mute_of(group, alert.fingerprint),
                    notifiers=self._dispatcher.notifiers(group.key.receiver),
                    messages=await self._memory.messages(group.incident),
                )
                for group in self._dispatcher.incidents(alert.fingerprint)
            ],
            history=await self._memory.history(_MOST_ENTRIES, alert_id=alert.fingerprint),
            taken=self._dispatcher.acknowledgement(alert.fingerprint),
        )
        return answer(account(evidence, self._clock.now()))
