"""Silences: what they mute, when, and what one has to say."""

from datetime import UTC, datetime, timedelta

import pytest

from alerting.muting.silence import Phase, Silence, draw_up

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def drawn(*matchers: str, starts_at: datetime = NOW, ends_at: datetime = NOW + HOUR, **said: str) -> Silence:
    words = {"author": "ann", "comment": "moving the database", **said}
    return draw_up("s1", matchers, starts_at=starts_at, ends_at=ends_at, now=NOW, **words)


def test_mutes_what_meets_all_matchers_from_start_to_end() -> None:
    """All matchers have to be met; the start is muted, the end is not."""
    silence = drawn('team="shop", severity=~"warning|critical"', starts_at=NOW + HOUR, ends_at=NOW + 2 * HOUR)
    labels = {"alertname": "Slow", "team": "shop", "severity": "critical"}
    moments = (NOW + HOUR - timedelta(seconds=1), NOW + HOUR, NOW + 2 * HOUR)
    assert [silence.mutes(labels, at) for at in moments] == [False, True, False]
    assert [silence.phase(at) for at in moments] == [Phase.PENDING, Phase.ACTIVE, Phase.EXPIRED]
    assert not silence.mutes({**labels, "team": "web"}, NOW + HOUR)


def test_expired_by_hand() -> None:
    """It is over at once, one that had not begun never begins, and one that is over stays as it was."""
    assert drawn("a=b").expired(NOW + HOUR / 2).phase(NOW + HOUR / 2) is Phase.EXPIRED
    later = drawn("a=b", starts_at=NOW + HOUR, ends_at=NOW + 2 * HOUR).expired(NOW)
    assert later.phase(NOW + 1.5 * HOUR) is Phase.EXPIRED
    over = drawn("a=b")
    assert over.expired(NOW + 2 * HOUR) == over


def test_start_in_the_past_is_now() -> None:
    """What was not muted cannot be muted afterwards."""
    assert drawn("a=b", starts_at=NOW - HOUR).starts_at == NOW


@pytest.mark.parametrize(
    ("matchers", "change", "told"),
    [
        (['team!="web"'], {}, "demands a label"),
        (['team=~".*"'], {}, "demands a label"),
        ([], {}, "demands a label"),
        (["team"], {}, "is not a matcher"),
        (["a=b"], {"author": " "}, "author is missing"),
        (["a=b"], {"comment": ""}, "comment is missing"),
        (["a=b"], {"comment": "x" * 1001}, "longer than 1000"),
        (["a=b"], {"ends_at": NOW}, "nothing would be muted"),
        (["a=b"], {"starts_at": NOW + HOUR}, "nothing would be muted"),
    ],
)
def test_what_is_no_silence_is_refused(matchers: list[str], change: dict[str, object], told: str) -> None:
    """One that mutes everything, says not who or why, or is over before it begins; the error says so."""
    with pytest.raises(ValueError, match=told):
        drawn(*matchers, **change)  # type: ignore[arg-type]  # each case changes one argument
