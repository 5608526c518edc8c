"""A service that keeps incidents by dedup key, as PagerDuty does, and is in trouble when a test says so."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime

from alerting.notify.contract import Message, Status


@dataclass(eq=False)
class Pager:
    """Takes messages, over restarts of the sender.

    `trouble` happens to each message before it is taken: it may raise what a notifier raises, or take its time. A
    trigger under the name of an incident that is over opens that again, which no message of ours may do.
    """

    trouble: Callable[[], Awaitable[None]] | None = None
    opened: dict[str, str] = field(default_factory=dict)
    """incident -> name of its alert"""
    ended: set[str] = field(default_factory=set)
    stray: list[Message] = field(default_factory=list)
    """resolves of incidents that were never opened"""
    tried: list[datetime] = field(default_factory=list)
    heard: list[tuple[datetime, Message]] = field(default_factory=list)

    async def send(self, message: Message, *, now: datetime) -> str:
        self.tried.append(now)
        if self.trouble is not None:
            await self.trouble()
        self.heard.append((now, message))
        if message.status is Status.FIRING:
            assert message.incident not in self.ended, "a closed incident was opened again"
            self.opened.setdefault(message.incident, message.group_labels.get("alertname", ""))
        elif message.incident in self.opened:
            self.ended.add(message.incident)
        else:
            self.stray.append(message)
        return f"receipt of {message.incident}"

    async def close(self) -> None:
        pass

    def story(self) -> list[tuple[str, bool]]:
        """(alert, whether it was called off) of every incident."""
        return sorted((name, incident in self.ended) for incident, name in self.opened.items())

    def is_open(self) -> list[str]:
        """The alerts of incidents that were not called off."""
        return [name for name, is_over in self.story() if not is_over]

    def told(self, name: str) -> list[tuple[datetime, Status]]:
        """What was heard of an alert, and when."""
        return [(at, message.status) for at, message in self.heard if message.group_labels.get("alertname") == name]
