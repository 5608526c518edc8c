"""A silence: nobody hears of alerts that match it, from one moment to another, because somebody said so.

The API makes them, memory keeps them, `mutes` asks them. The invariant: a silence says who set it and why, and names
alerts by at least one label that must be there, so none mutes everything by accident.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from alerting.routing.matchers import Matcher, all_match, parse

_MOST_TEXT = 1_000


class Phase(StrEnum):
    """Where a silence stands."""

    PENDING = "pending"
    ACTIVE = "active"
    EXPIRED = "expired"


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """Mutes alerts that meet all `matchers` while `starts_at` <= now < `ends_at`."""

    id: str
    matchers: tuple[Matcher, ...]
    starts_at: datetime
    ends_at: datetime
    author: str
    comment: str
    created_at: datetime

    def phase(self, now: datetime) -> Phase:
        """Where it stands at `now`. One that began when it was made goes on where the clock is set back before that."""
        if now >= self.ends_at:
            return Phase.EXPIRED
        return Phase.ACTIVE if now >= self.starts_at or self.starts_at <= self.created_at else Phase.PENDING

    def mutes(self, labels: Mapping[str, str], now: datetime) -> bool:
        """Whether an alert with `labels` (`severity` among them) is muted by it at `now`."""
        return self.phase(now) is Phase.ACTIVE and all_match(self.matchers, labels)

    def expired(self, now: datetime) -> Silence:
        """The same, over at `now`; one that is over already stays as it was."""
        if self.phase(now) is Phase.EXPIRED:
            return self
        return replace(self, starts_at=min(self.starts_at, now), ends_at=now)

    def continuing(self, before: Silence) -> Silence:
        """The same as a change of `before`, which it was made from: as old as that, and begun as long ago."""
        begun = min(before.starts_at, self.starts_at) if before.starts_at <= self.created_at else self.starts_at
        return replace(self, created_at=before.created_at, starts_at=begun)


def draw_up(
    silence_id: str,
    matchers: Sequence[str],
    *,
    starts_at: datetime,
    ends_at: datetime,
    author: str,
    comment: str,
    now: datetime,
) -> Silence:
    """A silence from what somebody wrote. Raises ValueError that says what is wrong and how to mend it."""
    parsed = tuple(matcher for text in matchers for matcher in parse(text))
    if not any(not matcher.matches({}) for matcher in parsed):
        raise ValueError('matchers: none demands a label, so this would mute every alert; write one as in team="web"')
    for name, text in (("author", author), ("comment", comment)):
        if not text.strip():
            raise ValueError(f"{name} is missing: whoever is not paged because of this will want to know")
        if len(text) > _MOST_TEXT:
            raise ValueError(f"{name} is longer than {_MOST_TEXT} characters")
    if ends_at <= max(starts_at, now):
        raise ValueError("ends_at is not after starts_at and after now; nothing would be muted")
    return Silence(
        id=silence_id,
        matchers=parsed,
        starts_at=max(starts_at, now),
        ends_at=ends_at,
        author=author.strip(),
        comment=comment.strip(),
        created_at=now,
    )
