"""The words of a message: what is said first, what is left out, and how numbers and times read."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta

import pytest

from alerting.notify.contract import Message, Status
from alerting.notify.render import LATE_AFTER, MOST_ALERTS, body, hands, headline, number, one_line, span
from tests.alerting.notify.messages import NOW, alert, ended, in_hand, message, taken


def test_the_headline_is_severity_and_summary() -> None:
    """One alert: how bad, and what it says."""
    assert headline(message()) == "[CRITICAL] /pay is slow"


def test_the_headline_counts_only_what_fires() -> None:
    """Two firing and one resolved alert are the first one and one more."""
    assert headline(message(alert(), alert(), ended())) == "[CRITICAL] /pay is slow (and 1 more)"


def test_the_headline_of_an_all_clear_says_resolved() -> None:
    """When it is over, the severity does not matter any more."""
    assert headline(message(ended(), status=Status.RESOLVED)) == "[RESOLVED] /pay is slow"


def test_an_alert_without_summary_is_called_by_its_name() -> None:
    """A rule without words still says which rule it is."""
    assert headline(message(alert(summary=""))) == "[CRITICAL] FeatureSlow"


def test_the_body_of_a_firing_alert() -> None:
    """Since when, the value, the labels that say something new, the description, the runbook, a link."""
    view = alert(description="Customers wait.\n\nSome leave.", runbook_url="docs/runbooks/feature-slow.md")

    assert body(message(view, url="http://127.0.0.1:8080/alerts"), NOW) == (
        "CRITICAL: /pay is slow\n"
        "  since 2026-11-22 13:57:55 UTC (2m5s)\n"
        "  value: 912.5\n"
        "  alertname=FeatureSlow, endpoint=/pay, service=payments\n"
        "  Customers wait.\n"
        "  Some leave.\n"
        "  runbook: docs/runbooks/feature-slow.md\n"
        "\n"
        "Console: http://127.0.0.1:8080/alerts\n"
    )


def test_the_body_of_a_resolved_alert_says_when_how_long_and_why() -> None:
    """An all-clear tells its reason."""
    told = body(message(ended(value=None), status=Status.RESOLVED), NOW)

    assert told.startswith(
        "RESOLVED: /pay is slow\n  over since 2026-11-22 14:00:00 UTC, after 2m5s: 412 < 500\n  alertname"
    )


def test_a_message_on_time_does_not_speak_of_time() -> None:
    """Up to the limit nothing is said about lateness; a second beyond it is."""
    assert "late" not in body(message(), NOW + LATE_AFTER)
    assert "is 1m1s late" in body(message(), NOW + LATE_AFTER + timedelta(seconds=1))


def test_a_large_group_is_told_in_part_and_counted() -> None:
    """Of 25 alerts 20 are told and the last 5 are counted."""
    told = body(message(*[alert()] * (MOST_ALERTS + 5)), NOW)

    assert told.count("CRITICAL: ") == MOST_ALERTS
    assert "... and 5 more alerts." in told


def test_a_group_beyond_all_bounds_is_counted_whole() -> None:
    """A message holds 500 of 2 000 alerts; headline and end count all of them, and how many are over."""
    left_out = {"firing": 500, "resolved": 1_000}
    said = message(*[alert()] * 500, untold=left_out)

    assert headline(said) == "[CRITICAL] /pay is slow (and 999 more)"
    assert "... and 1980 more alerts, 1000 of them resolved." in body(said, NOW)


def test_a_firing_alert_tells_its_value_against_the_threshold() -> None:
    """What was measured, against which threshold, for how long; not the number alone."""
    assert "  value: 912.5 > 800 since 1m\n" in body(message(alert(reason="912.5 > 800 since 1m")), NOW)


def test_an_alert_about_missing_data_does_not_show_an_old_value_as_if_it_were_new() -> None:
    """Under `missing: alert` the last value is no reason to page; that nothing came is."""
    told = body(message(alert(value=3.0, reason="no data (missing: alert)")), NOW)

    assert "value: no data (missing: alert)\n" in told
    assert "value: 3" not in told


def test_a_rule_without_summary_is_named_once() -> None:
    """Where the name of the rule is the title, it is not a label as well."""
    assert body(message(alert(summary="")), NOW).count("FeatureSlow") == 1


def test_a_reminder_says_that_it_is_one() -> None:
    """What is told again says since when it is open, and that its values are not of now."""
    reminder = "A reminder: open for 2m5s; values are those of each alert's last change."

    assert reminder in body(message(why="repeat"), NOW)
    assert "reminder" not in body(message(why="first"), NOW)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (taken(), ["Acknowledged by ann at 2026-11-22 14:00:00 UTC: looking at the <database>"]),
        (
            message(in_hand(), alert(), why="acknowledged"),
            ["1 alert acknowledged by ann at 2026-11-22 14:00:00 UTC: looking at the <database>"],
        ),
        (message(why="released"), ["Given back: nobody has it in hand any more"]),
        (message(), []),
    ],
)
def test_who_has_alerts_in_hand(said: Message, told: list[str]) -> None:
    """All of an incident, or how many of its alerts; and that nobody has it any more."""
    assert hands(said) == told


def test_many_who_have_alerts_in_hand_are_counted() -> None:
    """Five are named, the others counted."""
    known = in_hand().acknowledged
    assert known is not None
    some = [in_hand(acknowledged=replace(known, author=f"a{number}")) for number in range(8)]
    assert len(hands(message(*some))) == 6
    assert hands(message(*some))[-1] == "and 3 more"


def test_a_long_description_is_told_in_part() -> None:
    """However long a description is, twenty lines of it are told."""
    told = body(message(alert(description="again\n" * 900)), NOW)

    assert told.count("again") == 20


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (912.0, "912"),
        (912.5, "912.5"),
        (1234567.0, "1234567"),
        (3.14159, "3.142"),
        (0.012345, "0.01235"),
        (-2.5, "-2.5"),
        (0.0, "0"),
        (math.inf, "inf"),
        (math.nan, "nan"),
    ],
)
def test_numbers_are_short_and_have_no_trailing_zero(value: float, told: str) -> None:
    """A float prints without a trailing `.0`, with what somebody can read at night."""
    assert number(value) == told


def test_a_span_is_never_negative() -> None:
    """Where the clock stepped back, an alert lasted no time, not less than that."""
    assert span(timedelta(seconds=-3)) == "0s"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a\r\nBcc: b", "a Bcc: b"),
        ("a\u2028b\u2029c", "a b c"),
        ("\x1b[31mred\x00", "[31mred"),
        ("user\u202egnp.exe", "usergnp.exe"),
        ("  much \t space ", "much space"),
        ("\ud800", ""),
    ],
)
def test_one_line_is_one_line(text: str, told: str) -> None:
    """Breaks and controls become blanks; marks that hide or reorder text go."""
    assert one_line(text) == told


def test_one_line_is_cut_with_an_ellipsis() -> None:
    """A line of eleven characters in a room of ten ends in one that says so."""
    assert one_line("abcdefghijk", 10) == "abcdefghi…"
