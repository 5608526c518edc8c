"""Any of the hundred services that apprise knows, by its URL."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from alerting.notify.contract import Message
from alerting.notify.courier import Courier, Letter, knows
from alerting.notify.plugin import Deps
from alerting.notify.render import body, headline
from foundation.secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class AppriseConfig:
    """`url` is apprise's own form; what it holds (tokens, passwords) is a secret.

    Texts are cut to what the service takes; `?overflow=split` in the address sends them in pieces.
    """

    url: Secret

    def __post_init__(self) -> None:
        if not knows(self.url.reveal()):
            raise ValueError(
                "url is none that apprise can read; its services and their forms are listed at https://appriseit.com"
            )


class Apprise:
    """Sends to one apprise URL."""

    def __init__(self, config: AppriseConfig, deps: Deps) -> None:
        self._url = config.url
        self._courier = Courier("apprise", timeout_s=deps.timeout_s, secrets=(config.url,))

    async def send(self, message: Message, *, now: datetime) -> None:
        """Send one message. Raises Unreachable (try again) or Refusal (never)."""
        await self._courier.carry(
            Letter(
                to=self._url.reveal(),
                title=headline(message),
                body=body(message, now),
                status=message.status,
                severity=message.severity,
                fits="overflow=" not in self._url.reveal(),
            )
        )

    async def close(self) -> None:
        """Let threads go."""
        await self._courier.close()
