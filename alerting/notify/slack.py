"""Slack: by the web API one living message per incident, or by an incoming webhook one message for each thing to say.

Whatever comes from labels and templates is escaped, see `slack_text`; `link_names` stays off, so a plain @name mentions
nobody.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from alerting.notify.contract import Message, Notifier, Refusal, Unreachable
from alerting.notify.endpoint import Endpoint, check_url
from alerting.notify.plugin import Deps
from alerting.notify.slack_api import API_URL, LivingSlack, Place, opening, wording_of
from alerting.notify.slack_text import reply, text
from alerting.notify.wording import Wording
from foundation.secret import Secret

_OF_HANDS = frozenset({"acknowledged", "released"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SlackConfig:
    """A bot's `token` and the `channel` it writes to; or an incoming `webhook`, which can edit nothing.

    `url` is another name for `webhook` and wins, as on every receiver. `api_url` is where the web API stands. `text`, a
    Jinja2 template in mrkdwn, takes the place of what is said of the alerts.
    """

    token: Secret | None = None
    channel: str = ""
    api_url: str = API_URL
    webhook: Secret | None = None
    url: Secret | None = None
    text: str | None = None

    def __post_init__(self) -> None:
        _ = wording_of(self.text)
        if self.place is None:
            if self.channel or self.api_url != API_URL:
                raise ValueError("channel and api_url are for a token; give one, best as ${SLACK_TOKEN}")
            check_url(self.address.reveal())
        elif self.webhook or self.url:
            raise ValueError("give a token and a channel, or a webhook, not both")

    @property
    def place(self) -> Place | None:
        """Where the living message stands; None where a webhook is to be used. Raises ValueError."""
        if self.token is None:
            return None
        return Place(token=self.token, channel=self.channel, api_url=self.api_url, text=self.text)

    @property
    def address(self) -> Secret:
        """Where to post. Raises ValueError if nothing is given."""
        address = self.url or self.webhook
        if address is None:
            raise ValueError(
                "webhook is missing; give a bot's token and a channel, or the address of an incoming webhook, "
                "best as ${SLACK_TOKEN} or ${SLACK_WEBHOOK}"
            )
        return address


def build(config: SlackConfig, deps: Deps) -> Notifier:
    """The notifier that the configuration asks for."""
    return LivingSlack(config.place, deps) if config.place else Slack(config, deps)


class Slack:
    """Posts to one incoming webhook."""

    def __init__(self, config: SlackConfig, deps: Deps) -> None:
        self._endpoint = Endpoint("Slack", config.address, timeout_s=deps.timeout_s)
        self._wording = wording_of(config.text)

    async def send(self, message: Message, *, now: datetime) -> None:
        """Post one message. Raises Unreachable (try again) or Refusal (never)."""
        answer = await self._endpoint.post(post(message, now, self._wording), now=now)
        self._judge(answer)

    def _judge(self, answer: str) -> None:
        """A 2xx is not always a yes: `{"ok": false}` is a no, and a page of HTML came from something in between."""
        if answer.lstrip().startswith("<"):
            raise Unreachable("Slack's address was answered by a web page; is there a proxy or a portal in between?")
        try:
            verdict = orjson.loads(answer)
        except orjson.JSONDecodeError:
            return
        if isinstance(verdict, dict) and verdict.get("ok") is False:
            raise Refusal(f"Slack refused the message: {self._endpoint.redact(str(verdict.get('error')))}")

    async def close(self) -> None:
        """Release connections."""
        await self._endpoint.close()


def post(message: Message, now: datetime, wording: Wording | None = None) -> dict[str, Any]:
    """The JSON that Slack is sent; about who has an incident in hand, the line alone that says so."""
    said = reply(message, now) if message.why in _OF_HANDS else text(message, now, wording)
    return {"text": said, "link_names": False, "unfurl_links": False, "unfurl_media": False}


def preview(config: SlackConfig, message: Message, now: datetime) -> str:
    """The text, in Slack's mrkdwn; by the web API the message as JSON."""
    if config.place is None:
        return text(message, now, wording_of(config.text)) + "\n"
    return orjson.dumps(opening(config.place, message, now), option=orjson.OPT_INDENT_2).decode() + "\n"
