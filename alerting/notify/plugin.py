"""What a line of the catalog holds: the Config that stands in notify.yml, and how a notifier is built from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from typing import Generic, TypeVar

from alerting.notify.contract import Message, Notifier
from alerting.notify.render import body, headline

C = TypeVar("C")


@dataclass(frozen=True, slots=True, kw_only=True)
class Deps:
    """What every notifier is built with. `timeout_s`: how long a service may take to answer one message."""

    timeout_s: float = 10.0


class Manner(Enum):
    """What a kind of notifier makes of the news that somebody has an incident in hand, or nobody any more.

    IGNORES: nothing. TELLS: it says so. HOLDS: it says so to a service that keeps incidents itself, and pages nobody of
    one that is acknowledged until it is over.
    """

    IGNORES = auto()
    TELLS = auto()
    HOLDS = auto()


def ignores(_config: object) -> Manner:
    """The manner of most."""
    return Manner.IGNORES


def in_plain_words(_config: object, message: Message, now: datetime) -> str:
    """Headline and body."""
    return f"{headline(message)}\n\n{body(message, now)}"


@dataclass(frozen=True, slots=True)
class Plugin(Generic[C]):
    """A kind of notifier. `build` is called inside the running loop; what it returns is closed by its caller.

    `preview` writes a message out as it would be sent at that time, for people, without any secret; plain words, where
    a kind has no other. `manner` is how it takes acknowledgements.
    """

    config: type[C]
    build: Callable[[C, Deps], Notifier]
    preview: Callable[[C, Message, datetime], str] = in_plain_words
    manner: Callable[[C], Manner] = ignores
