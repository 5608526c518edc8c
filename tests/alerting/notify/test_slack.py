"""Slack messages are readable, escaped, and within Slack's size."""

from __future__ import annotations

import pytest

from alerting.notify.contract import Refusal, Status, Unreachable
from alerting.notify.plugin import Deps
from alerting.notify.slack import Slack, SlackConfig, post
from alerting.notify.slack_text import TEXT_CHARACTERS, text
from foundation.secret import Secret
from tests.alerting.notify.messages import NOW, alert, ended, message, taken
from tests.fakes.service import Answer
from tests.fakes.slack import FakeSlack


def test_one_alert_in_full() -> None:
    """Headline, facts, runbook and console as links."""
    view = alert(runbook_url="https://example.org/slow?a=1&b=2")

    assert text(message(view, url="http://127.0.0.1:8080/alerts"), NOW) == (
        ":rotating_light: *[CRITICAL] /pay is slow*\n"
        "    since 2026-11-22 13:57:55 UTC (2m5s)\n"
        "    value: 912.5\n"
        "    alertname=FeatureSlow, endpoint=/pay, service=payments\n"
        "    <https://example.org/slow?a=1&amp;b=2|Runbook>\n"
        "<http://127.0.0.1:8080/alerts|Open in Tocsin>"
    )


def test_a_group_tells_each_alert() -> None:
    """Several alerts each get a line of their own, resolved ones among them."""
    told = text(message(alert(), ended(summary="/cart was slow")), NOW)

    assert "• *CRITICAL* /pay is slow" in told
    assert "• *RESOLVED* /cart was slow" in told


def test_an_all_clear_looks_like_one() -> None:
    """The mark of a resolved message is not an alarm's."""
    assert text(message(ended(), status=Status.RESOLVED), NOW).startswith(":white_check_mark: *[RESOLVED]")


@pytest.mark.parametrize("bait", ["<!channel>", "<!here|x>", "<@U123>", "<http://evil|click>", "a & b"])
def test_what_comes_from_labels_is_shown_as_it_is_written(bait: str) -> None:
    """Nothing between angle brackets survives; it is text."""
    told = text(message(alert(summary=bait, labels={"alertname": bait, "x": bait}, reason=bait)), NOW)

    assert "<" not in told
    assert ">" not in told
    assert bait.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") in told


@pytest.mark.parametrize("url", ["docs/runbooks/slow.md", "https://x/|<!channel>", "https://x/ y", "javascript:1"])
def test_a_runbook_that_could_break_out_is_no_link(url: str) -> None:
    """Only a plain web address is put into brackets."""
    assert "<" not in text(message(alert(runbook_url=url)), NOW)


def test_who_took_it_is_one_short_message() -> None:
    """An incoming webhook edits nothing: it says who has it, and repeats no description, label or link."""
    said = post(taken(url="http://127.0.0.1:8080/alerts"), NOW)["text"]
    assert said.split("\n")[0] == ":eyes: *[CRITICAL, ACKNOWLEDGED] /pay is slow*"
    assert "Acknowledged by ann" in said
    assert "Open in Tocsin" not in said


def test_names_are_not_linked() -> None:
    """A plain @channel in a label mentions nobody."""
    assert post(message(), NOW)["link_names"] is False


def test_a_large_group_is_cut_and_keeps_its_end() -> None:
    """However much there is to say, it fits, and the link to the console is still there."""
    fat = alert(summary="<" * 2_000, description="&\n" * 500)
    told = text(message(*[fat] * 100, url="http://127.0.0.1:8080/alerts"), NOW)

    assert len(told) <= TEXT_CHARACTERS
    assert told.endswith("<http://127.0.0.1:8080/alerts|Open in Tocsin>")
    assert "and 80 more alerts" in told


@pytest.mark.parametrize(
    ("answer", "error"),
    [('{"ok": false, "error": "channel_is_archived"}', Refusal), ("<html>Please log in</html>", Unreachable)],
)
async def test_a_200_that_is_no_yes(answer: str, error: type[Exception]) -> None:
    """Slack may refuse with 200, and a portal in between may answer for it."""
    async with FakeSlack() as service:
        service.misbehave(Answer(200, answer))
        notifier = Slack(SlackConfig(webhook=Secret(service.url)), Deps())
        with pytest.raises(error):
            await notifier.send(message(), now=NOW)
        await notifier.close()


async def test_url_wins_over_webhook() -> None:
    """`url` replaces the whole endpoint, as on every receiver."""
    async with FakeSlack() as service:
        config = SlackConfig(webhook=Secret("https://hooks.slack.com/services/x"), url=Secret(service.url))
        notifier = Slack(config, Deps())
        await notifier.send(message(), now=NOW)
        await notifier.close()

        assert len(service.messages) == 1


def test_a_webhook_is_needed() -> None:
    """Without an address the error says what to give."""
    with pytest.raises(ValueError, match="webhook is missing"):
        SlackConfig()


def test_an_address_that_is_none_is_refused_without_telling_it() -> None:
    """The address is a secret even when it is wrong."""
    with pytest.raises(ValueError, match="not a URL") as raised:
        SlackConfig(webhook=Secret("hooks.slack.com/services/T0/secret"))

    assert "secret" not in str(raised.value)
