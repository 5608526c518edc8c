"""An action: something to be done when an incident opens or ends, by calling an address, never too often.

Restarting a service, scaling up, opening a ticket: whoever answers the call does it. It is called once when the
incident opens and once when it ends, not for every update. The limit is kept in this process: it bounds a storm, not a
year.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from alerting.notify import webhook
from alerting.notify.contract import Message, Refusal, Status
from alerting.notify.plugin import Deps
from alerting.notify.webhook import Webhook, WebhookConfig, delivery
from foundation.secret import Secret

_OPENS = frozenset({"first", "fallback"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionConfig:
    """The address to call `on` which events, at most `most` times `within` a span; as WebhookConfig for the rest."""

    url: Secret
    on: tuple[Literal["firing", "resolved"], ...] = ("firing",)
    most: int = 3
    within: timedelta = timedelta(hours=1)
    body: str | None = None
    secret: Secret | None = None

    def __post_init__(self) -> None:
        _ = self.webhook
        if not self.on:
            raise ValueError("on is empty; write [firing], [resolved] or both")
        if self.most < 1 or self.within <= timedelta(0):
            raise ValueError("most is at least 1 and within longer than nothing")

    @property
    def webhook(self) -> WebhookConfig:
        """The call itself. Raises ValueError."""
        return WebhookConfig(url=self.url, body=self.body, secret=self.secret)


@dataclass(slots=True)
class _Budget:
    most: int
    within: timedelta
    spent: deque[tuple[datetime, str]] = field(default_factory=deque)

    def spend(self, name: str, now: datetime) -> bool:
        """Whether the call of this name may be made at `now`; it is counted once, however often it is tried."""
        while self.spent and not timedelta(0) <= now - self.spent[0][0] < self.within:
            self.spent.popleft()
        if any(known == name for _, known in self.spent):
            return True
        if len(self.spent) >= self.most:
            return False
        self.spent.append((now, name))
        return True


class Action:
    """Calls one address when it is worth it."""

    def __init__(self, config: ActionConfig, deps: Deps) -> None:
        self._config = config
        self._webhook = Webhook(config.webhook, deps)
        self._budget = _Budget(config.most, config.within)

    async def send(self, message: Message, *, now: datetime) -> None:
        """Call, if the message opens or ends an incident and that is asked for.

        Raises Unreachable (try again) and Refusal (never; also when it was called too often).
        """
        if message.status.value not in self._config.on or not _is_event(message):
            return
        if not self._budget.spend(delivery(message), now):
            limit = f"{self._config.most} times within {self._config.within}"
            raise Refusal(f"the action was not called: its limit of {limit} is used up")
        await self._webhook.send(message, now=now)

    async def close(self) -> None:
        """Release connections."""
        await self._webhook.close()


def _is_event(message: Message) -> bool:
    return message.status is Status.RESOLVED or not message.why or message.why in _OPENS


def preview(config: ActionConfig, message: Message, now: datetime) -> str:
    """The body of the call; nothing where it is not called for such a message."""
    is_asked = message.status.value in config.on and _is_event(message)
    return webhook.preview(config.webhook, message, now) if is_asked else "(is not called)\n"
