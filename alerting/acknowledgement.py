"""An acknowledgement: somebody has an open alert in hand, and says so.

The API makes them, memory keeps them, `taking` says what follows. The invariant: it names who has the alert, and lasts
no longer than the alert and no longer than this is as bad as it was then.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from alerting.alert import Alert, Level

ACKNOWLEDGED = "acknowledged"
RELEASED = "released"
"""What stands as `change` in the history of an alert that somebody took, or that nobody has any more."""
_MOST_TEXT = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledgement:
    """`author` has the alert in hand since `at`. `level` is how bad it was then; `comment` may be empty."""

    alert_id: str
    level: Level
    author: str
    comment: str
    at: datetime

    def covers(self, alert: Alert) -> bool:
        """Whether it lasts while the alert stands so: open, and no worse than it was."""
        return alert.state.is_open and alert.level <= self.level

    @property
    def words(self) -> str:
        """Who, since when and why, for people: no full stop."""
        told = f"by {self.author} at {self.at:%Y-%m-%d %H:%M:%S} UTC"
        return f"{told}: {self.comment}" if self.comment else told


def draw_up(alert: Alert, *, author: str, comment: str, now: datetime) -> Acknowledgement:
    """An acknowledgement of `alert`, which is open. Raises ValueError that says what is wrong and how to mend it."""
    if not author.strip():
        raise ValueError("author is missing: whoever looks at the alert next will want to know who has it")
    for name, text in (("author", author), ("comment", comment)):
        if len(text) > _MOST_TEXT:
            raise ValueError(f"{name} is longer than {_MOST_TEXT} characters")
    return Acknowledgement(
        alert_id=alert.fingerprint, level=alert.level, author=author.strip(), comment=comment.strip(), at=now
    )
