"""What a line of the catalog holds: the Config that stands in notify.yml, and how a notifier is built from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from alerting.notify.contract import Message, Notifier

C = TypeVar("C")


@dataclass(frozen=True, slots=True, kw_only=True)
class Deps:
    """What every notifier is built with. `timeout_s`: how long a service may take to answer one message."""

    timeout_s: float = 10.0


@dataclass(frozen=True, slots=True)
class Plugin(Generic[C]):
    """A kind of notifier. `build` is called inside the running loop; what it returns is closed by its caller.

    `preview` writes a message out as it would be sent at that time, for people, without any secret.
    """

    config: type[C]
    build: Callable[[C, Deps], Notifier]
    preview: Callable[[C, Message, datetime], str]
