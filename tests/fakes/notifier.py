"""Notifiers that remember what they sent, and fail when told to."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime

from alerting.notify.contract import Message


@dataclass(eq=False)
class FakeNotifier:
    """Takes messages. Each entry of `faults` is raised by one send, in order; None lets that one through.

    Each entry of `receipts` is returned by one send that went through.
    """

    faults: list[Exception | None] = field(default_factory=list)
    receipts: list[str | None] = field(default_factory=list)
    hang: asyncio.Event | None = None
    tried: list[tuple[datetime, Message]] = field(default_factory=list)
    sent: list[tuple[datetime, Message]] = field(default_factory=list)
    closed: bool = False

    async def send(self, message: Message, *, now: datetime) -> str | None:
        self.tried.append((now, message))
        fault = self.faults.pop(0) if self.faults else None
        if self.hang is not None:
            await self.hang.wait()
        if fault is not None:
            raise fault
        self.sent.append((now, message))
        return self.receipts.pop(0) if self.receipts else None

    async def close(self) -> None:
        self.closed = True

    @property
    def told(self) -> list[tuple[str, str]]:
        """(status, summary of the first alert) of everything that went out, in order."""
        return [(message.status.value, message.alerts[0].summary) for _, message in self.sent]
