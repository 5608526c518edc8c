"""A receiver's own words: what a template may do, what it is told when it is wrong, and that it loses no alarm."""

from __future__ import annotations

import pytest

from alerting.notify.contract import Status
from alerting.notify.email import Email, EmailConfig, preview
from alerting.notify.plugin import Deps
from alerting.notify.slack import SlackConfig, post
from alerting.notify.slack import preview as slack_preview
from alerting.notify.slack_api import opening, wording_of
from alerting.notify.wording import Unsaid, Wording
from foundation.secret import Secret
from tests.alerting.notify.messages import NOW, alert, ended, message
from tests.fakes.smtp import FakeSmtp, html, plain_text

pytestmark = pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")  # an import of apprise's

EACH = "{% for alert in message.alerts %}\n{{ alert.labels.service }} {{ alert.value }} {{ alert.ended }}\n{% endfor %}"
WEBHOOK = Secret("https://hooks.example.org/x")
FRAIL = "{{ 1 // (message.firing - 2) }}"
"""Fails for two firing alerts, and for nothing that it is tried on."""


def test_a_template_sees_what_a_webhook_is_sent() -> None:
    """A line each alert; numbers are short and what is not there is nothing."""
    lines = Wording("text", EACH).lines(message(alert(value=3.0), ended()), NOW)

    assert lines == ["payments 3", "payments 912.5 2026-11-22T14:00:00Z"]


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ("{{ message.headlin }}", "text: the template fails: .*headlin"),
        ("{{ message.headline", "text: is no template: .*line 1"),
        ("{{ alerts }}", "'alerts' is undefined"),
        ("{% if false %}x{% endif %}", "comes to nothing"),
        ("{{ message.__class__.__mro__ }}", "the template fails"),
        ("{{ ().__class__.__base__.__subclasses__() }}", "the template fails"),
        ("{% for i in range(9) %}x{% endfor %}", "'range' is undefined"),
        ("{% include 'x' %}", "the template fails"),
    ],
)
def test_a_template_that_is_wrong_is_refused_when_it_is_read(template: str, problem: str) -> None:
    """The error names the key and what is wrong; the sandbox lets nothing out."""
    with pytest.raises(ValueError, match=problem):
        SlackConfig(webhook=WEBHOOK, text=template)


@pytest.mark.parametrize("key", ["subject", "body"])
def test_a_mails_templates_are_tried_too(key: str) -> None:
    """The key stands in the error."""
    with pytest.raises(ValueError, match=rf"{key}: the template fails"):
        EmailConfig(to="ops@example.org", smtp=Secret("smtp://mail"), **{key: "{{ nothing }}"})


def test_a_label_that_an_alert_has_not_is_empty() -> None:
    """Alerts of a group differ in their labels, so a template may ask for any."""
    assert Wording("text", "at {{ message.alerts[0].labels.rack }}.").line(message(), NOW) == "at ."


def test_slack_gets_the_templates_words_between_headline_and_end() -> None:
    """Markup of the template is markup, what a message holds is text; headline, lateness and link stay."""
    wording = wording_of("<!here> *{{ message.alerts[0].summary }}*\n  <https://example.org/{{ message.status }}|wiki>")
    told = post(message(alert(summary="<!channel> & <b>"), url="http://127.0.0.1:8080/alerts"), NOW, wording)["text"]

    assert told.split("\n")[1:] == [
        "<!here> *&lt;!channel&gt; &amp; &lt;b&gt;*",
        "  <https://example.org/firing|wiki>",
        "<http://127.0.0.1:8080/alerts|Open in Tocsin>",
    ]


def test_slacks_living_message_has_them_too() -> None:
    """In the block below the headline, and in the preview."""
    config = SlackConfig(token=Secret("xoxb-123-token"), channel="#alerts", text="runs on {{ message.receiver }}")
    assert config.place is not None
    (attachment,) = opening(config.place, message(), NOW)["attachments"]

    assert [block["text"]["text"] for block in attachment["blocks"]] == ["runs on on-call"]
    assert "runs on on-call" in slack_preview(config, message(), NOW)


def test_a_template_that_fails_in_the_night_loses_no_alarm() -> None:
    """The usual words go out, and say that it failed."""
    told = post(message(alert(), alert()), NOW, wording_of(FRAIL))["text"]

    assert "text: the template fails: integer division or modulo by zero" in told
    assert told.count("• *CRITICAL* /pay is slow") == 2


def test_a_long_text_is_cut_without_opening_anything() -> None:
    """Neither a link nor an entity is left half."""
    for words in ("&" * 3_000, "x" * 1_980 + "<https://example.org/" + "y" * 100 + "|z>"):
        told = "\n".join(post(message(), NOW, wording_of(words + "{{ message.note }}"))["text"].split("\n")[1:])
        assert len(told) <= 4_000
        assert "<" not in told
    assert len(Wording("text", "{{ 'a&' * 2_000 }}").line(message(), NOW)) == 1_000


async def test_a_mail_in_somebodys_own_words() -> None:
    """Subject and text are the template's, in both parts, and markup in them is text."""
    async with FakeSmtp() as server:
        config = EmailConfig(
            to="ops@example.org",
            smtp=Secret(f"smtp://127.0.0.1:{server.port}"),
            subject="{{ message.status | upper }}:\n {{ message.alerts[0].summary }}",
            body="Dear team,\n\n{{ message.alerts[0].labels.service }} <b>is slow</b>",
        )
        notifier = Email(config, Deps())
        await notifier.send(message(alert(summary="x\r\nBcc: y@z.org"), url="http://127.0.0.1:8080/a"), now=NOW)
        await notifier.close()

        (mail,) = server.mails
        assert (str(mail["Subject"]), mail["Bcc"]) == ("FIRING: x Bcc: y@z.org", None)
        assert "payments &lt;b&gt;is slow&lt;/b&gt;" in html(mail)
        assert [line.strip() for line in plain_text(mail).splitlines() if line.strip()][1:] == [
            "Dear team,",
            "payments <b>is slow</b>",
            "Open in Tocsin: http://127.0.0.1:8080/a",
        ]
        assert "Dear team,\n\npayments <b>is slow</b>\n" in preview(config, message(), NOW)


async def test_a_mail_whose_templates_fail_goes_out_in_the_usual_words() -> None:
    """It says so at its end."""
    async with FakeSmtp() as server:
        smtp = Secret(f"smtp://127.0.0.1:{server.port}")
        notifier = Email(EmailConfig(to="ops@example.org", smtp=smtp, subject=FRAIL, body=FRAIL), Deps())
        await notifier.send(message(alert(), alert()), now=NOW)
        await notifier.close()

        (mail,) = server.mails
        assert str(mail["Subject"]) == "[CRITICAL] /pay is slow (and 1 more)"
        assert "body: the template fails" in plain_text(mail)
        assert plain_text(mail).count("CRITICAL /pay is slow") == 2


def test_a_preview_tells_of_a_template_that_fails() -> None:
    """Who asks for a preview wants to see it."""
    config = EmailConfig(to="ops@example.org", smtp=Secret("smtp://mail"), body=FRAIL)
    with pytest.raises(Unsaid, match="body: the template fails"):
        preview(config, message(alert(), alert()), NOW)


def test_an_all_clear_is_among_what_a_template_is_tried_on() -> None:
    """What holds only while something fires is found when the file is read."""
    with pytest.raises(ValueError, match="the template fails"):
        Wording("text", "{{ 1 // message.firing }}")
    assert Wording("text", "{{ message.status }}").line(message(status=Status.RESOLVED), NOW) == "resolved"
