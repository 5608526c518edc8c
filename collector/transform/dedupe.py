"""Repetitions taken out: what was seen under the same key a short while ago.

For senders that repeat themselves: a gateway that sends everything twice (the default key: the whole line), an event
with an id (`fields: [event_id]`), a sensor that reports every second what changes once an hour (`ignore_time`).
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from collector.transform.contract import ALIKE, Effect
from collector.transform.selection import Selection
from collector.verdict import Origin, Removal, Ruling
from foundation.line_protocol.line import Line

_NS = 1_000_000_000
_DIGEST = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class DedupeConfig(Selection):
    """A line goes if one with the same key came less than `within` ago; the first one starts the span.

    The key is measurement, tags, fields and timestamp, or (`tags`, `fields`) measurement and these values alone: lines
    that lack one of them stay. `ignore_time` leaves the timestamp out. At most `most` keys are remembered.
    """

    kind: Literal["dedupe"] = "dedupe"
    tags: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    ignore_time: bool = False
    within: timedelta = timedelta(minutes=1)
    most: int = 100_000

    def __post_init__(self) -> None:
        """Refuse a memory that holds nothing."""
        if self.within <= timedelta(0):
            raise ValueError("within is more than 0s")
        if self.most < 1:
            raise ValueError("most is at least 1")


class Dedupe:
    """What was seen, per bucket and key: when. About 150 bytes a key."""

    name = "dedupe"

    def __init__(self, config: DedupeConfig) -> None:
        self._config = config
        self._within_ns = round(config.within.total_seconds() * _NS)
        self._seen: OrderedDict[bytes, int] = OrderedDict()

    def begin(self, origin: Origin) -> DedupeOfBody:
        """Look at one body."""
        return DedupeOfBody(self, self._config, origin)

    def saw(self, key: bytes, now_ns: int) -> bool:
        """Whether a line with the key became durable within the span; a clock that steps back forgets nothing."""
        seen = self._seen.get(key)
        return seen is not None and abs(now_ns - seen) < self._within_ns

    def remember(self, keys: dict[bytes, None], now_ns: int) -> None:
        """Remember keys; the oldest make room."""
        for key in keys:
            self._seen[key] = now_ns
            self._seen.move_to_end(key)
        while len(self._seen) > self._config.most:
            self._seen.popitem(last=False)


class DedupeOfBody:
    """One body's view: what was seen, and what the body adds to it."""

    def __init__(self, memory: Dedupe, config: DedupeConfig, origin: Origin) -> None:
        self._memory = memory
        self._config = config
        self._origin = origin
        self._shown: bytes | None = None
        self._fresh: dict[bytes, None] = {}

    def apply(self, line: Line) -> Ruling:
        """Take the line out if its key was seen."""
        key = self._shown = self._key(line) if self._config.selects(line) else None
        if key is not None and (key in self._fresh or self._memory.saw(key, self._origin.now_ns)):
            return Removal("a repetition of a line that came a moment ago")
        return None

    def taken(self) -> None:
        """From now on, lines like the one shown last are repetitions."""
        if self._shown is not None:
            self._fresh[self._shown] = None

    def effect(self, line: Line) -> Effect | None:
        """The next one like it is a repetition."""
        return None if self._config.selects(line) else ALIKE

    def leaves(self, line: Line) -> bool:
        """Whether it cannot be meant, or lacks a part of the key."""
        config = self._config
        lacks_tag = not set(config.tags) <= {key for key, _ in line.tags}
        lacks_fields = bool(config.fields) and not any(key in config.fields for key, _ in line.fields)
        return not config.may_select(line) or lacks_tag or lacks_fields

    def confirm(self) -> None:
        """What the body brought is durable."""
        if self._fresh:
            self._memory.remember(self._fresh, self._origin.now_ns)

    def _key(self, line: Line) -> bytes | None:
        config = self._config
        tags, fields = dict(line.tags), dict(line.fields)
        parts: list[object] = [self._origin.bucket, line.measurement]
        if config.tags or config.fields:
            if not (tags.keys() >= set(config.tags) and fields.keys() >= set(config.fields)):
                return None
            parts += [tags[name] for name in config.tags]
            parts += [(type(fields[name]).__name__, fields[name]) for name in config.fields]
        else:
            parts += [sorted(tags.items()), sorted((key, type(value).__name__, value) for key, value in fields.items())]
            parts += [] if config.ignore_time else [self._origin.now_ns if line.time_ns is None else line.time_ns]
        return hashlib.blake2b(repr(parts).encode(), digest_size=_DIGEST).digest()
