"""Every notifier of the catalog against one promise: taken, never (Refusal) or later (Unreachable); no secret told."""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web

from alerting.acknowledgement import Acknowledgement
from alerting.alert import Level
from alerting.notify.action import Action, ActionConfig
from alerting.notify.apprise import Apprise, AppriseConfig
from alerting.notify.catalog import NOTIFIERS
from alerting.notify.contract import AlertView, Message, Notifier, Refusal, Status, Unanswered, Unreachable
from alerting.notify.email import Email, EmailConfig
from alerting.notify.pagerduty import PagerDuty, PagerDutyConfig
from alerting.notify.plugin import Deps
from alerting.notify.slack import Slack, SlackConfig
from alerting.notify.slack import build as slack_of
from alerting.notify.webhook import Webhook, WebhookConfig
from foundation.secret import Secret
from tests.fakes.pagerduty import FakePagerDuty
from tests.fakes.servers import deaf_port
from tests.fakes.service import Answer, FakeService, Hang, Reset, throttled
from tests.fakes.slack import FakeSlack, FakeSlackApi
from tests.fakes.smtp import FakeSmtp, plain_text
from tests.fakes.webhook import FakeWebhook

NOW = datetime(2026, 11, 22, 14, 0, tzinfo=UTC)
KEY = "k" * 12 + "-routing-key-" + "s" * 7
PASSWORD = "hunter2-password"
TOKEN = "xoxb-123-token"
HOSTILE = (
    "<!channel> <@U123> &amp; \r\nBcc: evil@example.com\r\n\x1b[31m\x00 \u202e*_`~ {{ 7*7 }} 'x' \"y\" \U0001f600\u2028"
)

# apprise loads every plugin at its first use, one of which imports a module that Python 3.11 calls deprecated
pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")


class FakeJsonService(FakeService):
    """What apprise's json:// plugin posts to."""

    path = "/hook-secret"

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[dict[str, str]] = []

    async def judge(self, request: web.Request) -> web.Response:
        self.messages.append(json.loads(await request.read()))
        return web.Response(text="fine")


class Rig:
    """One notifier, the fake it speaks to, and the four ways in which that fake can behave."""

    secrets: tuple[str, ...] = ()
    retry_after_is_heard = True

    def __init__(self, service: FakeService, notifier: Notifier, secrets: tuple[str, ...]) -> None:
        self.service = service
        self.notifier = notifier
        self.secrets = secrets

    def answer(self, status: int) -> None:
        self.service.misbehave_always(Answer(status, f"no: {' '.join(self.secrets)}"))

    def throttle(self, seconds: int) -> None:
        self.service.misbehave_always(throttled(seconds))

    def hang(self) -> None:
        self.service.misbehave_always(Hang())

    def reset(self) -> None:
        self.service.misbehave_always(Reset())

    def attempts(self) -> int:
        return self.service.requests

    def taken(self) -> list[str]:
        """Every message that the service took, as one text each."""
        raise NotImplementedError


class PagerDutyRig(Rig):
    def taken(self) -> list[str]:
        assert isinstance(self.service, FakePagerDuty)
        assert self.service.refusals == []
        return [json.dumps(event, ensure_ascii=False) for event in self.service.events]


class SlackRig(Rig):
    def taken(self) -> list[str]:
        assert isinstance(self.service, FakeSlack)
        assert self.service.refusals == []
        return [str(message["text"]) for message in self.service.messages]


class SlackApiRig(Rig):
    """Every message is of an incident of its own here: nothing is edited, so all that was said stands there."""

    def taken(self) -> list[str]:
        assert isinstance(self.service, FakeSlackApi)
        assert self.service.refusals == []
        return [json.dumps(message, ensure_ascii=False) for message in self.service.channel.values()]


class AppriseRig(Rig):
    retry_after_is_heard = False

    def taken(self) -> list[str]:
        assert isinstance(self.service, FakeJsonService)
        return [f"{message['title']}\n{message['message']}" for message in self.service.messages]


class EmailRig(Rig):
    """SMTP has its own words: 550 is never, 451 is later, and nobody says when."""

    retry_after_is_heard = False

    def __init__(self, server: FakeSmtp, notifier: Notifier) -> None:
        self.server = server
        self.notifier = notifier
        self.secrets = (PASSWORD,)

    def answer(self, status: int) -> None:
        self.server.answer = f"{550 if status < 500 else 451} no: {PASSWORD}"

    def throttle(self, seconds: int) -> None:
        self.server.answer = f"451 too many messages, wait {seconds} s"

    def hang(self) -> None:
        self.server.hanging = True

    def reset(self) -> None:
        self.server.answer = "421 closing"

    def attempts(self) -> int:
        return self.server.attempts

    def taken(self) -> list[str]:
        assert [mail["Bcc"] for mail in self.server.mails] == [None] * len(self.server.mails)
        return [f"{mail['Subject']}\n{quoted(plain_text(mail))}" for mail in self.server.mails]


def quoted(text: str) -> str:
    """A body, marked as such: whatever stands there is no header."""
    return "\n".join(f"> {line}" for line in text.splitlines())


@contextlib.asynccontextmanager
async def pagerduty(deps: Deps) -> AsyncIterator[Rig]:
    async with FakePagerDuty() as service:
        config = PagerDutyConfig(routing_key=Secret(KEY), url=service.url)
        yield PagerDutyRig(service, PagerDuty(config, deps), (KEY,))


@contextlib.asynccontextmanager
async def slack(deps: Deps) -> AsyncIterator[Rig]:
    async with FakeSlack() as service:
        yield SlackRig(service, Slack(SlackConfig(webhook=Secret(service.url)), deps), (service.path,))


@contextlib.asynccontextmanager
async def slack_api(deps: Deps) -> AsyncIterator[Rig]:
    async with FakeSlackApi(TOKEN) as service:
        config = SlackConfig(token=Secret(TOKEN), channel=service.channel_name, api_url=service.api_url)
        yield SlackApiRig(service, slack_of(config, deps), (TOKEN,))


class WebhookRig(Rig):
    def taken(self) -> list[str]:
        assert isinstance(self.service, FakeWebhook)
        assert self.service.refusals == []
        return [json.dumps(call, ensure_ascii=False) for call in self.service.calls]


@contextlib.asynccontextmanager
async def webhook(deps: Deps) -> AsyncIterator[Rig]:
    async with FakeWebhook(PASSWORD) as service:
        config = WebhookConfig(url=Secret(service.url), secret=Secret(PASSWORD))
        yield WebhookRig(service, Webhook(config, deps), (PASSWORD, service.path))


@contextlib.asynccontextmanager
async def action(deps: Deps) -> AsyncIterator[Rig]:
    async with FakeWebhook(PASSWORD) as service:
        config = ActionConfig(url=Secret(service.url), secret=Secret(PASSWORD), on=("firing", "resolved"))
        yield WebhookRig(service, Action(config, deps), (PASSWORD, service.path))


@contextlib.asynccontextmanager
async def apprise(deps: Deps) -> AsyncIterator[Rig]:
    async with FakeJsonService() as service:
        url = service.url.replace("http://", f"json://user:{PASSWORD}@")
        yield AppriseRig(service, Apprise(AppriseConfig(url=Secret(url)), deps), (PASSWORD, "hook-secret"))


@contextlib.asynccontextmanager
async def email(deps: Deps) -> AsyncIterator[Rig]:
    async with FakeSmtp(login=("user", PASSWORD)) as server:
        smtp = Secret(f"smtp://user:{PASSWORD}@127.0.0.1:{server.port}")
        yield EmailRig(server, Email(EmailConfig(to="ops@example.org", smtp=smtp), deps))


RIGS = {
    "pagerduty": pagerduty,
    "slack": slack,
    "slack with a token": slack_api,
    "apprise": apprise,
    "email": email,
    "webhook": webhook,
    "action": action,
}


@pytest.fixture(params=sorted(RIGS))
async def rig(request: pytest.FixtureRequest) -> AsyncIterator[Rig]:
    """One rig a way of a notifier."""
    async with RIGS[request.param](Deps()) as built:
        yield built
        await built.notifier.close()


def test_every_notifier_has_a_rig() -> None:
    """What is in the catalog goes through this suite."""
    assert set(NOTIFIERS) <= set(RIGS)


def alert(**changes: object) -> AlertView:
    view = AlertView(
        labels={"alertname": "CheckoutSlow", "severity": "critical", "service": "shop", "endpoint": "/pay"},
        status=Status.FIRING,
        value=912.0,
        since=NOW - timedelta(minutes=2),
        summary="/pay: p95 912 ms",
        runbook_url="https://example.org/runbooks/slow",
    )
    return replace(view, **changes)  # type: ignore[arg-type]  # a test's shorthand


def message(*alerts: AlertView, status: Status = Status.FIRING, **changes: object) -> Message:
    said = Message(
        incident="1f2e3d4c5b6a7988",
        receiver="payments-oncall",
        status=status,
        severity="critical",
        group_labels={"alertname": "CheckoutSlow"},
        alerts=alerts or (alert(),),
        decided_at=NOW,
        url="http://127.0.0.1:8080/alerts",
    )
    return replace(said, **changes)  # type: ignore[arg-type]  # a test's shorthand


class RootLog(logging.Handler):
    """What reaches the root logger, as a program's own handler sees it; what the fakes themselves log is left out."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.name not in ("aiohttp.access", "mail.log"):
            self.lines.append(f"{record.name}: {record.getMessage()}")


@pytest.fixture
def logged() -> Iterator[list[str]]:
    """Everything that reaches the root logger, down to debug."""
    handler = RootLog()
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    yield handler.lines
    root.setLevel(before)
    root.removeHandler(handler)


async def test_a_firing_message_is_taken_with_its_summary_and_labels(rig: Rig) -> None:
    """The service gets one message that names the alert's summary, value and labels."""
    await rig.notifier.send(message(), now=NOW)

    (text,) = rig.taken()
    assert "/pay: p95 912 ms" in text
    assert "912" in text
    assert "shop" in text


async def test_a_resolved_message_is_taken(rig: Rig) -> None:
    """The all-clear goes the same way as the alarm."""
    over = alert(status=Status.RESOLVED, ended=NOW, reason="back under 250")
    await rig.notifier.send(message(), now=NOW)
    await rig.notifier.send(message(over, status=Status.RESOLVED), now=NOW)

    assert len(rig.taken()) == 2
    assert "resolve" in rig.taken()[1].lower()


async def test_a_4xx_is_refused_and_tried_once(rig: Rig) -> None:
    """What the service will never take raises Refusal after exactly one attempt."""
    rig.answer(400)
    with pytest.raises(Refusal):
        await rig.notifier.send(message(), now=NOW)

    assert rig.attempts() == 1


async def test_a_429_says_when_to_come_back(rig: Rig) -> None:
    """Throttled is Unreachable, after one attempt, with the service's Retry-After where the way there shows it."""
    rig.throttle(30)
    with pytest.raises(Unreachable) as raised:
        await rig.notifier.send(message(), now=NOW)

    assert rig.attempts() == 1
    assert raised.value.retry_after_s == (30 if rig.retry_after_is_heard else None)


async def test_a_5xx_is_for_later_and_not_retried_here(rig: Rig) -> None:
    """A failing service is Unreachable; trying again is the outbox's business, so there is one attempt."""
    rig.answer(503)
    with pytest.raises(Unreachable):
        await rig.notifier.send(message(), now=NOW)

    assert rig.attempts() == 1


@pytest.mark.parametrize("name", sorted(RIGS))
async def test_a_service_that_hangs_is_given_up(name: str) -> None:
    """A service that takes the request and says nothing is Unanswered when its time is over: it may have it."""
    async with RIGS[name](Deps(timeout_s=1.0)) as rig:
        rig.hang()
        with pytest.raises(Unanswered):
            await rig.notifier.send(message(), now=NOW)
        await rig.notifier.close()


async def test_a_connection_that_is_cut_is_for_later(rig: Rig) -> None:
    """A service that hangs up is Unreachable."""
    rig.reset()
    with pytest.raises(Unreachable):
        await rig.notifier.send(message(), now=NOW)


@pytest.mark.parametrize("name", sorted(RIGS))
async def test_a_refused_connection_is_for_later(name: str) -> None:
    """Where nobody listens is Unreachable, not an error of the caller, and nobody can have the message."""
    with deaf_port() as port:
        configs = {
            "pagerduty": PagerDutyConfig(routing_key=Secret(KEY), url=f"http://127.0.0.1:{port}/"),
            "slack": SlackConfig(url=Secret(f"http://127.0.0.1:{port}/")),
            "slack with a token": SlackConfig(
                token=Secret(TOKEN), channel="#alerts", api_url=f"http://127.0.0.1:{port}"
            ),
            "apprise": AppriseConfig(url=Secret(f"json://127.0.0.1:{port}/")),
            "webhook": WebhookConfig(url=Secret(f"http://127.0.0.1:{port}/")),
            "action": ActionConfig(url=Secret(f"http://127.0.0.1:{port}/")),
            "email": EmailConfig(to="ops@example.org", smtp=Secret(f"smtp://127.0.0.1:{port}")),
        }
        notifier = NOTIFIERS[name.partition(" ")[0]].build(configs[name], Deps())
        try:
            with pytest.raises(Unreachable) as raised:
                await notifier.send(message(), now=NOW)
        finally:
            await notifier.close()
    assert not isinstance(raised.value, Unanswered)


async def test_oversized_text_is_cut_to_what_the_service_takes(rig: Rig) -> None:
    """A group of 2 000 alerts with huge labels is taken by a service that enforces its limits."""
    fat = alert(summary="s" * 5_000, labels={**alert().labels, "detail": "d" * 20_000}, description="x\n" * 9_000)
    await rig.notifier.send(message(*[fat] * 2_000), now=NOW)

    assert len(rig.taken()) == 1


async def test_hostile_characters_arrive_as_text(rig: Rig) -> None:
    """Labels and words full of mentions, markup, header breaks and controls are taken and stay inert."""
    nasty = alert(
        labels={"alertname": "Nasty", "severity": "warning", "service": HOSTILE, HOSTILE: HOSTILE},
        summary=HOSTILE,
        description=HOSTILE,
        runbook_url=f"https://example.org/>{HOSTILE}",
        reason=HOSTILE,
    )
    await rig.notifier.send(message(nasty), now=NOW)

    (text,) = rig.taken()
    assert "\x1b" not in text
    assert "\x00" not in text
    assert "\nBcc:" not in text


async def test_what_is_left_out_is_told_with_its_reason(rig: Rig) -> None:
    """Of alerts that are muted the message says how many and why."""
    await rig.notifier.send(message(muted=("2 alerts silenced by ann until noon: moving house",)), now=NOW)

    assert "2 alerts silenced by ann until noon: moving house" in rig.taken()[0]


async def test_who_has_it_in_hand_is_told(rig: Rig) -> None:
    """A message about an incident that somebody has names who, and why; what that person wrote stays inert."""
    known = Acknowledgement(alert_id="a", level=Level.CRITICAL, author="Ann Example", comment=HOSTILE, at=NOW)
    await rig.notifier.send(message(alert(acknowledged=known), is_acknowledged=True), now=NOW)

    text = rig.taken()[-1]
    assert "Ann Example" in text
    assert "\x1b" not in text
    assert "\nBcc:" not in text


async def test_a_late_message_says_so(rig: Rig) -> None:
    """A message that waited ten minutes in the outbox says how late it is."""
    await rig.notifier.send(message(), now=NOW + timedelta(minutes=10))

    assert "10m" in rig.taken()[0]


@pytest.mark.parametrize("status", [400, 503])
async def test_secrets_are_told_nowhere(rig: Rig, status: int, logged: list[str]) -> None:
    """Keys, passwords and webhook paths stand in no error, no repr and no log, even when the service echoes them."""
    rig.answer(status)
    with pytest.raises((Refusal, Unreachable)) as raised:
        await rig.notifier.send(message(), now=NOW)

    causes = f"{raised.value.__cause__!r} {raised.value!r}"
    told = "\n".join((str(raised.value), causes, repr(vars(rig.notifier)), *logged))
    assert [secret for secret in rig.secrets if secret in told] == []
