"""Mails: who gets them, how they thread, and what can never be in their headers."""

from __future__ import annotations

import pytest

from alerting.notify.contract import PartlyRefused, Refusal, Status, Unanswered
from alerting.notify.email import Email, EmailConfig
from alerting.notify.plugin import Deps
from foundation.secret import Secret
from tests.alerting.notify.messages import NOW, alert, ended, message
from tests.alerting.notify.reading import look
from tests.fakes.smtp import FakeSmtp, html, plain_text

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # an import of apprise's


def config(server: FakeSmtp, to: str | tuple[str, ...] = "ops@example.org", **more: str) -> EmailConfig:
    return EmailConfig(to=to, smtp=Secret(f"smtp://127.0.0.1:{server.port}"), **more)


async def test_every_recipient_gets_a_mail() -> None:
    """Two recipients, two mails, from whom the configuration says."""
    async with FakeSmtp() as server:
        notifier = Email(config(server, ("a@example.org", "b@example.org"), from_="Tocsin <alarm@example.org>"), Deps())
        await notifier.send(message(), now=NOW)
        await notifier.close()

        assert sorted(server.recipients) == [["a@example.org"], ["b@example.org"]]
        assert {str(mail["From"]) for mail in server.mails} == {"Tocsin <alarm@example.org>"}
        assert {mail.get_content_type() for mail in server.mails} == {"multipart/alternative"}
        assert {str(mail["Subject"]) for mail in server.mails} == {"[CRITICAL] /pay is slow"}


async def test_a_mail_says_the_same_as_text_and_as_html() -> None:
    """Both parts name the alert, its facts, what is left out and where to look."""
    view = alert(runbook_url="https://example.org/slow?a=1&b=2", description="Users wait.\nCall payments.")
    async with FakeSmtp() as server:
        notifier = Email(config(server), Deps())
        await notifier.send(message(view, url="http://127.0.0.1:8080/alerts", muted=("2 silenced by ann",)), now=NOW)
        await notifier.close()

        (mail,) = server.mails
        lines = [line.strip() for line in plain_text(mail).splitlines() if line.strip()]
        assert lines == [
            "[CRITICAL] /pay is slow",
            "CRITICAL /pay is slow",
            "since 2026-11-22 13:57:55 UTC (2m5s)",
            "value: 912.5",
            "alertname=FeatureSlow, endpoint=/pay, service=payments",
            "Users wait.",
            "Call payments.",
            "runbook: https://example.org/slow?a=1&b=2",
            "Left out: 2 silenced by ann.",
            "Open in Tocsin: http://127.0.0.1:8080/alerts",
        ]
        shown = look(html(mail)).text
        assert [line for line in lines if line not in shown] == []


async def test_all_mails_of_an_incident_are_one_thread() -> None:
    """Alarm and all-clear refer to the same id, have ids of their own, and another incident is another thread."""
    async with FakeSmtp() as server:
        notifier = Email(config(server), Deps())
        for said in (message(), message(ended(), status=Status.RESOLVED), message(incident="other one")):
            await notifier.send(said, now=NOW)
        await notifier.close()

        assert [str(mail["References"]) for mail in server.mails] == [
            "<1f2e3d4c5b6a7988@tocsin>",
            "<1f2e3d4c5b6a7988@tocsin>",
            "<other-one@tocsin>",
        ]
        assert len({str(mail["Message-ID"]) for mail in server.mails}) == 3


async def test_nothing_from_a_label_becomes_a_header() -> None:
    """Line breaks in a summary stay in the subject's one line; nobody is added, nothing is set."""
    async with FakeSmtp() as server:
        notifier = Email(config(server), Deps())
        await notifier.send(message(alert(summary="x\r\nBcc: evil@example.com\r\n\r\nbody")), now=NOW)
        await notifier.close()

        (mail,) = server.mails
        assert mail["Bcc"] is None
        assert str(mail["Subject"]) == "[CRITICAL] x Bcc: evil@example.com body"
        assert server.recipients == [["ops@example.org"]]


async def test_a_wrong_password_is_refused_and_not_told() -> None:
    """535 is for good, and the error does not hold the password."""
    async with FakeSmtp(login=("user", "right")) as server:
        smtp = Secret(f"smtp://user:wrong-one@127.0.0.1:{server.port}")
        notifier = Email(EmailConfig(to="ops@example.org", smtp=smtp), Deps())
        with pytest.raises(Refusal) as raised:
            await notifier.send(message(), now=NOW)
        await notifier.close()

        assert "535" in str(raised.value)
        assert "wrong-one" not in str(raised.value)


async def test_a_recipient_that_does_not_exist_is_refused() -> None:
    """550 to RCPT is for good."""
    async with FakeSmtp() as server:
        server.recipient_answer = "550 no such user"
        notifier = Email(config(server), Deps())
        with pytest.raises(Refusal, match="550"):
            await notifier.send(message(), now=NOW)
        await notifier.close()


async def test_nobody_gets_a_mail_twice_because_it_cannot_reach_another() -> None:
    """While one mailbox is full the mail is tried again for that one alone; the next message is for all again."""
    async with FakeSmtp() as server:
        notifier = Email(config(server, ("a@example.org", "b@example.org")), Deps())
        server.recipient_answers["b@example.org"] = "452 mailbox full"
        for _ in range(3):
            with pytest.raises(Unanswered, match="452"):
                await notifier.send(message(), now=NOW)
        server.recipient_answers.clear()
        await notifier.send(message(), now=NOW)
        assert server.recipients == [["a@example.org"], ["b@example.org"]]

        await notifier.send(message(ended(), status=Status.RESOLVED), now=NOW)
        await notifier.close()
        assert sorted(server.recipients[2:]) == [["a@example.org"], ["b@example.org"]]


async def test_a_mail_that_only_some_can_get_is_partly_refused() -> None:
    """One address that is no more does not stop the others, and those who have the mail are known to have it."""
    async with FakeSmtp() as server:
        notifier = Email(config(server, ("gone@example.org", "ops@example.org")), Deps())
        server.recipient_answers["gone@example.org"] = "550 no such user"
        with pytest.raises(PartlyRefused, match="550"):
            await notifier.send(message(), now=NOW)
        await notifier.close()

        assert server.recipients == [["ops@example.org"]]


@pytest.mark.parametrize(
    ("smtp", "sender"),
    [
        ("smtp://mail:25", "tocsin@example.org"),
        ("smtps://alarm%40example.com:pw@mail", "alarm@example.com"),
        ("smtp+starttls://user:pw@mail:587", "tocsin@example.org"),
    ],
)
def test_the_sender_is_the_user_or_the_recipients_domain(smtp: str, sender: str) -> None:
    """Without `from`, a user that is an address sends, else tocsin at the first recipient's domain."""
    assert EmailConfig(to="ops@example.org", smtp=Secret(smtp)).sender == sender


@pytest.mark.parametrize("smtp", ["mail:25", "http://mail", "smtp://", "smtp://mail:99999", "smtp://[mail"])
def test_a_server_that_is_none_is_refused(smtp: str) -> None:
    """The error says which forms there are."""
    with pytest.raises(ValueError, match=r"smtp\+starttls://"):
        EmailConfig(to="ops@example.org", smtp=Secret(smtp))


@pytest.mark.parametrize(
    "to", ["", (), ("ops",), "a@b.org\nBcc: c@d.org", "a@example.org, b@example.org", "a@127.0.0.1", "A, B <a@b.org>"]
)
def test_a_recipient_that_is_no_address_is_refused(to: str | tuple[str, ...]) -> None:
    """One bare address, or a list of them; no header can be smuggled in."""
    with pytest.raises(ValueError, match=r"e-mail address|to is empty"):
        EmailConfig(to=to, smtp=Secret("smtp://mail"))


@pytest.mark.parametrize(
    ("smtp", "parts"),
    [
        ("smtp://mail", ("mailto", "insecure", 25, None, None)),
        ("smtps://mail", ("mailtos", "ssl", 465, None, None)),
        ("smtp+starttls://us%40er:p%2Fw@mail:2525", ("mailtos", "starttls", 2525, "us@er", "p/w")),
    ],
)
async def test_the_scheme_says_how_to_speak_to_the_server(smtp: str, parts: tuple[object, ...]) -> None:
    """Plain, TLS from the start, or STARTTLS, each with its usual port; credentials are unquoted."""
    notifier = Email(EmailConfig(to="ops@example.org", smtp=Secret(smtp)), Deps())
    to = notifier._mailto("incident", "ops@example.org")
    await notifier.close()

    assert tuple(to[key] for key in ("schema", "secure_mode", "port", "user", "password")) == parts
